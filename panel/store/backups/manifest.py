"""The manifest of an archive: what is in it, sealed with a key of the installation.

It holds the version of the schema, the hash of the database's file, the number of rows of each table, the head of each
append-only table, and each file with its size. A restore compares all of it, so that an archive of which something was
taken away or exchanged doesn't come in."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, inspect, select

from panel.base import Base
from panel.i18n import Message, _
from panel.kinds import now
from panel.security.keys import fingerprint
from panel.store.backups.errors import BackupError

#: The version of the archive's form.
FORM = 1
SQLITE, PG_DUMP, PG_SNAPSHOT = "sqlite", "pg_dump", "pg_snapshot"

#: Version of the schema, numbers of rows, and heads.
Contents = tuple[str, dict[str, int], dict[str, list[Any]]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`kind` is SQLITE, PG_SNAPSHOT, or PG_DUMP for a dump of an earlier version, whose rows were counted at another
    moment than it was made; a PostgreSQL database may be copied into a file of SQLite too. `heads` are the
    highest id of each append-only table and the hash of that row, if it has one. `keys` are fingerprints."""

    kind: str
    schema: str
    sha256: str
    size: int
    counts: dict[str, int]
    heads: dict[str, list[Any]]
    files: dict[str, int]
    keys: dict[str, str]
    made_at: str = field(default_factory=lambda: now().isoformat(timespec="seconds"))
    form: int = FORM

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def read(cls, data: bytes) -> Manifest:
        """Raises BackupError for what is none."""
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError):
            raise BackupError(_("The list of contents of this archive can't be read: it is damaged.")) from None


def seal(data: bytes, keys: Mapping[str, str]) -> bytes:
    """The seals of a manifest, a line for each key: its fingerprint and an HMAC."""
    return "\n".join(f"{fingerprint(key)} {_mac(data, key)}" for key in keys.values() if key).encode()


def is_sealed(data: bytes, seals: bytes, keys: Mapping[str, str]) -> bool | None:
    """Whether a seal by one of these keys fits; None if none of them made one."""
    made = dict(line.split(" ", 1) for line in seals.decode(errors="replace").splitlines() if " " in line)
    ours = {fingerprint(key): key for key in keys.values() if key}
    known = made.keys() & ours.keys()
    if not known:
        return None
    return all(hmac.compare_digest(made[name], _mac(data, ours[name])) for name in known)


def _mac(data: bytes, key: str) -> str:
    return hmac.new(hmac.digest(key.encode(), b"key:backup", "sha256"), data, sha256).hexdigest()


def file_hash(path: Path) -> str:
    hashed = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def contents(connection: Connection) -> Contents:
    """Version of the schema, numbers of rows, and heads of a database. Tables that it lacks, being of an older version,
    are left out."""
    present = set(inspect(connection).get_table_names())
    version = ""
    if "alembic_version" in present:
        version = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")
    tables = {table.name: table for table in Base.metadata.sorted_tables if table.name in present}
    counts = {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
    heads: dict[str, list[Any]] = {}
    for mapper in Base.registry.mappers:
        table = tables.get(mapper.class_.__tablename__)
        if table is None or not mapper.class_.__append_only__:
            continue
        hashed = [table.c.hash] if "hash" in table.c else []
        row = connection.execute(select(table.c.id, *hashed).order_by(table.c.id.desc()).limit(1)).first()
        heads[table.name] = [str(value) for value in row] if row is not None else []
    return version, counts, heads


def difference(manifest: Manifest, connection: Connection) -> Message | None:
    """What differs between a manifest and the database that came with it."""
    version, counts, heads = contents(connection)
    if version != manifest.schema:
        return _("its database has version {have}, not {said}", have=version, said=manifest.schema)
    for name, count in counts.items():
        if count != manifest.counts.get(name):
            return _(
                "table {name} has {have} rows, not {said}", name=name, have=count, said=manifest.counts.get(name, 0)
            )
    if missing := sorted(manifest.counts.keys() - counts.keys()):
        return _("table {name} is missing", name=missing[0])
    for name, head in heads.items():
        if head != manifest.heads.get(name):
            return _("the last entry of {name} is another one", name=name)
    return None
