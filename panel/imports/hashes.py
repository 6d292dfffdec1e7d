"""Hashes of what an import would do, by which two plans are compared."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from panel.i18n import Message


def hash_of(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, default=_plain, sort_keys=True).encode()).hexdigest()[:20]


def _plain(value: Any) -> Any:
    """JSON form of a value for a fingerprint; must not depend on the reader's language."""

    return [value.msgid, value.values] if isinstance(value, Message) else str(value)
