"""Tells the life of a made-up case step by step: broken off at the present, or in the state it is to stay in."""

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
    LimitUnit,
    Outcome,
    PartyRole,
    ReferralKind,
    ReferralStatus,
    Source,
    Urgency,
)
from seed import disputes
from seed.cast import TAILS, Cast
from seed.disputes import Quarrels
from seed.life import ACTIONS, Life
from seed.papers import case_row, change_row, referral_row
from seed.world import Item, Person


@dataclass(slots=True)
class Plan:
    """Spreads a case's steps over the time it takes: `at(0)` is acceptance, `at(1)` closing."""

    cast: Cast
    start: datetime
    length: timedelta
    by_clock: bool
    pause: timedelta = timedelta()

    def at(self, share: float) -> datetime:
        length = timedelta(minutes=int((self.length * share + self.pause).total_seconds() // 60))
        return self.start + length if self.by_clock else deadlines.after(self.start, length, self.cast.world.calendar)


class Teller:
    """Tells lives up to `now`."""

    def __init__(self, cast: Cast, now: datetime) -> None:
        self.cast, self.rng, self.now, self.calendar = cast, cast.rng, now, cast.world.calendar
        self.quarrels = Quarrels(len(cast.world.beats))

    def tell(
        self, at: datetime, *, stop: CaseStatus | None = None, end: CaseStatus | None = None, like: Life | None = None
    ) -> Life:
        """A case reported at `at`. `stop`: the open state it stays in. `end`: rejected, merged into `like`, or voided,
        instead of closed."""
        life = self._report(at, stop, like)
        if end == CaseStatus.MERGED:
            life.master = like
        # Staying in one of these states may still mean a sheet signed for, an inspection made, the liaison told.
        linger = stop in {CaseStatus.HANDLING, CaseStatus.REFERRED, CaseStatus.VERIFIED} and self.rng.random() < 0.5
        linger = linger or (stop == CaseStatus.MEDIATING and self.quarrels.rng.random() < 0.7)
        for moment in self._course(life, stop, end):
            if moment > self.now or (life.status == stop and not linger):
                break
            linger = linger and life.status != stop
        return life

    def open_case(self, stop: CaseStatus, *, overdue: bool) -> Life:
        """A case that stands in an open state now, its deadline over or not."""
        days = (2.0, 26.0) if overdue else (0.0, 1.0 if stop == CaseStatus.REPORTED else 8.0)
        life = self.tell(self.now - timedelta(days=2), stop=CaseStatus.REPORTED)
        for _try in range(80):
            ago = timedelta(days=self.rng.uniform(*days))
            at = self.cast.moment(deadlines.local_day(self.now - ago))
            if at > self.now:
                continue
            life = self.tell(at, stop=stop)
            due_at = life.case["due_at"]
            if life.status == stop and (due_at is None or (due_at < self.now) == overdue):
                break
        return life

    def _report(self, at: datetime, stop: CaseStatus | None, like: Life | None) -> Life:
        rng, cast = self.rng, self.cast
        day = deadlines.local_day(at)
        item = like.item if like else cast.item(lambda item: _can_reach(item, stop))
        tales = [tale for tale in item.tales if stop != CaseStatus.MEDIATING or tale.outcome == Outcome.MEDIATED]
        tale = like.tale if like else rng.choice(tales)
        beat = like.beat if like else cast.beat()
        liaison = next((term.person for term in beat.liaisons if term.covers(day)), None)
        able = [person for person in beat.squad[1:] if person.decides]
        lead = next((term.person for term in beat.officers if term.covers(day)), able[0])
        source = cast.source(day)
        quantity = rng.randint(2, 6)
        description = tale.description.replace("{n}", str(quantity))
        urgent = rng.random() < (0.3 if item.limit_unit == LimitUnit.CLOCK_HOUR else 0.05)
        case = case_row(
            at,
            description + rng.choice(TAILS),
            title=intake.title_of(description),
            source=source,
            community_id=beat.id,
            place=like.case["place"] if like else cast.place(beat, tale.where),
            urgency=Urgency.URGENT if urgent else Urgency.NORMAL,
            liaison_id=liaison.id if liaison else None,
            lead_officer_id=lead.id,
            quantity=quantity if "{n}" in tale.result else None,
            quantity_unit="个车位" if "车位{n}个" in tale.result else None,
        )
        reporter = lead
        if source == Source.LIAISON and liaison:
            reporter = liaison
        elif source in {Source.HOTLINE, Source.SUPERIOR, Source.OTHER}:
            reporter = cast.world.office
        handler = lead if rng.random() < 0.6 else rng.choice(able)
        life = Life(beat, item, tale, lead, handler, reporter, case)
        life.involve(self.cast)
        life.step(at, REPORT, CaseStatus.REPORTED, reporter)
        return life

    def _course(self, life: Life, stop: CaseStatus | None, end: CaseStatus | None) -> Iterator[datetime]:
        """What happens after the report. Yields the moment of each step before it takes place."""
        rng, case, office, leader = self.rng, life.case, self.cast.world.office, life.beat.squad[0]
        hurry = life.item.limit_unit == LimitUnit.CLOCK_HOUR or case["urgency"] == Urgency.URGENT
        at = self.cast.later(case["reported_at"], 3, 20 if hurry else 240, by_clock=hurry)
        yield at
        if end == CaseStatus.REJECTED:
            life.finish(at, REJECT, end, office, "不属于本局职责。", told="电话告知", responsible="物业服务企业")
            return
        if end == CaseStatus.MERGED:
            life.finish(at, MERGE, end, office, "与在办案件系同一事项，并案处理。")
            return
        plan = self._accept(life, at, office if rng.random() < 0.6 else life.lead)
        if end == CaseStatus.VOIDED:
            yield (at := plan.at(0.05))
            life.finish(at, VOID, end, leader, "登记有误，作废，编号不再使用。")
            return
        yield (at := plan.at(0.06))
        case["handler_id"] = life.handler.id
        dispatcher = rng.choice((office, leader))
        life.step(
            at,
            DISPATCH,
            CaseStatus.DISPATCHED,
            dispatcher,
            f"派{life.handler.name}处置。",
            handler=life.handler.id,
        )
        yield (at := plan.at(0.12))
        life.step(at, START, CaseStatus.HANDLING, life.handler)
        if stop == CaseStatus.HANDLING and rng.random() < 0.25:
            asked = {"days": 1, "unit": life.item.limit_unit}
            self._ask(life, at, ChangeKind.EXTENSION, "当事人外出，约定返回后处理。", **asked)
            life.step(at, EXTEND, life.status, life.handler, "当事人外出，约定返回后处理。", days=1)
        yield (at := plan.at(0.18))
        if rng.random() < 0.4:
            life.act(self.cast, at, ActionKind.INSPECTION, "到现场检查，拍照取证。")
        if stop == CaseStatus.SUSPENDED or rng.random() < 0.015:
            yield from self._suspend(life, plan)
        if life.tale.outcome == Outcome.MEDIATED:
            yield from self._mediate(life, plan)
        elif life.item.department and (
            stop == CaseStatus.REFERRED or life.tale.outcome == Outcome.JOINT or rng.random() < 0.15
        ):
            yield from self._refer(life, plan)
        elif life.item.needs_measurement:
            yield (at := plan.at(0.2))
            self.quarrels.measure(life, at, within=life.tale.outcome == Outcome.UNFOUNDED)
        yield from self._finish(life, plan)

    def _accept(self, life: Life, at: datetime, actor: Person) -> Plan:
        item, case = life.item, life.case
        urgent = case["urgency"] == Urgency.URGENT
        due_at = deadlines.due(at, item.limit_value, item.limit_unit, self.calendar, urgent=urgent)
        case.update(
            accepted_at=at, due_at=due_at, item_id=item.id, list_kind=item.list_kind, item_snapshot=item.snapshot
        )
        life.step(at, ACCEPT, CaseStatus.ACCEPTED, actor, item=item.id, urgency=str(case["urgency"]))
        by_clock = item.limit_unit == LimitUnit.CLOCK_HOUR or (urgent and item.limit_unit == LimitUnit.OFFICE_HOUR)
        length = due_at - at if by_clock else deadlines.office_time(at, due_at, self.calendar)
        if self.rng.random() < 0.07:
            length += timedelta(hours=self.rng.uniform(1, 20))
        else:
            length *= 0.12 + 0.8 * self.rng.betavariate(1.6, 2.6)
        return Plan(self.cast, at, length, by_clock)

    def _suspend(self, life: Life, plan: Plan) -> Iterator[datetime]:
        case, leader, handler = life.case, life.beat.squad[0], life.handler
        yield (asked := plan.at(0.2))
        review = deadlines.local_day(asked) + timedelta(days=14)
        life.step(asked, SUSPEND, life.status, handler, "需第三方鉴定。", review_on=review.isoformat())
        change = self._ask(life, asked, ChangeKind.SUSPENSION, "需第三方鉴定。", review_on=review)
        yield (at := plan.at(0.22))
        decides = self.cast.world.office if handler.id == leader.id else leader
        change.update(
            status=ChangeStatus.APPROVED,
            decided_at=at,
            decided_by=decides.name,
            decided_by_id=decides.user_id,
            came_from=life.status.value,
            updated_at=at,
        )
        life.step(at, APPROVE, CaseStatus.SUSPENDED, decides, "同意挂账。")
        back = self.cast.later(at, 900, 4000)
        yield back
        pause = deadlines.office_time(at, back, self.calendar)
        plan.pause += back - at if plan.by_clock else pause
        limit, before = life.item, case["due_at"]
        urgent = case["urgency"] == Urgency.URGENT
        case["due_at"] = deadlines.resumed(before, at, back, limit.limit_unit, self.calendar, urgent=urgent)
        change.update(status=ChangeStatus.OVER, resumed_at=back, new_due_at=case["due_at"], updated_at=back)
        kept = {"due_before": before.isoformat(), "due_after": case["due_at"].isoformat()}
        life.step(back, RESUME, CaseStatus.HANDLING, leader, "条件具备，恢复办理。", **kept)

    @staticmethod
    def _ask(life: Life, at: datetime, kind: ChangeKind, reason: str, **given: Any) -> dict[str, Any]:
        """The handler asks the squad's leader for approval; a leader asks the office."""
        for_office = life.handler.id == life.beat.squad[0].id
        given = {"for_office": for_office, "old_due_at": life.case["due_at"], **given}
        change = change_row(at, kind, reason, life.handler, **given)
        life.changes.append(change)
        return change

    def _mediate(self, life: Life, plan: Plan) -> Iterator[datetime]:
        """Measured within the limit where it is about noise of machines, then mediated: three in four agree."""
        quarrels, rng = self.quarrels, self.quarrels.rng
        if life.item.needs_measurement:
            yield (at := plan.at(0.2))
            quarrels.measure(life, at, within=True)
        yield (at := plan.at(0.25))
        quarrels.begin(life, at)
        life.step(at, MEDIATE, CaseStatus.MEDIATING, life.handler, disputes.WHY, kind=str(life.mediations[-1]["kind"]))
        parts = (Attending.ONE, Attending.OTHER, Attending.BOTH)
        sessions = self.rng.choice((1, 1, 2, 3))
        for i in range(sessions):
            yield (at := plan.at(0.3 + 0.26 * (i + 1) / sessions))
            attending = parts[3 - sessions + i]
            quarrels.sit(life, at, attending)
            life.step(at, SESSION, CaseStatus.MEDIATING, life.handler, attending=str(attending))
        yield (at := plan.at(0.6))
        if rng.random() < 0.2:
            quarrels.fail(life, at)
            told = {"ending": "failed", "ended_by": str(life.mediations[-1]["ended_by"])}
            life.step(at, END_MEDIATION, CaseStatus.HANDLING, life.handler, disputes.REMEDIES, **told)
            life.tale = replace(life.tale, outcome=Outcome.OTHER, result=disputes.UNSETTLED)
            return
        quarrels.agree(life, at)
        by = life.mediations[-1]["perform_by"].isoformat()
        life.step(at, END_MEDIATION, CaseStatus.HANDLING, life.handler, ending="agreed", perform_by=by)
        yield (at := plan.at(0.63))
        found = quarrels.follow_up(life, at)
        told = {"performance": str(found), "followed_on": deadlines.local_day(at).isoformat()}
        life.step(at, PERFORM, CaseStatus.HANDLING, life.handler, **told)

    def _refer(self, life: Life, plan: Plan) -> Iterator[datetime]:
        department = life.item.department
        assert department is not None
        yield (at := plan.at(0.25))
        joint = life.tale.outcome == Outcome.JOINT
        kind = ReferralKind.JOINT if joint else self.rng.choice((ReferralKind.TRANSFER, ReferralKind.NOTICE))
        referral = referral_row(
            at,
            department,
            kind,
            f"请协助处理：{life.case['title']}。",
            sign_due_at=deadlines.due(at, department.sign_limit, LimitUnit.WORKING_DAY, self.calendar),
            reply_due_at=deadlines.due(at, department.reply_limit, LimitUnit.WORKING_DAY, self.calendar),
        )
        life.referrals.append(referral)
        asked = {"department": department.id, "kind": str(referral["kind"])}
        life.step(at, REFER, CaseStatus.REFERRED, life.handler, referral["request"], **asked)
        yield (at := plan.at(0.3))
        referral.update(status=ReferralStatus.SIGNED, signed_at=at, updated_at=at)
        life.step(at, SIGN, CaseStatus.REFERRED, self.cast.world.office)
        yield (at := plan.at(0.58))
        returned = self.rng.random() < 0.1 and not joint
        status = ReferralStatus.RETURNED if returned else ReferralStatus.REPLIED
        text = "经核不属本部门职责范围。" if returned else "已派员到场处理完毕。"
        referral.update(status=status, replied_at=at, updated_at=at)
        referral["return_reason" if returned else "reply"] = text
        if joint:
            won = {name: life.case[name] for name in ("quantity", "quantity_unit")}
            referral.update(joint_on=deadlines.local_day(at), **won)
        life.step(at, REPLY, CaseStatus.HANDLING, self.cast.world.office, text, answer=str(status))

    def _finish(self, life: Life, plan: Plan) -> Iterator[datetime]:
        rng, case, office = self.rng, life.case, self.cast.world.office
        checker = rng.choice((office, life.beat.squad[0]))
        result = life.tale.result.replace("{n}", str(case["quantity"]))
        outcome = life.tale.outcome
        yield (at := plan.at(0.64))
        life.act(self.cast, at, ACTIONS.get(outcome, ActionKind.PERSUASION), result)
        yield (at := plan.at(0.66))
        case.update(outcome=outcome, result=result, handled_at=at)
        life.step(at, HANDLE, CaseStatus.HANDLED, life.handler, result, outcome=str(outcome))
        if rng.random() < 0.03:
            yield (at := plan.at(0.7))
            case["handled_at"] = None
            life.step(at, REWORK, CaseStatus.HANDLING, checker, "现场仍有残留，返工。")
            yield (at := plan.at(0.78))
            case["handled_at"] = at
            life.step(at, HANDLE, CaseStatus.HANDLED, life.handler, "已按核查意见再次处置。", outcome=str(outcome))
        yield (at := plan.at(0.84))
        life.step(at, VERIFY, CaseStatus.VERIFIED, checker, "经核查，情况属实，处置到位。")
        yield (at := plan.at(0.95))
        life.tell(self.cast, at, FeedbackTarget.LIAISON)
        if any(party["role"] == PartyRole.COMPLAINANT and not party["anonymous"] for party in life.parties):
            life.tell(self.cast, at, FeedbackTarget.COMPLAINANT)
        yield (at := plan.at(1.0))
        life.finish(at, CLOSE, CaseStatus.CLOSED, rng.choice((office, life.lead)), "已反馈，同意结案。")


def _can_reach(item: Item, stop: CaseStatus | None) -> bool:
    """Whether a case of this item can come to stand in that state."""
    if stop == CaseStatus.MEDIATING:
        return item.mediable and any(tale.outcome == Outcome.MEDIATED for tale in item.tales)
    return stop != CaseStatus.REFERRED or item.department is not None
