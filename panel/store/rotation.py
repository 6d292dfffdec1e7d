"""Encrypt stored values anew with the newest key.

Each batch of rows is a transaction of its own. Values that the newest key encrypted already are left, so that an
interrupted rotation goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Engine, Table, bindparam, column, or_, select, table, update
from sqlalchemy import Text as LongString

from panel.base import Base
from panel.kinds.encrypted import MARK, Encrypted, EncryptedData, KeyRing, data_text, ring_of
from panel.security.session import may_write

BATCH_ROWS = 500


def encrypted_columns() -> Iterator[tuple[Table, list[str]]]:
    """The tables with encrypted columns, and the names of these."""
    for declared in Base.metadata.sorted_tables:
        names = [c.name for c in declared.c if isinstance(c.type, Encrypted | EncryptedData)]
        if names:
            yield declared, names


def rotate(engine: Engine) -> int:
    """Encrypt anew what older keys encrypted or what stands in clear; the number of rows that were written."""
    return sum(_rotate(engine, declared, names) for declared, names in encrypted_columns())


def outdated(engine: Engine) -> int:
    """The number of rows that rotate() would write."""
    return sum(_rotate(engine, declared, names, write=False) for declared, names in encrypted_columns())


def _rotate(engine: Engine, declared: Table, names: list[str], *, write: bool = True) -> int:
    ring, count, last = ring_of(engine.dialect), 0, 0
    stored = table(declared.name, column("id"), *(column(name, _stored_type(declared, name)) for name in names))
    filled = or_(*(stored.c[name].is_not(None) for name in names))
    while True:
        statement = select(stored).where(stored.c.id > last, filled).order_by(stored.c.id).limit(BATCH_ROWS)
        with may_write(), engine.begin() as connection:
            rows = connection.execute(statement.with_for_update() if write else statement).mappings().all()
            anew = [values for row in rows if (values := _anew(ring, dict(row), declared, names))]
            if anew and write:
                change = update(stored).where(stored.c.id == bindparam("id_"))
                connection.execute(change.values({name: bindparam(name) for name in names}), anew)
        count += len(anew)
        if not rows:
            return count
        last = rows[-1]["id"]


def _stored_type(declared: Table, name: str) -> Any:
    """The type of a column as it is stored."""
    return JSON(none_as_null=True) if isinstance(declared.c[name].type, EncryptedData) else LongString()


def _anew(ring: KeyRing, row: dict[str, Any], declared: Table, names: list[str]) -> dict[str, Any] | None:
    """The values of a row to write; None if the newest key encrypted all."""
    values: dict[str, Any] = {"id_": row["id"]}
    for name in names:
        stored = row[name]
        is_token = isinstance(stored, str) and stored.startswith(MARK)
        if stored is None or (is_token and ring.is_newest(stored)):
            values[name] = stored
        elif is_token:
            values[name] = ring.encrypt(ring.decrypt(stored))
        else:
            is_data = isinstance(declared.c[name].type, EncryptedData)
            values[name] = ring.encrypt(data_text(stored) if is_data else stored)
    return values if any(values[name] != row[name] for name in names) else None
