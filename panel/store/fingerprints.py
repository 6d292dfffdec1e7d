"""Fingerprints of the keys of an installation, stored in its database.

The keys stand outside the database. With a missing or another key sessions would end, and earlier callers be recognised
by nobody, in silence. So each key is compared with its fingerprint before anything is done, and only a command accepts
another one on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import Mobile
from panel.security.hashes import hashed_fields, keyed_hash
from panel.security.keys import fingerprint
from panel.security.policy import table_of
from panel.store.records import Setting

#: Before the name of a key, in the table of settings.
PREFIX = "key."
#: Keys that may be replaced by another one at any time: what they sign is made anew.
REPLACEABLE = frozenset({"SECRET_KEY"})


def stored(connection: Connection) -> dict[str, str]:
    """The stored fingerprints by the name of the key; none in a database that isn't set up."""
    if not inspect(connection).has_table(Setting.__tablename__):
        return {}
    table = table_of(Setting)
    statement = select(table.c.key, table.c.value).where(table.c.key.startswith(PREFIX))
    return {row.key.removeprefix(PREFIX): row.value for row in connection.execute(statement)}


def problem(connection: Connection, keys: Mapping[str, str], folder: object) -> Message | None:
    """Why the keys aren't those of this database; None if they are, or if none was ever stored. `folder` is where the
    file of a key belongs."""
    for name, known in stored(connection).items():
        key = keys.get(name, "")
        if not key.strip():
            return _(
                "The key {name} is missing or empty: this database was set up with one. Put its file “{file}” back "
                "into {folder}, or set {name} as before.",
                name=name,
                file=name.lower(),
                folder=folder,
            )
        if fingerprint(key) != known:
            return _(
                "The key {name} is not the one that this database was set up with. Put the former one back (file "
                "“{file}” in {folder}, or {name} in the environment); to go on with the new one: "
                "flask --app admin_app keys accept {name}",
                name=name,
                file=name.lower(),
                folder=folder,
            )
    return None


def remember(session: Session, keys: Mapping[str, str]) -> None:
    """Store the fingerprints of keys that have none yet. Raises UserError for one that is empty, or that made none of
    the hashes that are stored."""
    known = stored(session.connection())
    for name in keys:
        if name not in known:
            _check(session, name, keys[name])
            session.add(Setting(key=PREFIX + name, value=fingerprint(keys[name])))
    session.flush()


def accept(session: Session, name: str, key: str) -> None:
    """Replace the fingerprint of a key by that of the present one. Raises UserError if the key can't be replaced so."""
    if name not in REPLACEABLE:
        raise UserError(_("{name} can't be replaced so: what it protects must be written anew.", name=name))
    _check(session, name, key)
    row = session.execute(select(Setting).where(Setting.key == PREFIX + name), execution_options=UNSCOPED).scalar()
    if row is None:
        session.add(Setting(key=PREFIX + name, value=fingerprint(key)))
    else:
        row.value = fingerprint(key)
    session.flush()


def _check(session: Session, name: str, key: str) -> None:
    if not key.strip():
        raise UserError(_("The key {name} is missing or empty.", name=name))
    if name == "HASH_KEY" and not _hashes_fit(session):
        raise UserError(
            _(
                "The stored hashes of telephones were made with another key, and would match nobody. Put the former "
                "key {name} back.",
                name=name,
            )
        )


def _hashes_fit(session: Session) -> bool:
    """Whether the session's secret made the stored hashes of private telephones; the last one of each is tried."""
    secret = session.info.get("secret", "")
    for mapper in Base.registry.mappers:
        model: type[Base] = mapper.class_
        for name, field in hashed_fields(model).items():
            if not isinstance(field.kind, Mobile):  # a text that a migration found twice has another hash
                continue
            hashed = getattr(model, name)
            statement = select(getattr(model, field.attr), hashed).where(hashed.is_not(None)).order_by(model.id.desc())
            row = session.execute(statement.limit(1), execution_options=UNSCOPED).first()
            if row is not None and row[0] and keyed_hash(row[0], secret) != row[1]:
                return False
    return True
