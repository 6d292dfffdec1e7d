"""Effects of the steps of a case: the columns that a step sets, the records it adds, the deadline it changes."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.calendar.calendar import office_calendar
from bureau.cases import approvals, clock, intake
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.records import merged_told, penalties
from bureau.cases.steps.model import MOMENT, Values
from bureau.checklists import items
from models import (
    ENDED,
    Case,
    CaseParty,
    ChecklistItem,
    Feedback,
    FeedbackChannel,
    FeedbackTarget,
    Measurement,
    Officer,
    PartyRole,
    Satisfaction,
)
from panel.base import UNSCOPED, display
from panel.i18n import _
from panel.kinds import now, today

FEEDBACK_MISSING = {
    FeedbackTarget.LIAISON: _("The liaison has not been told yet: say what was told."),
    FeedbackTarget.COMPLAINANT: _("The complainant has not been told yet: say what was told."),
}


def _item(session: Session, values: Values) -> ChecklistItem:
    item = session.get_one(ChecklistItem, values["item"])
    if not items.is_in_force(session, item.id, today()):
        raise InvalidValues({"item": _("The item {item} isn't in force today. Choose another.", item=display(item))})
    return item


def accept(session: Session, case: Case, values: Values) -> None:
    intake.accept(session, case, _item(session, values), urgency=values.get("urgency"))


def change_list(session: Session, case: Case, values: Values) -> None:
    """Change the item (转清单). Its list and limit apply from acceptance, with the extensions and suspensions so far.

    The event of the step keeps the old item and deadline."""
    if values["item"] == case.item_id:
        raise InvalidValues({"item": _("The case stands on this item already.")})
    item, calendar = _item(session, values), office_calendar(session)
    try:
        intake.set_item(case, item, calendar)
    except ValueError:
        raise StepNotAllowed(_("This case was never accepted: it has no item that could be changed.")) from None
    case.due_at = approvals.due_of(session, case, calendar=calendar)


def merge(session: Session, case: Case, values: Values) -> None:
    """Merge the case into an open one. Cases merged into this one before get the new master too, so that a merged case
    never is a master."""
    if values["master"] == case.id:
        raise InvalidValues({"master": _("A case can't be merged into itself.")})
    # Locked and read again: another transaction may be ending it, or merging it into this one.
    master = session.get_one(Case, values["master"], with_for_update=True, populate_existing=True)
    if master.status in ENDED:
        raise InvalidValues(
            {"master": _("{case} is “{status}”. Choose an open case.", case=master.case_no, status=master.status.label)}
        )
    case.master_id, case.closed_at = master.id, now()
    session.flush()
    for merged in session.scalars(select(Case).where(Case.master_id == case.id)):
        merged.master_id = master.id


def record_raised(_session: Session, case: Case, values: Values) -> None:
    """Record that the complaint was raised elsewhere, such as with 12345 or 信访, and when."""
    at = values.get("raised_at") or now()
    if at > now() or at < case.reported_at.replace(second=0, microsecond=0):
        raise InvalidValues({"raised_at": _("After the report, and not in the future.")})
    case.raised_to, case.raised_at = values["raised_to"], at


def end(session: Session, case: Case, values: Values) -> None:
    """End a case that was not handled: rejected or voided. The reporters of cases merged into it are told."""
    merged_told.record(session, case, values, asks_answer=False)
    case.closed_at = now()


def assign(session: Session, case: Case, values: Values) -> None:
    if values["handler"] == case.handler_id:
        raise InvalidValues({"handler": _("This is the handler already.")})
    officer = session.get_one(Officer, values["handler"])
    if not officer.active:
        raise InvalidValues({"handler": _("{name} is no longer in service. Choose another.", name=officer.name)})
    case.handler_id = values["handler"]
    case.lead_officer_id = case.lead_officer_id or values["handler"]


def send_back(_session: Session, case: Case, _values: Values) -> None:
    case.handler_id = None


def handle(session: Session, case: Case, values: Values) -> None:
    """Store outcome, result and quantity, with the action that the outcome is. An item that needs a measurement must
    have one, or a reason why not."""
    if lacks_measurement(session, case) and not values.get("unmeasured"):
        raise InvalidValues(
            {"unmeasured": _("This item is to be measured: record a measurement first, or say why there is none.")}
        )
    penalties.record(session, case, values)
    case.outcome, case.result = values["outcome"], values["result"]
    case.quantity, case.quantity_unit = values.get("quantity"), values.get("quantity_unit")
    case.handled_at = now()


def needs_measurement(case: Case) -> bool:
    """Whether the item of the case needs a measurement."""
    return bool((case.item_snapshot or {}).get("needs_measurement"))


def lacks_measurement(session: Session, case: Case) -> bool:
    """Whether the item of the case needs a measurement and none is recorded."""
    if not needs_measurement(case):
        return False
    measurements = select(Measurement.id).where(Measurement.case_id == case.id).limit(1)
    return session.execute(measurements, execution_options=UNSCOPED).first() is None


def rework(_session: Session, case: Case, _values: Values) -> None:
    case.handled_at = None


def feedback_due(session: Session, case: Case) -> set[FeedbackTarget]:
    """Who must still get feedback before the case may close: the liaison, and the complainant unless anonymous, who is
    asked as well how satisfied they are.

    Feedback from before the case was last handled doesn't count."""
    required = {FeedbackTarget.LIAISON}
    if _has_complainant(session, case):
        required.add(FeedbackTarget.COMPLAINANT)
    answered = or_(Feedback.target == FeedbackTarget.LIAISON, Feedback.satisfaction.is_not(None))
    targets = select(Feedback.target).where(Feedback.case_id == case.id, answered)
    if case.handled_at is not None:
        # Feedback times are entered to the minute.
        targets = targets.where(Feedback.at >= case.handled_at.replace(second=0, microsecond=0))
    return required - set(session.execute(targets, execution_options=UNSCOPED).scalars())


def _has_complainant(session: Session, case: Case) -> bool:
    """Whether the case has a complainant who isn't anonymous."""
    complainants = select(CaseParty.id).where(
        CaseParty.case_id == case.id, CaseParty.role == PartyRole.COMPLAINANT, CaseParty.anonymous.is_(False)
    )
    return session.execute(complainants.limit(1), execution_options=UNSCOPED).first() is not None


def close(session: Session, case: Case, values: Values) -> None:
    """Record the feedback and close the case. Raises InvalidValues while feedback is missing, also to the reporters of
    cases merged into it."""
    satisfaction = values.get("satisfaction")
    told = {target: values.get(f"{target.value}_content") for target in FEEDBACK_MISSING}
    if satisfaction is Satisfaction.UNREACHED:
        told[FeedbackTarget.COMPLAINANT] = told[FeedbackTarget.COMPLAINANT] or str(satisfaction.label)
    if told[FeedbackTarget.COMPLAINANT] and satisfaction is None and _has_complainant(session, case):
        raise InvalidValues({"satisfaction": _("Ask how satisfied the complainant is; “not reached” is an answer.")})
    for target, content in told.items():
        name = target.value
        if content:
            session.add(
                Feedback(
                    case_id=case.id,
                    target=target,
                    channel=values.get(f"{name}_channel") or FeedbackChannel.PHONE,
                    content=content,
                    at=now(),
                    satisfaction=satisfaction if target is FeedbackTarget.COMPLAINANT else None,
                )
            )
    session.flush()
    if missing := feedback_due(session, case):
        raise InvalidValues({f"{target.value}_content": FEEDBACK_MISSING[target] for target in missing})
    merged_told.record(session, case, values, asks_answer=True)
    case.closed_at = now()


def reopen(session: Session, case: Case, values: Values) -> None:
    """Reopen a closed case: its limit starts again from this moment.

    The events keep the first closure and its deadline, so that the ledger of that month doesn't change."""
    calendar, limit = office_calendar(session), clock.limit_of(case.item_snapshot, case.urgency)
    if limit is not None:
        case.due_at = clock.due_at(values[MOMENT], limit, (), calendar)
    case.closed_at = case.handled_at = None
