"""Earlier values that the audit trail doesn't keep: personal ones, which stand there masked, and whole deleted records.

They are stored encrypted, in the transaction of the change, so that the change can be taken back and the record be
restored; they go after the days that imports can be taken back, and when the record is anonymised. What a step did is
changed by steps: nothing is kept of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, delete, insert, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base, Own, Record, table_of
from panel.chunks import chunks
from panel.fields import Field, all_fields, fields, links, table_of_links
from panel.kinds import now
from panel.security.records import EarlierValues

_ACT = "act"


@dataclass(frozen=True, slots=True)
class Kept:
    """What to keep of a change of a record that led to `version`, or of its deletion at `version`."""

    model: type[Base]
    id: int
    version: int
    values: Mapping[str, Any]
    deleted: bool = False


def is_kept(model: type[Base]) -> bool:
    """Whether earlier values of a table are kept: of those that people edit."""
    return issubclass(model, Record) and not model.__append_only__ and not isinstance(model.__scope__, Own)


def is_restorable(model: type[Base]) -> bool:
    """Whether deleted records of a table are kept whole: not where a row holds a file."""
    return is_kept(model) and not any(isinstance(c.type, LargeBinary) for c in table_of(model).c)


def personal_change(
    model: type[Base], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, list[Any]] | None:
    """The personal values that differ, as [before, after] by field name; None for none. The values are by attribute."""
    if not is_kept(model):
        return None
    changed = {
        f.name: [_plain(f, before.get(f.attr)), _plain(f, after[f.attr])]
        for f in fields(model)
        if f.masked_in_logs and f.attr in after and before.get(f.attr) != after[f.attr]
    }
    return changed or None


def row_values(model: type[Base], row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row by attribute, as JSON. What the database computes is left out."""
    declared = {f.attr: f for f in all_fields(model)}
    stored = {}
    for attr, value in row.items():
        field = declared.get(attr)
        if field is not None and not field.computed:
            stored[attr] = _plain(field, value)
        elif field is None and attr in table_of(model).c:
            stored[attr] = _packed(value)
    return stored


def load_row(model: type[Base], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a result of row_values(); of columns that the table no longer has nothing."""
    declared = {f.attr: f for f in all_fields(model)}
    row = {}
    for attr, value in stored.items():
        if attr in declared:
            row[attr] = None if value is None else declared[attr].kind.load(value)
        elif attr in table_of(model).c:
            row[attr] = _unpacked(value)
    return row


def record_values(session: Session, record: Base) -> dict[str, Any]:
    """The values of a loaded record by attribute, with what its many() fields link regardless of the scope."""
    row = {attribute.key: getattr(record, attribute.key) for attribute in sa_inspect(type(record)).column_attrs}
    for field in links(type(record)):
        table = table_of_links(type(record), field)
        linked = session.connection().execute(select(table.c.target_id).where(table.c.owner_id == record.id))
        row[field.attr] = sorted(linked.scalars())
    return row


def keep(session: Session, kept: Sequence[Kept]) -> None:
    """Store what is kept of changes, in one statement."""
    if not kept:
        return
    actor = session.info.get("actor")
    common = {"at": now(), "actor_name": actor.name if actor else "", "act": _act(session)}
    rows = [
        {
            **common,
            "table_name": item.model.__tablename__,
            "record_id": item.id,
            "version": item.version,
            "deleted": item.deleted,
            "kept": dict(item.values),
        }
        for item in kept
    ]
    session.connection().execute(insert(table_of(EarlierValues)), rows)


def of_change(session: Session, table: str, record_id: int, version: int) -> dict[str, list[Any]]:
    """The personal values of a change, as [before, after] by field name; empty if they aren't kept."""
    columns = table_of(EarlierValues).c
    statement = (
        select(columns.kept)
        .where(
            columns.table_name == table,
            columns.record_id == record_id,
            columns.version == version,
            columns.deleted.is_(False),
        )
        .order_by(columns.id.desc())
        .limit(1)
    )
    values: dict[str, list[Any]] | None = session.execute(statement, execution_options=UNSCOPED).scalar()
    return values or {}


def delete_expired(session: Session, days: int) -> None:
    """Delete what was kept more than `days` days ago. The caller commits."""
    forget_before(session, now() - timedelta(days=days))


def forget_before(session: Session, moment: datetime) -> None:
    kept = table_of(EarlierValues)
    session.connection().execute(delete(kept).where(kept.c.at < moment))


def forget(session: Session, model: type[Base], ids: Collection[int]) -> None:
    """Delete what is kept of these records."""
    kept = table_of(EarlierValues)
    for chunk in chunks(sorted(ids)):
        of_them = (kept.c.table_name == model.__tablename__, kept.c.record_id.in_(chunk))
        session.connection().execute(delete(kept).where(*of_them))


def _act(session: Session) -> str:
    """A name of the session's transaction."""
    transaction = session.connection().get_transaction()
    known, name = session.info.get(_ACT, (None, ""))
    if known is not transaction or not name:
        name = secrets.token_hex(10)
        session.info[_ACT] = transaction, name
    return str(name)


def _plain(field: Field, value: Any) -> Any:
    return None if value is None else field.kind.store(value)


def _packed(value: Any) -> Any:
    """A value of a column without a kind as JSON: moments and days are told by their type."""
    if isinstance(value, datetime):
        return {"moment": value.astimezone(UTC).isoformat()}
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _unpacked(stored: Any) -> Any:
    if isinstance(stored, dict) and stored.keys() == {"moment"}:
        return datetime.fromisoformat(stored["moment"])
    if isinstance(stored, dict) and stored.keys() == {"day"}:
        return date.fromisoformat(stored["day"])
    return stored
