"""What follows from each step of a case: the columns it sets, the records it adds, its deadline."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from bureau.calendar.calendar import office_calendar
from bureau.cases import approvals, clock, intake
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps.model import MOMENT, Values
from models import (
    ENDED,
    Case,
    CaseParty,
    CaseStatus,
    ChecklistItem,
    Feedback,
    FeedbackChannel,
    FeedbackTarget,
    Measurement,
    Officer,
    PartyRole,
)
from panel.base import display
from panel.i18n import _
from panel.kinds import now, today

UNTOLD = {
    FeedbackTarget.LIAISON: _("The liaison has not been told yet: say what was told."),
    FeedbackTarget.COMPLAINANT: _("The complainant has not been told yet: say what was told."),
}


def _item(session: Session, values: Values) -> ChecklistItem:
    item = session.get_one(ChecklistItem, values["item"])
    if (item.valid_from and item.valid_from > today()) or (item.valid_until and item.valid_until < today()):
        raise InvalidValues({"item": _("The item {item} isn't in force today. Choose another.", item=display(item))})
    return item


def accept(session: Session, case: Case, values: Values) -> None:
    intake.accept(session, case, _item(session, values), urgency=values.get("urgency"))


def change_list(session: Session, case: Case, values: Values) -> None:
    """转清单: another item, its list and its limit, counted from acceptance; what was granted and the time that the
    clock stood still count on. The event keeps item and deadline as they were."""
    if values["item"] == case.item_id:
        raise InvalidValues({"item": _("The case stands on this item already.")})
    item, calendar = _item(session, values), office_calendar(session)
    try:
        intake.judge_by(case, item, calendar)
    except ValueError:
        raise StepNotAllowed(_("This case was never accepted: it has no item that could be changed.")) from None
    case.due_at = approvals.due_of(session, case, calendar=calendar)


def merge(session: Session, case: Case, values: Values) -> None:
    """Into an open case. What had been merged into this one follows it, so that there is one master for all."""
    if values["master"] == case.id:
        raise InvalidValues({"master": _("A case can't be merged into itself.")})
    # Locked and read anew: somebody may be ending it, or merging it into this one.
    master = session.get_one(Case, values["master"], with_for_update=True, populate_existing=True)
    if master.status in ENDED:
        raise InvalidValues(
            {"master": _("{case} is “{status}”. Choose an open case.", case=master.case_no, status=master.status.label)}
        )
    case.master_id, case.closed_at = master.id, now()
    session.flush()
    for one in session.scalars(select(Case).where(Case.master_id == case.id)):
        one.master_id = master.id


def raised(_session: Session, case: Case, values: Values) -> None:
    at = values.get("raised_at") or now()
    if at > now() or at < case.reported_at.replace(second=0, microsecond=0):
        raise InvalidValues({"raised_at": _("After the report, and not in the future.")})
    case.raised_to, case.raised_at = values["raised_to"], at


def end(_session: Session, case: Case, _values: Values) -> None:
    """The case is over without having been handled."""
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
    """What came of the case; an item that is to be measured wants a measurement or a reason."""
    if unmeasured(session, case) and not values.get("unmeasured"):
        raise InvalidValues(
            {"unmeasured": _("This item is to be measured: record a measurement first, or say why there is none.")}
        )
    case.outcome, case.result = values["outcome"], values["result"]
    case.quantity, case.quantity_unit = values.get("quantity"), values.get("quantity_unit")
    case.handled_at = now()


def to_measure(case: Case) -> bool:
    """Whether the item that the case stands on is one to be measured."""
    return bool((case.item_snapshot or {}).get("needs_measurement"))


def unmeasured(session: Session, case: Case) -> bool:
    """Whether a measurement is wanted and there is none."""
    if not to_measure(case):
        return False
    measured = select(Measurement.id).where(Measurement.case_id == case.id).limit(1)
    return session.execute(measured, execution_options={"unscoped": True}).first() is None


def rework(_session: Session, case: Case, _values: Values) -> None:
    case.handled_at = None


def feedback_due(session: Session, case: Case) -> set[FeedbackTarget]:
    """Who still has to be told before the case may close: its liaison; its complainant unless anonymous. What was
    told before the case was handled (or before it was reopened) doesn't count."""
    wanted = {FeedbackTarget.LIAISON}
    complainants = select(CaseParty.id).where(
        CaseParty.case_id == case.id, CaseParty.role == PartyRole.COMPLAINANT, CaseParty.anonymous.is_(False)
    )
    if session.execute(complainants.limit(1), execution_options={"unscoped": True}).first():
        wanted.add(FeedbackTarget.COMPLAINANT)
    told = select(Feedback.target).where(Feedback.case_id == case.id)
    if case.handled_at is not None:
        # A time is typed to the minute.
        told = told.where(Feedback.at >= case.handled_at.replace(second=0, microsecond=0))
    return wanted - set(session.execute(told, execution_options={"unscoped": True}).scalars())


def merged_due(session: Session, case: Case) -> list[tuple[int, bool]]:
    """The cases merged into this one whose reporters don't know yet what came of it: ids, and whether a complainant
    is named. One statement."""
    complainant = exists(
        select(CaseParty.id).where(
            CaseParty.case_id == Case.id,
            CaseParty.role == PartyRole.COMPLAINANT,
            CaseParty.anonymous.is_(False),
        )
    )
    since = [] if case.handled_at is None else [Feedback.at >= case.handled_at.replace(second=0, microsecond=0)]

    def told(target: FeedbackTarget) -> Any:
        return exists(select(Feedback.id).where(Feedback.case_id == Case.id, Feedback.target == target, *since))

    statement = (
        select(Case.id, complainant)
        .where(
            Case.master_id == case.id,
            Case.status == CaseStatus.MERGED,
            or_(~told(FeedbackTarget.LIAISON), and_(complainant, ~told(FeedbackTarget.COMPLAINANT))),
        )
        .order_by(Case.id)
    )
    found = session.execute(statement, execution_options={"unscoped": True})
    return [(row[0], bool(row[1])) for row in found]


def _tell_merged(session: Session, case: Case, content: str | None) -> None:
    """Whoever reported a case that was merged is told what came of the master: a record with each of their cases."""
    due = merged_due(session, case)
    if due and not content:
        raise InvalidValues({"merged_content": _("Their reporters have not been told yet: say what was told.")})
    for id_, named in due:
        for target in (FeedbackTarget.LIAISON, *((FeedbackTarget.COMPLAINANT,) if named else ())):
            session.add(
                Feedback(case_id=id_, target=target, channel=FeedbackChannel.PHONE, content=content or "", at=now())
            )


def close(session: Session, case: Case, values: Values) -> None:
    """No case closes without feedback, to the reporters of those merged into it as well."""
    for target in (FeedbackTarget.LIAISON, FeedbackTarget.COMPLAINANT):
        name = target.value
        if content := values.get(f"{name}_content"):
            session.add(
                Feedback(
                    case_id=case.id,
                    target=target,
                    channel=values.get(f"{name}_channel") or FeedbackChannel.PHONE,
                    content=content,
                    at=now(),
                    satisfaction=values.get("satisfaction") if target is FeedbackTarget.COMPLAINANT else None,
                )
            )
    session.flush()
    if missing := feedback_due(session, case):
        raise InvalidValues({f"{target.value}_content": UNTOLD[target] for target in missing})
    _tell_merged(session, case, values.get("merged_content"))
    case.closed_at = now()


def reopen(session: Session, case: Case, values: Values) -> None:
    """The first closure stays in its event, and so in its month's ledger; so does the deadline that it was held to. The
    limit runs anew: what is taken up again has as much time as what is new."""
    calendar, limit = office_calendar(session), clock.limit_of(case.item_snapshot, case.urgency)
    if limit is not None:
        case.due_at = clock.due_at(values[MOMENT], limit, (), calendar)
    case.closed_at = case.handled_at = None
