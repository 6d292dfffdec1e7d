"""Import of referrals from a register. A new open referral is sent as by the step of the case; an answered one is
imported with its answer. The answer of a stored referral is set by steps alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import events, import_undo
from bureau.cases.case_import import local_day
from bureau.cases.case_matching import same_moment
from bureau.cases.import_undo import OPEN_REFERRALS
from bureau.referrals import numbers
from bureau.referrals.derived import joint_state
from bureau.referrals.effects import JOINT_TO_COME
from bureau.referrals.steps import REFER
from models import (
    ENDED,
    Case,
    CaseEvent,
    CaseStatus,
    Department,
    JointState,
    LimitUnit,
    Referral,
    ReferralKind,
    ReferralStatus,
)
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.errors import UserError
from panel.fields import field_named
from panel.i18n import Message, _
from panel.imports.matching import Key, Matcher
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import now, today
from panel.security.policy import Permission, table_of
from panel.security.session import elevated
from panel.store import bulk

#: Columns that only steps may set in a stored referral, and that a register gives for a new one.
SET_BY_STEPS = ("sent_at", "signed_at", "replied_at", "return_reason", "reply")
KIND_STAYS = _("The kind stays: number and deadlines follow from it. Send another referral.")
#: Registers give times to the minute.
PRECISION = timedelta(minutes=1)
#: Key of PlanRow.extra: the values of SET_BY_STEPS in the row.
STEP_VALUES = "told"


class ReferralMatcher(Matcher):
    """Matches by document number; without one by case, department and day sent."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for referral in self.candidates(session, "document_no", (row.values.get("document_no") for row in rows)):
            self.stored["document", referral.document_no] = referral
        for referral in self.candidates(session, "case_id", (row.values.get("case_id") for row in rows)):
            self.stored[referral.case_id, referral.department_id, local_day(referral.sent_at)] = referral

    def key(self, row: PlanRow) -> Key | None:
        values = row.values
        if values.get("document_no"):
            return ("document", values["document_no"])
        return self.sent(row)

    def sent(self, row: PlanRow) -> Key:
        values = row.values
        return (values.get("case_id"), values.get("department_id"), local_day(values.get("sent_at") or now()))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """Match also a stored referral without a document number, which may then get one. The values of SET_BY_STEPS
        are kept for the check of existing referrals."""
        row.extra[STEP_VALUES] = {attr: row.values[attr] for attr in SET_BY_STEPS if attr in row.values}
        if (stored := super().find(row)) is not None:
            return stored
        unnumbered = self.stored.get(self.sent(row))
        return unnumbered if unnumbered is not None and unnumbered.document_no is None else None


class ReferralRules(Rules):
    """A case has one open referral to a department at most. Deadlines follow from the department's limits. The right to
    import referrals includes creating them."""

    create_permission = Permission.IMPORT

    def identifying(self) -> frozenset[str]:
        return frozenset(SET_BY_STEPS)

    def passed_over(self) -> Sequence[str]:
        return ("反馈内容/退回原因",)

    def matcher(self) -> Matcher:
        return ReferralMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        row.values["status"] = state_of(row.values)
        if row.id is None and row.values.get("joint_on"):
            row.values["joint_state"] = joint_state(row.values["joint_on"], row.values.get("joint_state"))

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            for name in ("case", "department"):
                if row.id is not None and f"{name}_id" in row.values:
                    plan.fail(row, name, _("A referral stays with its case and department."))
            if row.id is not None:
                _check_set_by_steps(plan, row)
                _check_kind(plan, row)
            _check_joint_action(plan, row)
        _check_one_open(session, plan, [row for row in rows if not row.failed])
        new = [row for row in rows if row.id is None and not row.failed]
        cases = _cases(session, {row.values["case_id"] for row in new})
        for row in new:
            _check_case(plan, row, cases[row.values["case_id"]])
        _set_deadlines(session, [row for row in new if not row.failed])

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Add the referrals and an event for each. A case with an open referral becomes referred."""
        cases = _cases(session, {row.values["case_id"] for row in rows}, lock=True)
        _number(session, rows)
        new_events: dict[int, list[dict[str, Any]]] = defaultdict(list)
        waiting: dict[int, Any] = {}
        for row in rows:
            case = cases[row.values["case_id"]]
            if row.values["status"] in OPEN_REFERRALS:
                if case.status not in REFER.sources:
                    raise UserError(_not_referable(case))
                before = CaseStatus.REFERRED if case.id in waiting else case.status
                waiting[case.id] = case
                event = import_undo.event_row(session, before, CaseStatus.REFERRED, row.values.get("request") or note)
                event |= {"step": REFER.name, "payload": _payload(row)}
            else:
                event = import_undo.event_row(
                    session, case.status, case.status, note, step="import", payload=_payload(row)
                )
            new_events[case.id].append(event)
        edits = [
            bulk.Edit(
                waiting_case.id, waiting_case.version, {"status": CaseStatus.REFERRED}, {"status": waiting_case.status}
            )
            for waiting_case in waiting.values()
            if waiting_case.status is not CaseStatus.REFERRED
        ]
        with elevated(session):
            ids = bulk.add(session, Referral, [row.values for row in rows], note)
            bulk.edit(session, Case, edits, note)
            bulk.append(session, CaseEvent, events.follow(session, new_events))
        return ids

    def undo(self, session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
        import_undo.withdraw(session, gone, note)


def _number(session: Session, rows: Sequence[PlanRow]) -> None:
    """Number the open referrals that the register gives no number; count those that belong to a series."""
    numbers.count_own(session, (row.values.get("document_no") for row in rows))
    kinds = numbers.prefixes(session)
    for row in rows:
        values = row.values
        if values["status"] in OPEN_REFERRALS and not values.get("document_no"):
            kind, sent_at = values.get("kind") or ReferralKind.TRANSFER, values.get("sent_at") or now()
            values["document_no"] = numbers.next_no(session, kind, sent_at)
        values["in_series"] = numbers.place_of(values.get("document_no"), kinds) is not None


def state_of(values: dict[str, Any]) -> ReferralStatus:
    """The state of a referral by its values in the register. A notice in copy waits for nothing."""
    if values.get("return_reason"):
        return ReferralStatus.RETURNED
    if values.get("reply") or values.get("replied_at"):
        return ReferralStatus.REPLIED
    if values.get("kind") is ReferralKind.NOTICE:
        return ReferralStatus.INFORMED
    return ReferralStatus.SIGNED if values.get("signed_at") else ReferralStatus.SENT


def _cases(session: Session, ids: Collection[int], *, lock: bool = False) -> dict[int, Row[Any]]:
    case = table_of(Case).c
    rows: dict[int, Row[Any]] = {}
    for batch in chunks(sorted(ids)):
        statement = select(case.id, case.case_no, case.status, case.version, case.reported_at).where(case.id.in_(batch))
        if lock:
            statement = statement.with_for_update()
        rows |= {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    return rows


def _check_set_by_steps(plan: Plan, row: PlanRow) -> None:
    """Fail the row of a stored referral whose values differ from those that steps have set."""
    for attr, value in row.extra.get(STEP_VALUES, {}).items():
        stored = row.stored.get(attr)
        same = value == stored
        if isinstance(stored, datetime):
            same = abs(value - stored) < PRECISION or same_moment(stored, value)
            same = same or (attr == "sent_at" and local_day(value) == local_day(stored))
        if not same:
            declared = field_named(Referral, attr)
            assert declared is not None
            shown = declared.kind.format(stored) or _("empty")
            plan.fail(row, attr, _("This is set by the steps of the case alone; there it is: {value}.", value=shown))


def _check_kind(plan: Plan, row: PlanRow) -> None:
    """Fail the row of a stored referral of another kind: number and deadlines follow from it."""
    kind = row.values.get("kind")
    if kind is not None and row.stored.get("kind") not in (None, kind):
        plan.fail(row, "kind", KIND_STAYS)


def _check_joint_action(plan: Plan, row: PlanRow) -> None:
    """Fail a joint action that is reported as carried out and still to come."""
    day = row.effective("joint_on")
    if day is not None and day > today() and row.effective("joint_state") is JointState.DONE:
        plan.fail(row, "joint_on", JOINT_TO_COME)


def _check_case(plan: Plan, row: PlanRow, case: Row[Any]) -> None:
    """Fail an open referral of a case that can't be referred now, and times before the report or in the future. An
    answered referral is accepted in any state of the case."""
    values = row.values
    if values["status"] in OPEN_REFERRALS and case.status not in REFER.sources:
        plan.fail(row, "case", _not_referable(case))
    for attr in ("sent_at", "signed_at", "replied_at"):
        moment = values.get(attr)
        if moment is None:
            continue
        if moment > now():
            plan.fail(row, attr, _("This time is still to come."))
        elif moment < case.reported_at.replace(second=0, microsecond=0) and moment != _midnight(case.reported_at):
            plan.fail(row, attr, _("The case was reported later than that."))
    if values["status"] is ReferralStatus.RETURNED and values.get("reply"):
        plan.fail(row, "reply", _("A referral is either answered or returned. Leave one of the two empty."))
    if values["status"] in OPEN_REFERRALS and not values.get("document_no"):
        row.notes.append(_("Without a document number: it gets the next one of its kind."))
    if values["status"] is ReferralStatus.INFORMED:
        row.notes.append(_("A notice in copy needs no reply; the case stays “{status}”.", status=case.status.label))
    elif values["status"] not in OPEN_REFERRALS:
        row.notes.append(_("Brought in with its answer; the case stays “{status}”.", status=case.status.label))


def _midnight(moment: datetime) -> datetime:
    """The moment as which a cell with only this day is parsed."""
    day = local_day(moment)
    declared = field_named(Referral, "sent_at")
    assert declared is not None
    assert day is not None
    midnight = declared.kind.parse(day)
    assert isinstance(midnight, datetime)
    return midnight


def _not_referable(case: Row[Any]) -> Message:
    if case.status in ENDED:
        return _(
            "Case {number} is “{status}”: give the reply or the reason for return, so that the referral is over "
            "as well.",
            number=case.case_no,
            status=case.status.label,
        )
    return _(
        "Case {number} is “{status}” and can't be referred now: that asks for a case that is accepted and not handled.",
        number=case.case_no,
        status=case.status.label,
    )


def _check_one_open(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    referral = table_of(Referral).c
    ids = {row.id for row in rows if row.id is not None and not plan.options.skip_existing}
    open_pairs: set[Key] = set()
    for batch in chunks({row.effective("case_id") for row in rows}):
        statement = select(referral.id, referral.case_id, referral.department_id).where(
            referral.case_id.in_(batch), referral.status.in_(OPEN_REFERRALS)
        )
        open_rows = session.execute(statement, execution_options=UNSCOPED)
        open_pairs |= {(case, department) for id_, case, department in open_rows if id_ not in ids}
    for row in sorted(rows, key=lambda row: row.id is None):
        if (row.effective("status") or ReferralStatus.SENT) not in OPEN_REFERRALS or (row.id and row.id not in ids):
            continue
        pair = (row.effective("case_id"), row.effective("department_id"))
        if pair in open_pairs:
            plan.fail(row, "department", _("This case already has an open referral to this department."))
        open_pairs.add(pair)


def _set_deadlines(session: Session, rows: Sequence[PlanRow]) -> None:
    if not rows:
        return
    department = table_of(Department).c
    statement = select(department.id, department.sign_limit, department.reply_limit)
    limits = {id_: days for id_, *days in session.execute(statement, execution_options=UNSCOPED)}
    calendar = office_calendar(session)
    for row in rows:
        if row.values["status"] is ReferralStatus.INFORMED:
            continue
        sent = row.values.get("sent_at") or now().replace(second=0, microsecond=0)
        for attr, days in zip(("sign_due_at", "reply_due_at"), limits[row.values["department_id"]], strict=True):
            row.values[attr] = deadlines.due(sent, days, LimitUnit.WORKING_DAY, calendar)


def _payload(row: PlanRow) -> dict[str, Any]:
    """The payload of the event: the values of the step, and the row's number."""
    payload = {
        "department": row.values["department_id"],
        "document_no": row.values.get("document_no"),
        "row": row.number,
    }
    return {name: value for name, value in payload.items() if value is not None}
