"""The keys of an installation, each with one use: SECRET_KEY signs sessions and forms; the others stand here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import Dialect

from panel.kinds.encrypted import KeyRing, use_ring


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys besides SECRET_KEY, as texts of 64 hexadecimal digits or longer."""

    #: Seals the logs.
    log: str
    #: Hashes private telephones, to find equal ones.
    hash: str
    #: Encrypt private values: the newest key, then those that values may still be encrypted with.
    data: tuple[str, ...]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Keys:
        """The keys of an application's configuration. One that it doesn't name follows from SECRET_KEY, so that a panel
        can be tried with that alone."""
        secret = str(config["SECRET_KEY"])
        return cls(
            log=str(config.get("LOG_KEY") or derived(secret, "log")),
            hash=str(config.get("HASH_KEY") or secret),
            data=tuple(str(config.get("DATA_KEY") or "").split()) or (derived(secret, "data"),),
        )


def derived(secret: str, use: str) -> str:
    """A key for one use, from another key."""
    return hmac.new(secret.encode(), f"key:{use}".encode(), hashlib.sha256).hexdigest()


def fingerprint(key: str) -> str:
    """16 hexadecimal digits that tell a key from others without giving it away."""
    return derived(key, "fingerprint")[:16]


#: The keys of each engine, by its dialect, which its connections and column types know too.
_KEYS: WeakKeyDictionary[Dialect, Keys] = WeakKeyDictionary()


def use(engine: Engine, keys: Keys) -> None:
    """Set the keys of an engine."""
    _KEYS[engine.dialect] = keys
    use_ring(engine.dialect, KeyRing(keys.data))


def keys_of(bind: Connection | Engine) -> Keys:
    """The keys of an engine or connection. Raises LookupError if it belongs to no panel."""
    keys = _KEYS.get(bind.dialect)
    if keys is None:
        raise LookupError("this engine has no keys: prepare() sets them")
    return keys
