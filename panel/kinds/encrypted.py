"""Column types whose values are stored encrypted, so that a copy of the database tells nothing without its keys.

A value is encrypted anew each time it is written (Fernet: AES-128-CBC with HMAC-SHA256), so that equal values differ:
the database can't compare, sort or search them. Equal telephones are found by their keyed hash."""

from __future__ import annotations

import base64
import hashlib
import json
import operator
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, TypeDecorator
from sqlalchemy import Text as LongString
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

#: The first characters of every encrypted value: Fernet's version byte and the first zeros of its time.
MARK = "gAAAAA"
#: Decrypted values that are remembered, so that a list that is read again costs nothing.
REMEMBERED = 20_000


class KeyRing:
    """The keys of encrypted columns, the newest first: it encrypts, all decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("no key to encrypt with")
        self._keys = tuple(keys)
        self.decrypt = lru_cache(REMEMBERED)(self._decrypt)

    @cached_property
    def _fernets(self) -> list[Fernet]:
        from cryptography.fernet import Fernet  # noqa: PLC0415 - most commands decrypt nothing

        digests = (hashlib.sha256(b"fernet:" + key.encode()).digest() for key in self._keys)
        return [Fernet(base64.urlsafe_b64encode(digest)) for digest in digests]

    def encrypt(self, text: str) -> str:
        return self._fernets[0].encrypt(text.encode()).decode()

    def _decrypt(self, token: str) -> str:
        """The text of a value. Raises LookupError if none of the keys encrypted it."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see above

        for fernet in self._fernets:
            try:
                return fernet.decrypt(token.encode()).decode()
            except InvalidToken:
                continue
        raise LookupError("a stored value was encrypted with a key that this installation doesn't have")

    def is_newest(self, token: str) -> bool:
        """Whether the newest key encrypted a value."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see above

        try:
            self._fernets[0].decrypt(token.encode())
        except InvalidToken:
            return False
        return True


_RINGS: WeakKeyDictionary[Dialect, KeyRing] = WeakKeyDictionary()


def use_ring(dialect: Dialect, ring: KeyRing) -> None:
    """Set the keys of an engine, by its dialect."""
    _RINGS[dialect] = ring


def ring_of(dialect: Dialect) -> KeyRing:
    """The keys of an engine. Raises LookupError if it has none."""
    ring = _RINGS.get(dialect)
    if ring is None:
        raise LookupError("this engine has no keys for its encrypted columns: prepare() sets them")
    return ring


class _Incomparable(TypeDecorator.Comparator[Any]):
    """Refuses any comparison but with NULL: it would match nothing, in silence."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        null = bool(other) and (other[0] is None or getattr(other[0], "__visit_name__", "") == "null")
        if op in (operators.is_, operators.is_not, operator.eq, operator.ne) and null:
            return super().operate(op, *other, **options)
        raise TypeError("an encrypted column can't be compared or sorted; compare its keyed hash")


class Encrypted(TypeDecorator[str]):
    """A text that is stored encrypted. One that was stored in clear, past the program, is read as it is."""

    impl = LongString
    cache_ok = True
    comparator_factory = _Incomparable  # type: ignore[assignment]

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else ring_of(dialect).encrypt(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return ring_of(dialect).decrypt(value) if value is not None and value.startswith(MARK) else value


def data_text(value: Any) -> str:
    """JSON data as the text that is encrypted."""
    return json.dumps(value, ensure_ascii=False)


class EncryptedData(TypeDecorator[Any]):
    """JSON data that is stored encrypted, as one string."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else ring_of(dialect).encrypt(data_text(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if isinstance(value, str) and value.startswith(MARK):
            return json.loads(ring_of(dialect).decrypt(value))
        return value
