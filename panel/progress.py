"""Progress of long work: report() may be called anywhere; reported_to() sets who receives it, if anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from panel.i18n import Message, _

T = TypeVar("T")
Listener = Callable[[Message | None, int, int], None]
#: Rows between two reports.
STRIDE = 200
WRITING = _("Writing")

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def reported_to(listener: Listener) -> Iterator[None]:
    """Send reports of the block to `listener`, which may raise to stop the work."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(message: Message | None, done: int = 0, total: int = 0) -> None:
    """Report the present step, and how many of `total` units are done. A total of 0 means unknown."""
    if (listener := _listener.get()) is not None:
        listener(message, done, total)


def track(rows: Iterable[T], message: Message, total: int) -> Iterator[T]:
    """Iterate over rows and report every STRIDE of them."""

    for n, row in enumerate(rows):
        if n % STRIDE == 0:
            report(message, n, total)
        yield row
