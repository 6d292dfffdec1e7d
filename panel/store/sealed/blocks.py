"""Hashes of rows and blocks in a canonical form, which is the same on every database."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Column, Table

from panel.base import Base

#: Rows of one block at most.
BLOCK_ROWS = 1000
#: What a seal covers, besides the seal before.
COVERED = ("at", "table_name", "first_id", "last_id", "row_count", "columns", "digest", "marks", "key_name")
#: Hexadecimal digits of a row's mark.
MARK = 8

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def sealed_models() -> list[type[Base]]:
    """The models whose rows are sealed, by table name: the append-only ones but those of the sealing itself."""
    models = (mapper.class_ for mapper in Base.registry.mappers)
    return sorted((m for m in models if m.__append_only__ and m.__sealed__), key=lambda model: model.__tablename__)


def stored_columns(table: Table, names: Iterable[str] | None = None) -> list[Column[Any]]:
    """The columns of a table that a block covers, its id first; those with these names, as far as they still exist."""
    chosen = [table.c[name] for name in names if name in table.c] if names is not None else list(table.c)
    return [table.c.id, *(column for column in chosen if column.name != "id")]


def row_hash(names: Sequence[str], row: Sequence[Any]) -> str:
    """SHA-256 of a row. An empty column is left out."""
    values = {name: plain(value) for name, value in zip(names, row, strict=True) if value is not None}
    return hashlib.sha256(_canonical(values).encode()).hexdigest()


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, Enum) else value


def digest_of(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def marks_of(ids: Sequence[int], hashes: Sequence[str]) -> dict[str, Any]:
    consecutive = ids[-1] - ids[0] + 1 == len(ids)
    return {"ids": None if consecutive else list(ids), "rows": "".join(row[:MARK] for row in hashes)}


def marked_rows(block: Mapping[str, Any]) -> dict[int, str]:
    """The mark of each row of a block, by id."""
    marks = block["marks"]
    ids = marks["ids"] or range(block["first_id"], block["last_id"] + 1)
    return {id_: marks["rows"][i * MARK : (i + 1) * MARK] for i, id_ in enumerate(ids)}


def seal_of(key: str, previous: str, block: Mapping[str, Any]) -> str:
    """HMAC-SHA256 of a block and the seal before it."""
    values = {name: plain(block[name]) for name in COVERED}
    return hmac.new(key.encode(), (previous + _canonical(values)).encode(), hashlib.sha256).hexdigest()
