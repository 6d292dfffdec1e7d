"""Builds made-up cases step by step, up to the present or up to a given state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bureau.calendar import deadlines
from bureau.cases import intake
from bureau.cases.steps.approval import APPROVE, EXTEND, RESUME, SUSPEND
from bureau.cases.steps.handling import CLOSE, HANDLE, REWORK, VERIFY
from bureau.cases.steps.intake import ACCEPT, DISPATCH, MERGE, REJECT, START, VOID
from bureau.cases.steps.report import REPORT
from bureau.mediation.steps import END_MEDIATION, MEDIATE, PERFORM, SESSION
from bureau.referrals.steps import REFER, REPLY, SIGN
from models import (
    ActionKind,
    Attending,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    FeedbackTarget,
    JointState,
    LimitUnit,
    Outcome,
    PartyRole,
    ReferralKind,
    ReferralStatus,
    Source,
    Urgency,
)
from seed import disputes
from seed.case_rows import ACTIONS, CaseRows
from seed.disputes import DisputeDraws
from seed.draws import CLOSING_SENTENCES, Draws
from seed.table_rows import case_row, change_row, referral_row
from seed.world import Item, Person


@dataclass(slots=True)
class Schedule:
    """Spreads the steps of a case over its time: `at(0)` is acceptance, `at(1)` closing. `pause` is the length of a
    suspension."""

    draws: Draws
    start: datetime
    length: timedelta
    by_clock: bool
    pause: timedelta = timedelta()

    def at(self, share: float) -> datetime:
        length = timedelta(minutes=int((self.length * share + self.pause).total_seconds() // 60))
        return self.start + length if self.by_clock else deadlines.after(self.start, length, self.draws.world.calendar)


class CaseBuilder:
    """Builds cases up to `now`."""

    def __init__(self, draws: Draws, now: datetime) -> None:
        self.draws, self.rng, self.now, self.calendar = draws, draws.rng, now, draws.world.calendar
        self.disputes = DisputeDraws(len(draws.world.communities))

    def build(
        self,
        at: datetime,
        *,
        stop: CaseStatus | None = None,
        end: CaseStatus | None = None,
        master: CaseRows | None = None,
    ) -> CaseRows:
        """A case reported at `at`. `stop` is the open state it stays in; `end` makes it rejected, voided, or merged
        into `master`, instead of closed."""
        rows = self._report(at, stop, master)
        if end == CaseStatus.MERGED:
            rows.master = master
        # In these states the case may get further records, such as a signed referral, an inspection or feedback.
        linger = stop in {CaseStatus.HANDLING, CaseStatus.REFERRED, CaseStatus.VERIFIED} and self.rng.random() < 0.5
        linger = linger or (stop == CaseStatus.MEDIATING and self.disputes.rng.random() < 0.7)
        for moment in self._steps(rows, stop, end):
            if moment > self.now or (rows.status == stop and not linger):
                break
            linger = linger and rows.status != stop
        return rows

    def open_case(self, stop: CaseStatus, *, overdue: bool) -> CaseRows:
        """A case in an open state now, overdue or not."""
        days = (2.0, 26.0) if overdue else (0.0, 1.0 if stop == CaseStatus.REPORTED else 8.0)
        rows = self.build(self.now - timedelta(days=2), stop=CaseStatus.REPORTED)
        for _try in range(80):
            ago = timedelta(days=self.rng.uniform(*days))
            at = self.draws.moment(deadlines.local_day(self.now - ago))
            if at > self.now:
                continue
            rows = self.build(at, stop=stop)
            due_at = rows.case["due_at"]
            if rows.status == stop and (due_at is None or (due_at < self.now) == overdue):
                break
        return rows

    def _report(self, at: datetime, stop: CaseStatus | None, master: CaseRows | None) -> CaseRows:
        rng, draws = self.rng, self.draws
        day = deadlines.local_day(at)
        item = master.item if master else draws.item(lambda item: _fits(item, stop))
        texts = [text for text in item.texts if stop != CaseStatus.MEDIATING or text.outcome == Outcome.MEDIATED]
        text = master.text if master else rng.choice(texts)
        staff = master.staff if master else draws.community()
        liaison = next((term.person for term in staff.liaisons if term.covers(day)), None)
        candidates = [person for person in staff.squad[1:] if person.decides]
        lead = next((term.person for term in staff.officers if term.covers(day)), candidates[0])
        source = draws.source(day)
        quantity = rng.randint(2, 6)
        description = text.description.replace("{n}", str(quantity))
        urgent = rng.random() < (0.3 if item.limit_unit == LimitUnit.CLOCK_HOUR else 0.05)
        case = case_row(
            at,
            description + rng.choice(CLOSING_SENTENCES),
            title=intake.title_of(description),
            source=source,
            community_id=staff.id,
            place=master.case["place"] if master else draws.place(staff, text.where),
            urgency=Urgency.URGENT if urgent else Urgency.NORMAL,
            liaison_id=liaison.id if liaison else None,
            lead_officer_id=lead.id,
            quantity=quantity if "{n}" in text.result else None,
            quantity_unit="个车位" if "车位{n}个" in text.result else None,
        )
        reporter = lead
        if source == Source.LIAISON and liaison:
            reporter = liaison
        elif source in {Source.HOTLINE, Source.SUPERIOR, Source.OTHER}:
            reporter = draws.world.office
        handler = lead if rng.random() < 0.6 else rng.choice(candidates)
        rows = CaseRows(staff, item, text, lead, handler, reporter, case)
        rows.add_parties(self.draws)
        rows.step(at, REPORT, CaseStatus.REPORTED, reporter)
        return rows

    def _steps(self, rows: CaseRows, stop: CaseStatus | None, end: CaseStatus | None) -> Iterator[datetime]:
        """Take the steps after the report. Yields the moment of each step before it is taken."""
        rng, case, office, leader = self.rng, rows.case, self.draws.world.office, rows.staff.squad[0]
        hurry = rows.item.limit_unit == LimitUnit.CLOCK_HOUR or case["urgency"] == Urgency.URGENT
        at = self.draws.later(case["reported_at"], 3, 20 if hurry else 240, by_clock=hurry)
        yield at
        if end == CaseStatus.REJECTED:
            rows.finish(at, REJECT, end, office, "不属于本局职责。", told="电话告知", responsible="物业服务企业")
            return
        if end == CaseStatus.MERGED:
            rows.finish(at, MERGE, end, office, "与在办案件系同一事项，并案处理。")
            return
        schedule = self._accept(rows, at, office if rng.random() < 0.6 else rows.lead)
        if end == CaseStatus.VOIDED:
            yield (at := schedule.at(0.05))
            rows.finish(at, VOID, end, leader, "登记有误，作废，编号不再使用。")
            return
        yield (at := schedule.at(0.06))
        case["handler_id"] = rows.handler.id
        dispatcher = rng.choice((office, leader))
        rows.step(
            at,
            DISPATCH,
            CaseStatus.DISPATCHED,
            dispatcher,
            f"派{rows.handler.name}处置。",
            handler=rows.handler.id,
        )
        yield (at := schedule.at(0.12))
        rows.step(at, START, CaseStatus.HANDLING, rows.handler)
        if stop == CaseStatus.HANDLING and rng.random() < 0.25:
            extension = {"days": 1, "unit": rows.item.limit_unit}
            self._request(rows, at, ChangeKind.EXTENSION, "当事人外出，约定返回后处理。", **extension)
            rows.step(at, EXTEND, rows.status, rows.handler, "当事人外出，约定返回后处理。", days=1)
        yield (at := schedule.at(0.18))
        if rng.random() < 0.4:
            rows.add_action(self.draws, at, ActionKind.INSPECTION, "到现场检查，拍照取证。")
        if stop == CaseStatus.SUSPENDED or rng.random() < 0.015:
            yield from self._suspend(rows, schedule)
        if rows.text.outcome == Outcome.MEDIATED:
            yield from self._mediate(rows, schedule)
        elif rows.item.department and (
            stop == CaseStatus.REFERRED or rows.text.outcome == Outcome.JOINT or rng.random() < 0.15
        ):
            yield from self._refer(rows, schedule)
        elif rows.item.department and rng.random() < 0.06:
            yield (at := schedule.at(0.25))
            rows.inform(at, rows.item.department)
        elif rows.item.needs_measurement:
            yield (at := schedule.at(0.2))
            self.disputes.measure(rows, at, within=rows.text.outcome == Outcome.UNFOUNDED)
        yield from self._finish(rows, schedule)

    def _accept(self, rows: CaseRows, at: datetime, actor: Person) -> Schedule:
        item, case = rows.item, rows.case
        urgent = case["urgency"] == Urgency.URGENT
        due_at = deadlines.due(at, item.limit_value, item.limit_unit, self.calendar, urgent=urgent)
        case.update(
            accepted_at=at, due_at=due_at, item_id=item.id, list_kind=item.list_kind, item_snapshot=item.snapshot
        )
        rows.step(at, ACCEPT, CaseStatus.ACCEPTED, actor, item=item.id, urgency=str(case["urgency"]))
        by_clock = item.limit_unit == LimitUnit.CLOCK_HOUR or (urgent and item.limit_unit == LimitUnit.OFFICE_HOUR)
        length = due_at - at if by_clock else deadlines.office_time(at, due_at, self.calendar)
        if self.rng.random() < 0.07:
            length += timedelta(hours=self.rng.uniform(1, 20))
        else:
            length *= 0.12 + 0.8 * self.rng.betavariate(1.6, 2.6)
        return Schedule(self.draws, at, length, by_clock)

    def _suspend(self, rows: CaseRows, schedule: Schedule) -> Iterator[datetime]:
        case, leader, handler = rows.case, rows.staff.squad[0], rows.handler
        yield (asked := schedule.at(0.2))
        review = deadlines.local_day(asked) + timedelta(days=14)
        rows.step(asked, SUSPEND, rows.status, handler, "需第三方鉴定。", review_on=review.isoformat())
        change = self._request(rows, asked, ChangeKind.SUSPENSION, "需第三方鉴定。", review_on=review)
        yield (at := schedule.at(0.22))
        decides = self.draws.world.office if handler.id == leader.id else leader
        change.update(
            status=ChangeStatus.APPROVED,
            decided_at=at,
            decided_by=decides.name,
            decided_by_id=decides.user_id,
            came_from=rows.status.value,
            updated_at=at,
        )
        rows.step(at, APPROVE, CaseStatus.SUSPENDED, decides, "同意挂账。")
        back = self.draws.later(at, 900, 4000)
        yield back
        pause = deadlines.office_time(at, back, self.calendar)
        schedule.pause += back - at if schedule.by_clock else pause
        limit, before = rows.item, case["due_at"]
        urgent = case["urgency"] == Urgency.URGENT
        case["due_at"] = deadlines.resumed(before, at, back, limit.limit_unit, self.calendar, urgent=urgent)
        change.update(status=ChangeStatus.OVER, resumed_at=back, new_due_at=case["due_at"], updated_at=back)
        moved = {"due_before": before.isoformat(), "due_after": case["due_at"].isoformat()}
        rows.step(back, RESUME, CaseStatus.HANDLING, leader, "条件具备，恢复办理。", **moved)

    @staticmethod
    def _request(rows: CaseRows, at: datetime, kind: ChangeKind, reason: str, **values: Any) -> dict[str, Any]:
        """Add a request of the handler to the leader; that of a leader goes to the office."""
        for_office = rows.handler.id == rows.staff.squad[0].id
        values = {"for_office": for_office, "old_due_at": rows.case["due_at"], **values}
        change = change_row(at, kind, reason, rows.handler, **values)
        rows.changes.append(change)
        return change

    def _mediate(self, rows: CaseRows, schedule: Schedule) -> Iterator[datetime]:
        """Mediate, after a measurement within the limit where the item needs one: four in five agree."""
        draws, rng = self.disputes, self.disputes.rng
        if rows.item.needs_measurement:
            yield (at := schedule.at(0.2))
            draws.measure(rows, at, within=True)
        yield (at := schedule.at(0.25))
        draws.begin(rows, at)
        rows.step(
            at,
            MEDIATE,
            CaseStatus.MEDIATING,
            rows.handler,
            disputes.MEDIATION_REASON,
            kind=str(rows.mediations[-1]["kind"]),
        )
        attendance = (Attending.ONE, Attending.OTHER, Attending.BOTH)
        sessions = self.rng.choice((1, 1, 2, 3))
        for i in range(sessions):
            yield (at := schedule.at(0.3 + 0.26 * (i + 1) / sessions))
            attending = attendance[3 - sessions + i]
            draws.add_session(rows, at, attending)
            rows.step(at, SESSION, CaseStatus.MEDIATING, rows.handler, attending=str(attending))
        yield (at := schedule.at(0.6))
        if rng.random() < 0.2:
            draws.fail(rows, at)
            payload = {"ending": "failed", "ended_by": str(rows.mediations[-1]["ended_by"])}
            rows.step(at, END_MEDIATION, CaseStatus.HANDLING, rows.handler, disputes.REMEDIES, **payload)
            rows.text = replace(rows.text, outcome=Outcome.OTHER, result=disputes.UNSETTLED)
            return
        draws.agree(rows, at)
        by = rows.mediations[-1]["perform_by"].isoformat()
        rows.step(at, END_MEDIATION, CaseStatus.HANDLING, rows.handler, ending="agreed", perform_by=by)
        yield (at := schedule.at(0.63))
        performance = draws.follow_up(rows, at)
        payload = {"performance": str(performance), "followed_on": deadlines.local_day(at).isoformat()}
        rows.step(at, PERFORM, CaseStatus.HANDLING, rows.handler, **payload)

    def _refer(self, rows: CaseRows, schedule: Schedule) -> Iterator[datetime]:
        department = rows.item.department
        assert department is not None
        yield (at := schedule.at(0.25))
        joint = rows.text.outcome == Outcome.JOINT
        kind = ReferralKind.JOINT if joint else ReferralKind.TRANSFER
        referral = referral_row(
            at,
            department,
            kind,
            f"请协助处理：{rows.case['title']}。",
            sign_due_at=deadlines.due(at, department.sign_limit, LimitUnit.WORKING_DAY, self.calendar),
            reply_due_at=deadlines.due(at, department.reply_limit, LimitUnit.WORKING_DAY, self.calendar),
        )
        rows.referrals.append(referral)
        payload = {"department": department.id, "kind": str(referral["kind"])}
        rows.step(at, REFER, CaseStatus.REFERRED, rows.handler, referral["request"], **payload)
        yield (at := schedule.at(0.3))
        referral.update(status=ReferralStatus.SIGNED, signed_at=at, updated_at=at)
        rows.step(at, SIGN, CaseStatus.REFERRED, self.draws.world.office)
        yield (at := schedule.at(0.58))
        returned = self.rng.random() < 0.1 and not joint
        status = ReferralStatus.RETURNED if returned else ReferralStatus.REPLIED
        text = "经核不属本部门职责范围。" if returned else "已派员到场处理完毕。"
        referral.update(status=status, replied_at=at, updated_at=at)
        referral["return_reason" if returned else "reply"] = text
        if joint:
            quantity = {name: rows.case[name] for name in ("quantity", "quantity_unit")}
            referral.update(joint_on=deadlines.local_day(at), joint_state=JointState.DONE, **quantity)
        rows.step(at, REPLY, CaseStatus.HANDLING, self.draws.world.office, text, answer=str(status))

    def _finish(self, rows: CaseRows, schedule: Schedule) -> Iterator[datetime]:
        rng, case, office = self.rng, rows.case, self.draws.world.office
        checker = rng.choice((office, rows.staff.squad[0]))
        result = rows.text.result.replace("{n}", str(case["quantity"]))
        outcome = rows.text.outcome
        yield (at := schedule.at(0.64))
        rows.add_action(self.draws, at, ACTIONS.get(outcome, ActionKind.PERSUASION), result)
        yield (at := schedule.at(0.66))
        case.update(outcome=outcome, result=result, handled_at=at)
        rows.step(at, HANDLE, CaseStatus.HANDLED, rows.handler, result, outcome=str(outcome))
        if rng.random() < 0.03:
            yield (at := schedule.at(0.7))
            case["handled_at"] = None
            rows.step(at, REWORK, CaseStatus.HANDLING, checker, "现场仍有残留，返工。")
            yield (at := schedule.at(0.78))
            case["handled_at"] = at
            rows.step(at, HANDLE, CaseStatus.HANDLED, rows.handler, "已按核查意见再次处置。", outcome=str(outcome))
        yield (at := schedule.at(0.84))
        rows.step(at, VERIFY, CaseStatus.VERIFIED, checker, "经核查，情况属实，处置到位。")
        yield (at := schedule.at(0.95))
        rows.add_feedback(self.draws, at, FeedbackTarget.LIAISON)
        if any(party["role"] == PartyRole.COMPLAINANT and not party["anonymous"] for party in rows.parties):
            rows.add_feedback(self.draws, at, FeedbackTarget.COMPLAINANT)
        yield (at := schedule.at(1.0))
        rows.finish(at, CLOSE, CaseStatus.CLOSED, rng.choice((office, rows.lead)), "已反馈，同意结案。")


def _fits(item: Item, stop: CaseStatus | None) -> bool:
    """Whether a case of this item can reach that state."""
    if stop == CaseStatus.MEDIATING:
        return item.mediable and any(text.outcome == Outcome.MEDIATED for text in item.texts)
    return stop != CaseStatus.REFERRED or item.department is not None
