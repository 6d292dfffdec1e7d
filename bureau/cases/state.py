"""The guard of a case's state: it is changed by steps alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event, inspect

from models import Case, CaseStatus

_stepping: ContextVar[bool] = ContextVar("stepping", default=False)


@contextmanager
def stepping() -> Iterator[None]:
    """Inside, a step is being taken."""
    token = _stepping.set(True)
    try:
        yield
    finally:
        _stepping.reset(token)


@event.listens_for(Case.status, "set")
def _guard(case: Case, value: CaseStatus, before: Any, _initiator: object) -> None:
    """A case begins as reported; from then on only a step moves it."""
    begins = value is CaseStatus.REPORTED and inspect(case).key is None
    if not _stepping.get() and value != before and not begins:
        raise RuntimeError("the state of a case is changed by steps alone")
