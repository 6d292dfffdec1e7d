"""The guard of a case's state: it is changed by steps alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm.base import NO_VALUE

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
def _guard(_case: Case, value: CaseStatus, before: Any, _initiator: object) -> None:
    """A case begins as reported; from then on only a step moves it."""
    unset = before is NO_VALUE or not isinstance(before, CaseStatus)
    if not _stepping.get() and value != before and not (unset and value is CaseStatus.REPORTED):
        raise RuntimeError("the state of a case is changed by steps alone")
