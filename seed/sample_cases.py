"""Three complete sample cases in the community of the demo accounts: poultry, solved the next day; scrapped cars,
cleared with the traffic police; the fan of a cold store, mediated in three sessions and reopened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from bureau.calendar import deadlines
from bureau.cases.steps.approval import APPROVE, EXTEND
from bureau.cases.steps.handling import CLOSE, HANDLE, REOPEN, VERIFY
from bureau.cases.steps.intake import ACCEPT, DISPATCH, START
from bureau.cases.steps.report import REPORT
from bureau.mediation.steps import END_MEDIATION, MEDIATE, PERFORM, SESSION
from bureau.referrals.steps import JOINT, REFER, REPLY, SIGN
from models import (
    ActionKind,
    AgreementForm,
    Attending,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    FeedbackChannel,
    FeedbackTarget,
    JointState,
    LimitUnit,
    Outcome,
    PartyRole,
    Performance,
    ReferralKind,
    ReferralStatus,
    Satisfaction,
    Source,
)
from panel.kinds import ZONE
from seed import disputes
from seed.case_builder import CaseBuilder
from seed.case_rows import CaseRows
from seed.table_rows import case_row, change_row, feedback_row, party_row, referral_row
from seed.world import CaseText, Person

LANDING, CAR_PARK, COLD_STORE = "荷苑新村6幢2单元3楼平台", "柳岸花苑东门停车场", "东升路18号水产冷库北侧"
PLACES = (LANDING, CAR_PARK, COLD_STORE)
WEEK = timedelta(days=7)
S = CaseStatus


def build(builder: CaseBuilder) -> list[CaseRows]:
    """The sample cases, some weeks apart, the last one in the latest full week."""
    today = deadlines.local_day(builder.now)
    monday = today - timedelta(days=today.weekday() + 7)
    return [
        SampleCase(builder, _full_week(builder, monday - 6 * WEEK)).cold_store_fan(),
        SampleCase(builder, _full_week(builder, monday - 3 * WEEK)).scrapped_cars(),
        SampleCase(builder, _full_week(builder, monday)).poultry(),
    ]


def _full_week(builder: CaseBuilder, monday: date) -> date:
    """The Monday, or the nearest one before it whose week and next two days have no holidays."""
    while not all(builder.calendar.is_workday(monday + timedelta(days=day)) for day in (*range(5), 7, 8)):
        monday -= WEEK
    return monday


class SampleCase:
    """Builds a case in the first community. Days are counted from its Monday."""

    def __init__(self, builder: CaseBuilder, monday: date) -> None:
        world = builder.draws.world
        self.builder, self.monday, self.staff, self.office = builder, monday, world.communities[0], world.office
        self.leader = self.staff.squad[0]
        self.officer = next(term.person for term in self.staff.officers if term.covers(monday))
        self.liaison = next(term.person for term in self.staff.liaisons if term.covers(monday))

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        on = self.monday + timedelta(days=day)
        return datetime.combine(on, time(hour, minute), ZONE).astimezone(UTC)

    def begin(self, code: str, place: str, text: CaseText) -> CaseRows:
        """Report, accept, dispatch and start the case on the Monday."""
        item = next(item for item in self.builder.draws.world.items if item.code == code)
        at = self.at(0, 8, 40)
        case = case_row(
            at,
            text.description,
            source=Source.LIAISON,
            community_id=self.staff.id,
            place=place,
            liaison_id=self.liaison.id,
            lead_officer_id=self.officer.id,
        )
        rows = CaseRows(self.staff, item, text, self.officer, self.officer, self.liaison, case)
        rows.parties.append(party_row(at, PartyRole.COMPLAINANT, self.builder.draws.resident(self.staff)))
        rows.step(at, REPORT, S.REPORTED, self.liaison)
        accepted = self.at(0, 9, 5)
        due_at = deadlines.due(accepted, item.limit_value, item.limit_unit, self.builder.calendar)
        case.update(accepted_at=accepted, due_at=due_at, item_id=item.id, list_kind=item.list_kind)
        case["item_snapshot"] = item.snapshot
        rows.step(accepted, ACCEPT, S.ACCEPTED, self.office, item=item.id, urgency=str(case["urgency"]))
        case["handler_id"] = self.officer.id
        note = f"派{self.officer.name}处置。"
        rows.step(self.at(0, 9, 10), DISPATCH, S.DISPATCHED, self.office, note, handler=self.officer.id)
        rows.step(self.at(0, 9, 30), START, S.HANDLING, self.officer)
        return rows

    def finish(
        self, rows: CaseRows, moments: tuple[datetime, datetime, datetime], checker: Person, finding: str, answer: str
    ) -> None:
        """Handle, verify and close the case, with feedback."""
        handled, verified, closed = moments
        case, text = rows.case, rows.text
        case.update(outcome=text.outcome, result=text.result, handled_at=handled)
        quantity = {name: case[name] for name in ("quantity", "quantity_unit") if case[name] is not None}
        rows.step(handled, HANDLE, S.HANDLED, self.officer, text.result, outcome=str(text.outcome), **quantity)
        rows.step(verified, VERIFY, S.VERIFIED, checker, finding)
        phone = FeedbackChannel.PHONE
        rows.feedback.append(feedback_row(closed, FeedbackTarget.LIAISON, phone, answer))
        complainant_feedback = feedback_row(closed, FeedbackTarget.COMPLAINANT, phone, answer, Satisfaction.SATISFIED)
        rows.feedback.append(complainant_feedback)
        payload = {"liaison_channel": str(phone), "complainant_channel": str(phone), "satisfaction": "satisfied"}
        rows.finish(closed, CLOSE, S.CLOSED, self.office, answer, **payload)

    def poultry(self) -> CaseRows:
        result = "队员与联络员上门劝导，住户次日将三只鸡送回乡下，楼道已清扫消毒。"
        description = "楼道平台纸箱里养着三只鸡，清晨打鸣，异味很重。"
        rows = self.begin("ZF03", LANDING, CaseText("home", Outcome.PERSUASION, description, result))
        persuaded = self.at(0, 10)
        rows.add_action(
            self.builder.draws, persuaded, ActionKind.PERSUASION, "趁周一走访，与联络员上门，讲明市区不得饲养家禽。"
        )
        moments = (self.at(1, 9, 20), self.at(1, 10, 5), self.at(1, 10, 30))
        self.finish(rows, moments, self.office, "联络员复看，平台已清空。", "三只鸡已送走，楼道已清扫消毒。")
        return rows

    def scrapped_cars(self) -> CaseRows:
        result = "会同交警清理三辆报废车，腾出车位3个，已重新划线。"
        description = "三辆落满灰尘的僵尸车停了半年多，轮胎瘪了，占着公共车位。"
        rows = self.begin("FW03", CAR_PARK, CaseText("lot", Outcome.JOINT, description, result))
        department, calendar = rows.item.department, self.builder.calendar
        assert department is not None
        sent, joined, replied = self.at(0, 9, 40), self.monday + timedelta(days=3), self.at(3, 15)
        quantity = {"quantity": 3, "quantity_unit": "个车位"}
        request, answer = "请核查三辆车的车主信息，并共同清理。", "三辆车均已联系车主，当日全部拖离。"
        members = "交警大队、执法中队、社区、物业"
        working = LimitUnit.WORKING_DAY
        rows.referrals.append(
            referral_row(
                sent,
                department,
                ReferralKind.JOINT,
                request,
                sign_due_at=deadlines.due(sent, department.sign_limit, working, calendar),
                reply_due_at=deadlines.due(sent, department.reply_limit, working, calendar),
                status=ReferralStatus.REPLIED,
                signed_at=self.at(1, 10),
                replied_at=replied,
                reply=answer,
                joint_on=joined,
                joint_state=JointState.DONE,
                joint_members=members,
                updated_at=replied,
                **quantity,
            )
        )
        kind = str(ReferralKind.JOINT)
        rows.step(sent, REFER, S.REFERRED, self.officer, request, department=department.id, kind=kind)
        rows.step(self.at(1, 10), SIGN, S.REFERRED, self.office)
        payload = {"joint_on": joined.isoformat(), "joint_state": "done", "joint_members": members}
        rows.step(self.at(1, 10, 30), JOINT, S.REFERRED, self.officer, **payload)
        rows.step(replied, REPLY, S.HANDLING, self.office, answer, answer=str(ReferralStatus.REPLIED), **quantity)
        rows.add_action(self.builder.draws, replied, ActionKind.ASSISTANCE, result)
        rows.case.update(quantity)
        moments = (self.at(3, 15, 30), self.at(3, 16, 30), self.at(4, 9))
        self.finish(rows, moments, self.leader, "现场已清空并划线。", "三辆报废车已拖走，三个车位已恢复使用。")
        return rows

    def cold_store_fan(self) -> CaseRows:
        result = "经三次调解，冷库外机由北侧移至南侧，已履行。"
        description = "水产冷库的外机日夜轰鸣，楼上住户无法休息。"
        rows = self.begin("ZF23", COLD_STORE, CaseText("shop", Outcome.MEDIATED, description, result))
        dispute_draws = self.builder.disputes
        dispute_draws.measure(rows, self.at(0, 10), within=True)
        mediation_begun = self.at(1, 9)
        dispute_draws.begin(rows, mediation_begun)
        mediation = rows.mediations[-1]
        kind = str(mediation["kind"])
        rows.step(mediation_begun, MEDIATE, S.MEDIATING, self.officer, disputes.MEDIATION_REASON, kind=kind)
        for moment in self._sessions(rows):
            if moment == self.at(1, 9, 30):
                self._extend(rows)
        agreed = self.at(4, 11)
        dispute_draws.agree(rows, agreed)
        by = self.monday + timedelta(days=7)
        agreement = "乙方将冷库外机由北侧移至南侧，加装减振垫，费用由乙方承担；甲方提供施工方便。"
        mediation.update(agreement=agreement, agreement_form=AgreementForm.WRITTEN, perform_by=by)
        payload = {"ending": "agreed", "agreement_form": "written", "perform_by": by.isoformat()}
        rows.step(agreed, END_MEDIATION, S.HANDLING, self.officer, **payload)
        performance = {"performance": str(Performance.PERFORMED), "followed_on": by.isoformat()}
        mediation.update(performance=Performance.PERFORMED, followed_on=by, follow_up=disputes.KEPT)
        rows.step(self.at(7, 14), PERFORM, S.HANDLING, self.officer, **performance)
        moments = (self.at(7, 15), self.at(7, 16), self.at(8, 9))
        self.finish(rows, moments, self.leader, "到现场复看，外机已在南侧。", "外机已移到南侧，夜间已听不到噪声。")
        self._reopen(rows)
        return rows

    def _sessions(self, rows: CaseRows) -> Iterator[datetime]:
        """Add a session with each party alone and one with both; yields the time of each."""
        for day, attending in ((1, Attending.ONE), (2, Attending.OTHER), (4, Attending.BOTH)):
            held = self.at(day, 9, 30)
            self.builder.disputes.add_session(rows, held, attending, everybody=True)
            rows.step(held, SESSION, S.MEDIATING, self.officer, attending=str(attending))
            yield held

    def _extend(self, rows: CaseRows) -> None:
        """Extend the deadline by three working days."""
        asked, decided, reason = self.at(1, 10), self.at(1, 11), "需与双方分别沟通，三个工作日内难以完成。"
        before = rows.case["due_at"]
        after = deadlines.due(before, 3, LimitUnit.WORKING_DAY, self.builder.calendar)
        change = change_row(
            asked,
            ChangeKind.EXTENSION,
            reason,
            self.officer,
            days=3,
            unit=LimitUnit.WORKING_DAY,
            old_due_at=before,
            new_due_at=after,
            status=ChangeStatus.APPROVED,
            decided_at=decided,
            decided_by=self.leader.name,
            decided_by_id=self.leader.user_id,
            updated_at=decided,
        )
        rows.changes.append(change)
        rows.step(asked, EXTEND, S.MEDIATING, self.officer, reason, days=3)
        rows.case["due_at"] = after
        moved = {"due_before": before.isoformat(), "due_after": after.isoformat()}
        rows.step(decided, APPROVE, S.MEDIATING, self.leader, "同意延期。", **moved)

    def _reopen(self, rows: CaseRows) -> None:
        """Reopen the case two weeks later after unsatisfied feedback, and close it again."""
        heard, words = self.at(21, 9), "夜间外机又有异响。"
        unsatisfied = feedback_row(
            heard, FeedbackTarget.COMPLAINANT, FeedbackChannel.PHONE, f"回访反映：{words}", Satisfaction.UNSATISFIED
        )
        rows.feedback.append(unsatisfied)
        rows.case.update(closed_at=None, handled_at=None)
        reopened, before = self.at(21, 10), rows.case["due_at"]
        rows.case["due_at"] = after = deadlines.due(reopened, 3, LimitUnit.WORKING_DAY, self.builder.calendar)
        moved = {"due_before": before.isoformat(), "due_after": after.isoformat()}
        rows.step(reopened, REOPEN, S.HANDLING, self.leader, f"投诉人反映{words}", **moved)
        rows.add_action(
            self.builder.draws, self.at(22, 10), ActionKind.ASSISTANCE, "会同店主请厂家到场，紧固支架、更换减振垫。"
        )
        rows.text = CaseText("shop", Outcome.MEDIATED, rows.text.description, f"{rows.text.result[:-1]}；异响已排除。")
        moments = (self.at(22, 15), self.at(23, 9), self.at(23, 10))
        self.finish(rows, moments, self.leader, "夜间复听，已无异响。", "减振垫已更换，夜间复听无异响。")
