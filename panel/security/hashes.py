"""Keyed hashes of encrypted values: equal ones are found without storing them readably.

A column `phone_hash` beside a private telephone or an encrypted text `phone` holds its hash. Telephones are hashed as
they are stored; other texts by their key_of(), so that case, width and white space make no difference."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from panel.base import Base
from panel.fields import Field, Personal, fields
from panel.kinds import Mobile, key_of


def keyed_hash(value: str, secret: str) -> str:
    """HMAC-SHA256 of a value as 64 hexadecimal digits."""
    return hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()


@lru_cache
def hashed_fields(model: type[Base]) -> Mapping[str, Field]:
    """The fields of a table that have a keyed hash beside them, by the name of its column."""
    columns = model.__table__.c
    kept = (f for f in fields(model) if f.encrypted or (f.personal is Personal.PRIVATE and isinstance(f.kind, Mobile)))
    return {f.hash_attr: f for f in kept if f.hash_attr in columns}


def hash_of(field: Field, value: Any, secret: str) -> str | None:
    """The keyed hash of a field's value; None of an empty one."""
    return keyed_hash(value if isinstance(field.kind, Mobile) else key_of(value), secret) if value else None


def hashes(model: type[Base], values: Mapping[str, Any], secret: str) -> dict[str, str | None]:
    """The keyed hashes of the values of a row, as far as it gives values that have one."""
    known = hashed_fields(model).items()
    return {name: hash_of(field, values[field.attr], secret) for name, field in known if field.attr in values}


def sources(model: type[Base], columns: Iterable[str]) -> list[str]:
    """The columns that people type of these: of a hash the one that it is of."""
    hashed = hashed_fields(model)
    return [hashed[name].attr if name in hashed else name for name in columns]
