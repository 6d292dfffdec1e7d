"""Referrals in, as a register tells them: a new one is sent by the step that a page would take, or brought in with
what came of it. One that is there already is answered by steps alone."""

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
from bureau.cases.import_undo import OPEN_REFERRALS
from bureau.referrals.steps import REFER
from models import ENDED, Case, CaseEvent, CaseStatus, Department, LimitUnit, Referral, ReferralStatus
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.fields import field_named
from panel.i18n import Message, _
from panel.imports.matching import Key, Matcher, chunks
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import now
from panel.security.policy import Permission, table_of
from panel.security.session import elevated
from panel.store import bulk

#: What steps set on a referral that is there, and a register tells of one that is not.
SET_BY_STEPS = ("sent_at", "signed_at", "replied_at", "return_reason", "reply")
#: A register tells times to the minute.
PRECISION = timedelta(minutes=1)
TOLD, ABOUT = "told", "about"


class ReferralMatcher(Matcher):
    """By document number; without one by case, department and day sent."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for one in self.candidates(session, "document_no", (row.values.get("document_no") for row in rows)):
            self.stored["document", one.document_no] = one
        for one in self.candidates(session, "case_id", (row.values.get("case_id") for row in rows)):
            self.stored[one.case_id, one.department_id, local_day(one.sent_at)] = one

    def key(self, row: PlanRow) -> Key | None:
        given = row.values
        if given.get("document_no"):
            return ("document", given["document_no"])
        return self.sent(row)

    def sent(self, row: PlanRow) -> Key:
        given = row.values
        return (given.get("case_id"), given.get("department_id"), local_day(given.get("sent_at") or now()))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """One that had no document number yet may get it. What steps set is held against it afterwards."""
        row.extra[TOLD] = {attr: row.values[attr] for attr in SET_BY_STEPS if attr in row.values}
        if (found := super().find(row)) is not None:
            return found
        unnumbered = self.stored.get(self.sent(row))
        return unnumbered if unnumbered is not None and unnumbered.document_no is None else None


class ReferralRules(Rules):
    """One open referral a case and department, with deadlines by the department's own limits. Who imports referrals
    sends them, as by the step of the case."""

    create_permission = Permission.IMPORT

    def identifying(self) -> frozenset[str]:
        return frozenset(SET_BY_STEPS)

    def matcher(self) -> Matcher:
        return ReferralMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        row.values["status"] = state_of(row.values)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            for name in ("case", "department"):
                if row.id is not None and f"{name}_id" in row.values:
                    plan.fail(row, name, _("A referral stays with its case and department."))
            if row.id is not None:
                _hold_steps(plan, row)
        _one_open(session, plan, [row for row in rows if not row.failed])
        new = [row for row in rows if row.id is None and not row.failed]
        cases = _cases(session, {row.values["case_id"] for row in new})
        for row in new:
            _hold_case(plan, row, cases[row.values["case_id"]])
        _set_deadlines(session, [row for row in new if not row.failed])

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Write the referrals and what follows for their cases: open ones begin to wait, each history tells of it."""
        cases = _cases(session, {row.values["case_id"] for row in rows}, lock=True)
        happened: dict[int, list[dict[str, Any]]] = defaultdict(list)
        waiting: dict[int, Any] = {}
        for row in rows:
            case = cases[row.values["case_id"]]
            if row.values["status"] in OPEN_REFERRALS:
                if case.status not in REFER.sources:
                    raise UserError(_cannot(case))
                before = CaseStatus.REFERRED if case.id in waiting else case.status
                waiting[case.id] = case
                event = import_undo.event_row(session, before, CaseStatus.REFERRED, row.values.get("request") or note)
                event |= {"step": REFER.name, "payload": _payload(row)}
            else:
                event = import_undo.event_row(
                    session, case.status, case.status, note, step="import", payload=_payload(row)
                )
            happened[case.id].append(event)
        edits = [
            bulk.Edit(one.id, one.version, {"status": CaseStatus.REFERRED}, {"status": one.status})
            for one in waiting.values()
            if one.status is not CaseStatus.REFERRED
        ]
        with elevated(session):
            ids = bulk.add(session, Referral, [row.values for row in rows], note)
            bulk.edit(session, Case, edits, note)
            bulk.append(session, CaseEvent, events.follow(session, happened))
        return ids

    def undo(self, session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
        import_undo.withdraw(session, gone, note)


def state_of(given: dict[str, Any]) -> ReferralStatus:
    """The state that a row of a register shows."""
    if given.get("return_reason"):
        return ReferralStatus.RETURNED
    if given.get("reply") or given.get("replied_at"):
        return ReferralStatus.REPLIED
    return ReferralStatus.SIGNED if given.get("signed_at") else ReferralStatus.SENT


def _cases(session: Session, ids: Collection[int], *, lock: bool = False) -> dict[int, Row[Any]]:
    case = table_of(Case).c
    found: dict[int, Row[Any]] = {}
    for some in chunks(sorted(ids)):
        statement = select(case.id, case.case_no, case.status, case.version, case.reported_at).where(case.id.in_(some))
        if lock:
            statement = statement.with_for_update()
        found |= {one.id: one for one in session.execute(statement, execution_options=UNSCOPED)}
    return found


def _hold_steps(plan: Plan, row: PlanRow) -> None:
    """What steps have set is the same in the register, or the row fails."""
    for attr, given in row.extra.get(TOLD, {}).items():
        stored = row.stored.get(attr)
        same = given == stored
        if isinstance(stored, datetime):
            same = abs(given - stored) < PRECISION or (attr == "sent_at" and local_day(given) == local_day(stored))
        if not same:
            declared = field_named(Referral, attr)
            assert declared is not None
            words = declared.kind.format(stored) or _("empty")
            plan.fail(row, attr, _("This is set by the steps of the case alone; there it is: {value}.", value=words))


def _hold_case(plan: Plan, row: PlanRow, case: Row[Any]) -> None:
    """An open referral asks for a case that may be referred now; one with its answer is brought in, whatever the case
    has come to."""
    given = row.values
    if given["status"] in OPEN_REFERRALS and case.status not in REFER.sources:
        plan.fail(row, "case", _cannot(case))
    for attr in ("sent_at", "signed_at", "replied_at"):
        moment = given.get(attr)
        if moment is None:
            continue
        if moment > now():
            plan.fail(row, attr, _("This time is still to come."))
        elif moment < case.reported_at.replace(second=0, microsecond=0) and moment != _midnight(case.reported_at):
            plan.fail(row, attr, _("The case was reported later than that."))
    if given["status"] is ReferralStatus.RETURNED and given.get("reply"):
        plan.fail(row, "reply", _("A referral is either answered or returned. Leave one of the two empty."))
    if given["status"] not in OPEN_REFERRALS:
        row.notes.append(_("Brought in with its answer; the case stays “{status}”.", status=case.status.label))


def _midnight(moment: datetime) -> datetime:
    """The day of a moment as a cell without a time is read."""
    day = local_day(moment)
    declared = field_named(Referral, "sent_at")
    assert declared is not None
    assert day is not None
    found = declared.kind.parse(day)
    assert isinstance(found, datetime)
    return found


def _cannot(case: Row[Any]) -> Message:
    if case.status in ENDED:
        return _(
            "Case {number} is “{status}”: give the reply or the reason for return, so that the referral is over "
            "as well.",
            number=case.case_no,
            status=case.status.label,
        )
    return _(
        "Case {number} is “{status}” and can't be referred now: that asks for a case that is being handled.",
        number=case.case_no,
        status=case.status.label,
    )


def _one_open(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    referral = table_of(Referral).c
    own = {row.id for row in rows if row.id is not None and not plan.options.skip_existing}
    taken: set[Key] = set()
    for some in chunks({row.effective("case_id") for row in rows}):
        statement = select(referral.id, referral.case_id, referral.department_id).where(
            referral.case_id.in_(some), referral.status.in_(OPEN_REFERRALS)
        )
        found = session.execute(statement, execution_options=UNSCOPED)
        taken |= {(case, department) for id_, case, department in found if id_ not in own}
    for row in sorted(rows, key=lambda row: row.id is None):
        if (row.effective("status") or ReferralStatus.SENT) not in OPEN_REFERRALS or (row.id and row.id not in own):
            continue
        about = (row.effective("case_id"), row.effective("department_id"))
        if about in taken:
            plan.fail(row, "department", _("This case already has an open referral to this department."))
        taken.add(about)


def _set_deadlines(session: Session, rows: Sequence[PlanRow]) -> None:
    if not rows:
        return
    department = table_of(Department).c
    statement = select(department.id, department.sign_limit, department.reply_limit)
    limits = {id_: days for id_, *days in session.execute(statement, execution_options=UNSCOPED)}
    calendar = office_calendar(session)
    for row in rows:
        sent = row.values.get("sent_at") or now().replace(second=0, microsecond=0)
        for attr, days in zip(("sign_due_at", "reply_due_at"), limits[row.values["department_id"]], strict=True):
            row.values[attr] = deadlines.due(sent, days, LimitUnit.WORKING_DAY, calendar)


def _payload(row: PlanRow) -> dict[str, Any]:
    """What the step would have asked, as its event keeps it."""
    given = {"department": row.values["department_id"], "document_no": row.values.get("document_no"), "row": row.number}
    return {name: value for name, value in given.items() if value is not None}
