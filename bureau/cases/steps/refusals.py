"""Refusals of records that a step writes, told as those of the step: at its field, with what was typed kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.orm import Session

from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import Step
from models import Case
from panel.base import Base
from panel.errors import UserError
from panel.fields import field_named
from panel.i18n import Message, _
from panel.kinds import Invalid
from panel.security import watches
from panel.security.creation import RowRefused
from panel.security.locks import Locked, Unmet


@contextmanager
def told_of_step(session: Session, step: Step) -> Iterator[None]:
    """Turn what the rules of a record refuse into InvalidValues where the step asks for that column, else into
    StepNotAllowed. Rules of the end of the transaction are applied at the end of the block already."""
    try:
        yield
        watches.check(session)
    except RowRefused as error:
        raise _of_step(step, error.problems, error.model) from error
    except (Locked, Unmet) as error:
        raise _of_step(step, [(error.field, error.message)]) from error
    except (Invalid, UserError) as error:
        raise StepNotAllowed(error.message) from error


def _of_step(
    step: Step, problems: Sequence[tuple[str, Message]], model: type[Base] = Case
) -> InvalidValues | StepNotAllowed:
    asked = {ask.name for ask in step.asks} if not step.makes else set()
    at_fields = {name: message for name, message in problems if name in asked}
    if at_fields:
        return InvalidValues(at_fields)
    name, message = problems[0]
    declared = field_named(model, name)
    if declared is not None:
        message = _("{field}: {problem}", field=declared.label, problem=message)
    if not step.makes:
        return StepNotAllowed(message)
    why = _("The new case can't be added ({why}). Correct that on this case first.", why=message)
    return InvalidValues({step.makes: why})
