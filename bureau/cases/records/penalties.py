"""What an outcome leaves behind: the record of a penalty, and the action that persuasion and the like are.

A penalty (当场处罚, 立案查处) needs its own record by two enforcement officers. The other outcomes that are acts of an
officer add their action by themselves, so that the enforcement's part in a case is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bureau.cases.errors import InvalidValues
from bureau.cases.steps.fields import ask
from bureau.cases.steps.model import Values
from models import Action, ActionKind, Case, CaseEvent, CaseStatus, Officer, OfficerKind, Outcome
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Amount, Code, Reference, now
from schema.requirements import PENALTIES, recorded

#: The heading of the fields.
HEADING = _("Record of the penalty")
FINED, FILED, EITHER = (
    ("outcome", (Outcome.FINED,)),
    ("outcome", (Outcome.FILED,)),
    ("outcome", (Outcome.FINED, Outcome.FILED)),
)
#: The fields of a penalty, shown where the outcome is one.
ASKS = (
    ask("penalty_no", Code(40), _("Document no. of the penalty"), required=False, group=HEADING, only_if=FINED),
    ask(
        "penalty_amount",
        Amount(),
        _("Amount (yuan)"),
        required=False,
        group=HEADING,
        only_if=FINED,
        help=_("0 for a warning."),
    ),
    ask("filing_no", Code(40), _("Filing no."), required=False, group=HEADING, only_if=FILED),
    ask("penalty_officer", Reference("officer"), _("Officer"), required=False, group=HEADING, only_if=EITHER),
    ask(
        "penalty_second_officer",
        Reference("officer"),
        _("Second officer"),
        required=False,
        group=HEADING,
        only_if=EITHER,
        help=_("Both are enforcement officers, not auxiliary staff."),
    ),
)
#: Outcomes that are acts of an officer, with the kind of action that they add.
ACTS = {
    Outcome.PERSUASION: ActionKind.PERSUASION,
    Outcome.EDUCATION: ActionKind.EDUCATION,
    Outcome.RECTIFICATION: ActionKind.RECTIFICATION,
    Outcome.CLEARED: ActionKind.CLEARING,
    Outcome.ASSISTED: ActionKind.ASSISTANCE,
}
#: Longest note of an action, in characters.
NOTE_LENGTH = 500
MISSING = _("A penalty needs this.")


def record(session: Session, case: Case, values: Values) -> None:
    """Add the action that the outcome in `values` is. Raises InvalidValues for a penalty without a complete record."""
    outcome = values["outcome"]
    if (kind := PENALTIES.get(outcome)) is not None:
        _record_penalty(session, case, kind, values)
    elif (kind := ACTS.get(outcome)) is not None and not _acted(session, case, kind):
        _add(session, case, kind, values, officer_id=_in_service(session, case.handler_id, case.lead_officer_id))


def _in_service(session: Session, *people: int | None) -> int | None:
    """The first of these officers who is in service: one who has left takes no more part in anything."""
    for id_ in people:
        officer = session.get(Officer, id_) if id_ is not None else None
        if officer is not None and officer.active:
            return officer.id
    return None


def is_recorded(session: Session, case: Case, kind: ActionKind) -> bool:
    """Whether the case has a complete record of this penalty."""
    return bool(session.connection().execute(select(recorded(case.id, kind))).scalar())


def usual_officers(case: Case) -> Mapping[str, Any]:
    """The handler as first officer of a penalty, unless auxiliary."""
    if case.handler is None or case.handler.kind is OfficerKind.AUXILIARY or not case.handler.active:
        return {}
    return {"penalty_officer": case.handler_id}


def _record_penalty(session: Session, case: Case, kind: ActionKind, values: Values) -> None:
    number = "penalty_no" if kind is ActionKind.FINE else "filing_no"
    needed = [number, "penalty_officer", "penalty_second_officer"]
    needed += ["penalty_amount"] if kind is ActionKind.FINE else []
    session.flush()
    if values.get(number) is None and is_recorded(session, case, kind):
        return
    problems: dict[str, Message] = {name: MISSING for name in needed if values.get(name) is None}
    first, second = values.get("penalty_officer"), values.get("penalty_second_officer")
    if first is not None and first == second:
        problems["penalty_second_officer"] = _("The two officers must be two people.")
    for name, id_ in (("penalty_officer", first), ("penalty_second_officer", second)):
        officer = session.get(Officer, id_) if id_ is not None else None
        if officer is not None and officer.kind is OfficerKind.AUXILIARY:
            problems[name] = _("Auxiliary staff can't decide a penalty.")
        elif officer is not None and not officer.active:
            problems[name] = Officer.not_offered(officer.name)
    if problems:
        raise InvalidValues(problems)
    amount = values.get("penalty_amount") if kind is ActionKind.FINE else None
    officers = {"officer_id": first, "second_officer_id": second}
    _add(session, case, kind, values, document_no=values[number], amount=amount, **officers)


def _acted(session: Session, case: Case, kind: ActionKind) -> bool:
    """Whether an officer's action of this kind is recorded since the case was last sent back to handling."""
    again = select(func.max(CaseEvent.at)).where(
        CaseEvent.case_id == case.id,
        CaseEvent.to_status == CaseStatus.HANDLING,
        CaseEvent.from_status.in_((CaseStatus.HANDLED, CaseStatus.VERIFIED, CaseStatus.CLOSED)),
    )
    since = again.scalar_subquery()
    acted = select(Action.id).where(
        Action.case_id == case.id,
        Action.kind == kind,
        Action.officer_id.is_not(None),
        or_(since.is_(None), Action.at >= since),
    )
    return session.execute(acted.limit(1), execution_options=UNSCOPED).first() is not None


def _add(session: Session, case: Case, kind: ActionKind, values: Values, **given: Any) -> None:
    note = (values.get("result") or "")[:NOTE_LENGTH] or None
    session.add(Action(case_id=case.id, at=now(), kind=kind, note=note, **given))
