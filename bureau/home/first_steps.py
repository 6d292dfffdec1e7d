"""The first steps of a new office: how each stands, and which the office has set aside.

A step is done when it has begun and lacks nothing, over when it is done or set aside. They are declared in
step_list.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from bureau.home.step_list import Step, steps
from bureau.settings import settings
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import today

#: The setting of the steps set aside, by their names.
ASIDE = "first_steps_aside"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step stands."""

    step: Step
    begun: bool
    count: int
    lacks: tuple[Message, ...]
    #: Whether the office said that it needs it not now.
    marked: bool

    @property
    def done(self) -> bool:
        return self.begun and not self.lacks

    @property
    def aside(self) -> bool:
        return self.marked and not self.done

    @property
    def over(self) -> bool:
        return self.done or self.aside


def standings(session: Session, aside: frozenset[str]) -> list[Standing]:
    """How each step stands. One statement, read past the scope."""
    every, statement = _asked(today())
    row = iter(session.execute(statement, execution_options=UNSCOPED).one())
    result = []
    for step in every:
        begun, count = bool(next(row)), next(row)
        numbers = [(lack, next(row), next(row)) for lack in step.lacks]
        lacks = tuple(lack.words(n, whole) for lack, n, whole in numbers if n)
        result.append(Standing(step, begun, count, lacks, step.name in aside))
    return result


@lru_cache(maxsize=2)
def _asked(_day: date) -> tuple[tuple[Step, ...], Select[Any]]:
    """The steps with the statement that counts them. Made once a day, on which its conditions depend: it is part of
    every home page, and takes longer to make than to answer."""
    every = steps()
    columns: list[Any] = []
    for step in every:
        columns.append(step.begun if step.begun is not None else exists().select_from(step.model))
        columns.append(step.count if step.count is not None else select(func.count(step.model.id)).scalar_subquery())
        for lack in step.lacks:
            columns += [lack.number, lack.whole]
    return every, select(*columns)


def aside(text: str) -> frozenset[str]:
    """The steps set aside, by the text of the setting."""
    return frozenset(text.split())


def set_aside(session: Session, name: str, *, is_aside: bool) -> Message:
    """Set a step aside, or take it back; returns its label. The caller has checked that the actor may change settings,
    and commits."""
    step = next((step for step in steps() if step.name == name), None)
    if step is None:
        raise UserError(_("Choose one from the list."))
    names = aside(settings.get(session, ASIDE))
    names = names | {name} if is_aside else names - {name}
    settings.put(session, ASIDE, " ".join(sorted(names)))
    return step.label
