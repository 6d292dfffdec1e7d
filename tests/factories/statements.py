"""The statements that a piece of code sends, and a database of its own to send them to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from panel.base import Base
from panel.kinds.encrypted import KeyRing, use_ring


def memory_session() -> Session:
    """A session of its own over an empty schema in memory; no scope, no audit."""
    engine = sa.create_engine("sqlite://")
    use_ring(engine.dialect, KeyRing(["a key for tests only"]))
    Base.metadata.create_all(engine)
    return Session(engine)


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that are sent inside, log-in and scope included; transactions are not counted."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
