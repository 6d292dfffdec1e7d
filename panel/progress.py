"""How far long work is: told from wherever it is done, to whoever listens; nobody has to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from panel.i18n import Message, _

T = TypeVar("T")
Listener = Callable[[Message | None, int, int], None]
#: How many rows pass before it is told again.
STRIDE = 200
WRITING = _("Writing")

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """What is told inside goes to `listener`, who may raise to end the work."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(message: Message | None, done: int = 0, total: int = 0) -> None:
    """What is being done, and how much of it is; without a total nobody knows how long it will take."""
    if (listener := _listener.get()) is not None:
        listener(message, done, total)


def told(rows: Iterable[T], message: Message, total: int) -> Iterator[T]:
    """Go through rows and tell how many have passed."""
    for n, row in enumerate(rows):
        if n % STRIDE == 0:
            tell(message, n, total)
        yield row
