"""The state of a case: its guard, by which only a step changes it, and where a referred case goes on."""

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
    """Allow changes of Case.status inside the block. Only workflow.take() uses it."""
    token = _stepping.set(True)
    try:
        yield
    finally:
        _stepping.reset(token)


@event.listens_for(Case.status, "set")
def _guard(case: Case, value: CaseStatus, before: Any, _initiator: object) -> None:
    """Refuse a change of state outside a step. A new case may begin as reported."""
    is_new = value is CaseStatus.REPORTED and inspect(case).key is None
    if not _stepping.get() and value != before and not is_new:
        raise RuntimeError("the state of a case is changed by steps alone")


def without_referrals(handler_id: int | None) -> CaseStatus:
    """The state of a case that was referred, once no department is waited for: handled on, or, where it was referred
    before anybody was named for it, to be dispatched."""
    return CaseStatus.ACCEPTED if handler_id is None else CaseStatus.HANDLING
