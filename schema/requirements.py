"""Rules of a case's records that read other tables.

A penalty (当场处罚, 立案查处) needs a record of its own, by two enforcement officers. Feedback isn't dated before the
handling that it tells of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from panel.base import Base
from panel.fields import Requirement
from panel.i18n import _
from panel.kinds import minute, now
from schema.locks import of_case
from schema.words import ActionKind, OfficerKind, Outcome

#: The kind of action that an outcome needs.
PENALTIES = {Outcome.FINED: ActionKind.FINE, Outcome.FILED: ActionKind.FILING}


def is_penalty(action: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = action.kind.in_(PENALTIES.values())
    return condition


def complete(action: Any) -> ColumnElement[bool]:
    """A penalty with its number, its two officers and, on the spot, its amount."""
    return and_(
        action.document_no.is_not(None),
        action.officer_id.is_not(None),
        action.second_officer_id.is_not(None),
        (action.kind != ActionKind.FINE) | action.amount.is_not(None),
    )


def recorded(case_id: Any, kind: ActionKind) -> ColumnElement[bool]:
    """Whether a case has a complete record of this penalty."""
    action = Base.metadata.tables["action"].c
    return exists(select(action.id).where(action.case_id == case_id, action.kind == kind, complete(action)))


def _unrecorded(outcome: Outcome, kind: ActionKind) -> Requirement:
    return Requirement(
        lambda case: and_(case.outcome == outcome, case.historic.is_(False), ~recorded(case.id, kind)),
        _(
            "A penalty needs its own record: document no., amount or filing no., two enforcement officers. Choose it "
            "in the step “Handling done”, or add the action first."
        ),
        "outcome",
    )


def _auxiliary(name: str) -> Requirement:
    def broken(action: Any) -> ColumnElement[bool]:
        officer = Base.metadata.tables["officer"].c
        auxiliary = select(officer.id).where(officer.kind == OfficerKind.AUXILIARY)
        return and_(is_penalty(action), getattr(action, f"{name}_id").in_(auxiliary))

    return Requirement(broken, _("Auxiliary staff can't decide a penalty."), name)


def _here(action: Any) -> ColumnElement[bool]:
    """Of a case that was not brought in from an old ledger, whose penalties may lack what isn't known."""
    return of_case(action.case_id, lambda case: case.historic.is_(False))


#: A case, and an action. An old ledger may lack what isn't known any more.
OF_CASE = tuple(_unrecorded(outcome, kind) for outcome, kind in PENALTIES.items())
OF_ACTION = (
    _auxiliary("officer"),
    _auxiliary("second_officer"),
    Requirement(
        lambda action: and_(is_penalty(action), action.document_no.is_(None), _here(action)),
        _("A penalty needs the number of its document, or of its filing."),
        "document_no",
    ),
    Requirement(
        lambda action: and_(action.kind == ActionKind.FINE, action.amount.is_(None), _here(action)),
        _("A penalty on the spot needs its amount; enter 0 for a warning."),
        "amount",
    ),
)


def _told_early(feedback: Any) -> ColumnElement[bool]:
    """Feedback of a case that was handled later; of one from an old ledger the day counts."""
    case = Base.metadata.tables["case"].c
    early = and_(case.historic.is_(False), feedback.at < minute(case.handled_at))
    return exists(
        select(case.id).where(case.id == feedback.case_id, or_(early, feedback.at < minute(case.reported_at)))
    )


#: Feedback isn't dated before the handling that it tells of, nor in the future.
OF_FEEDBACK = (
    Requirement(_told_early, _("Feedback can't be dated before the handling."), "at"),
    Requirement(lambda feedback: feedback.at > now() + timedelta(minutes=1), _("This time is still to come."), "at"),
)
