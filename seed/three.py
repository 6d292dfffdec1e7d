"""Three stories told to their end, in the community of the demo accounts: chickens that are gone the next day; scrapped
cars, cleared with the traffic police; the fan of a cold store, moved after three mediations and heard again."""

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
from seed.life import Life
from seed.papers import case_row, change_row, feedback_row, party_row, referral_row
from seed.teller import Teller
from seed.world import Person, Tale

LANDING, CAR_PARK, COLD_STORE = "荷苑新村6幢2单元3楼平台", "柳岸花苑东门停车场", "东升路18号水产冷库北侧"
PLACES = (LANDING, CAR_PARK, COLD_STORE)
WEEK = timedelta(days=7)
S = CaseStatus


def tell(teller: Teller) -> list[Life]:
    """The stories, some weeks apart, the last one in the latest week that is over."""
    today = deadlines.local_day(teller.now)
    monday = today - timedelta(days=today.weekday() + 7)
    return [
        Story(teller, _plain(teller, monday - 6 * WEEK)).fan(),
        Story(teller, _plain(teller, monday - 3 * WEEK)).cars(),
        Story(teller, _plain(teller, monday)).poultry(),
    ]


def _plain(teller: Teller, monday: date) -> date:
    """That Monday, or the one before it with which a week without holidays begins."""
    while not all(teller.calendar.is_workday(monday + timedelta(days=day)) for day in (*range(5), 7, 8)):
        monday -= WEEK
    return monday


class Story:
    """A case in the first community, from a Monday on. Days are counted from that one."""

    def __init__(self, teller: Teller, monday: date) -> None:
        world = teller.cast.world
        self.teller, self.monday, self.beat, self.office = teller, monday, world.beats[0], world.office
        self.leader = self.beat.squad[0]
        self.officer = next(term.person for term in self.beat.officers if term.covers(monday))
        self.liaison = next(term.person for term in self.beat.liaisons if term.covers(monday))

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        on = self.monday + timedelta(days=day)
        return datetime.combine(on, time(hour, minute), ZONE).astimezone(UTC)

    def begin(self, code: str, place: str, tale: Tale) -> Life:
        """Reported by the liaison, accepted and dispatched by the office, begun by the officer, on the Monday."""
        item = next(item for item in self.teller.cast.world.items if item.code == code)
        at = self.at(0, 8, 40)
        case = case_row(
            at,
            tale.description,
            source=Source.LIAISON,
            community_id=self.beat.id,
            place=place,
            liaison_id=self.liaison.id,
            lead_officer_id=self.officer.id,
        )
        life = Life(self.beat, item, tale, self.officer, self.officer, self.liaison, case)
        life.parties.append(party_row(at, PartyRole.COMPLAINANT, self.teller.cast.resident(self.beat)))
        life.step(at, REPORT, S.REPORTED, self.liaison)
        accepted = self.at(0, 9, 5)
        due_at = deadlines.due(accepted, item.limit_value, item.limit_unit, self.teller.calendar)
        case.update(accepted_at=accepted, due_at=due_at, item_id=item.id, list_kind=item.list_kind)
        case["item_snapshot"] = item.snapshot
        life.step(accepted, ACCEPT, S.ACCEPTED, self.office, item=item.id, urgency=str(case["urgency"]))
        case["handler_id"] = self.officer.id
        note = f"派{self.officer.name}处置。"
        life.step(self.at(0, 9, 10), DISPATCH, S.DISPATCHED, self.office, note, handler=self.officer.id)
        life.step(self.at(0, 9, 30), START, S.HANDLING, self.officer)
        return life

    def finish(
        self, life: Life, moments: tuple[datetime, datetime, datetime], checker: Person, found: str, answer: str
    ) -> None:
        """Handled, verified by another person, fed back and closed."""
        handled, verified, closed = moments
        case, tale = life.case, life.tale
        case.update(outcome=tale.outcome, result=tale.result, handled_at=handled)
        won = {name: case[name] for name in ("quantity", "quantity_unit") if case[name] is not None}
        life.step(handled, HANDLE, S.HANDLED, self.officer, tale.result, outcome=str(tale.outcome), **won)
        life.step(verified, VERIFY, S.VERIFIED, checker, found)
        phone = FeedbackChannel.PHONE
        life.feedback.append(feedback_row(closed, FeedbackTarget.LIAISON, phone, answer))
        told = feedback_row(closed, FeedbackTarget.COMPLAINANT, phone, answer, Satisfaction.SATISFIED)
        life.feedback.append(told)
        given = {"liaison_channel": str(phone), "complainant_channel": str(phone), "satisfaction": "satisfied"}
        life.finish(closed, CLOSE, S.CLOSED, self.office, answer, **given)

    def poultry(self) -> Life:
        result = "队员与联络员上门劝导，住户次日将三只鸡送回乡下，楼道已清扫消毒。"
        said = "楼道平台纸箱里养着三只鸡，清晨打鸣，异味很重。"
        life = self.begin("ZF03", LANDING, Tale("home", Outcome.PERSUASION, said, result))
        persuaded = self.at(0, 10)
        life.act(self.teller.cast, persuaded, ActionKind.PERSUASION, "趁周一走访，与联络员上门，讲明市区不得饲养家禽。")
        moments = (self.at(1, 9, 20), self.at(1, 10, 5), self.at(1, 10, 30))
        self.finish(life, moments, self.office, "联络员复看，平台已清空。", "三只鸡已送走，楼道已清扫消毒。")
        return life

    def cars(self) -> Life:
        result = "会同交警清理三辆报废车，腾出车位3个，已重新划线。"
        said = "三辆落满灰尘的僵尸车停了半年多，轮胎瘪了，占着公共车位。"
        life = self.begin("FW03", CAR_PARK, Tale("lot", Outcome.JOINT, said, result))
        department, calendar = life.item.department, self.teller.calendar
        assert department is not None
        sent, joined, replied = self.at(0, 9, 40), self.monday + timedelta(days=3), self.at(3, 15)
        won = {"quantity": 3, "quantity_unit": "个车位"}
        asked, answer = "请核查三辆车的车主信息，并共同清理。", "三辆车均已联系车主，当日全部拖离。"
        members = "交警大队、执法中队、社区、物业"
        working = LimitUnit.WORKING_DAY
        life.referrals.append(
            referral_row(
                sent,
                department,
                ReferralKind.JOINT,
                asked,
                sign_due_at=deadlines.due(sent, department.sign_limit, working, calendar),
                reply_due_at=deadlines.due(sent, department.reply_limit, working, calendar),
                status=ReferralStatus.REPLIED,
                signed_at=self.at(1, 10),
                replied_at=replied,
                reply=answer,
                joint_on=joined,
                joint_members=members,
                updated_at=replied,
                **won,
            )
        )
        kind = str(ReferralKind.JOINT)
        life.step(sent, REFER, S.REFERRED, self.officer, asked, department=department.id, kind=kind)
        life.step(self.at(1, 10), SIGN, S.REFERRED, self.office)
        plan = {"joint_on": joined.isoformat(), "joint_members": members}
        life.step(self.at(1, 10, 30), JOINT, S.REFERRED, self.officer, **plan)
        life.step(replied, REPLY, S.HANDLING, self.office, answer, answer=str(ReferralStatus.REPLIED), **won)
        life.act(self.teller.cast, replied, ActionKind.ASSISTANCE, result)
        life.case.update(won)
        moments = (self.at(3, 15, 30), self.at(3, 16, 30), self.at(4, 9))
        self.finish(life, moments, self.leader, "现场已清空并划线。", "三辆报废车已拖走，三个车位已恢复使用。")
        return life

    def fan(self) -> Life:
        result = "经三次调解，冷库外机由北侧移至南侧，已履行。"
        said = "水产冷库的外机日夜轰鸣，楼上住户无法休息。"
        life = self.begin("ZF23", COLD_STORE, Tale("shop", Outcome.MEDIATED, said, result))
        quarrels = self.teller.quarrels
        quarrels.measure(life, self.at(0, 10), within=True)
        begun = self.at(1, 9)
        quarrels.begin(life, begun)
        mediation = life.mediations[-1]
        kind = str(mediation["kind"])
        life.step(begun, MEDIATE, S.MEDIATING, self.officer, disputes.WHY, kind=kind)
        for moment in self._sessions(life):
            if moment == self.at(1, 9, 30):
                self._more_time(life)
        agreed = self.at(4, 11)
        quarrels.agree(life, agreed)
        by = self.monday + timedelta(days=7)
        agreement = "乙方将冷库外机由北侧移至南侧，加装减振垫，费用由乙方承担；甲方提供施工方便。"
        mediation.update(agreement=agreement, agreement_form=AgreementForm.WRITTEN, perform_by=by)
        given = {"ending": "agreed", "agreement_form": "written", "perform_by": by.isoformat()}
        life.step(agreed, END_MEDIATION, S.HANDLING, self.officer, **given)
        kept = {"performance": str(Performance.PERFORMED), "followed_on": by.isoformat()}
        mediation.update(performance=Performance.PERFORMED, followed_on=by, follow_up=disputes.KEPT)
        life.step(self.at(7, 14), PERFORM, S.HANDLING, self.officer, **kept)
        moments = (self.at(7, 15), self.at(7, 16), self.at(8, 9))
        self.finish(life, moments, self.leader, "到现场复看，外机已在南侧。", "外机已移到南侧，夜间已听不到噪声。")
        self._heard_again(life)
        return life

    def _sessions(self, life: Life) -> Iterator[datetime]:
        """One with either party alone, then one with both; yields when each was held."""
        for day, attending in ((1, Attending.ONE), (2, Attending.OTHER), (4, Attending.BOTH)):
            held = self.at(day, 9, 30)
            self.teller.quarrels.sit(life, held, attending, everybody=True)
            life.step(held, SESSION, S.MEDIATING, self.officer, attending=str(attending))
            yield held

    def _more_time(self, life: Life) -> None:
        """Three working days aren't enough: as many more are asked for, and granted by the leader."""
        asked, decided, reason = self.at(1, 10), self.at(1, 11), "需与双方分别沟通，三个工作日内难以完成。"
        before = life.case["due_at"]
        after = deadlines.due(before, 3, LimitUnit.WORKING_DAY, self.teller.calendar)
        granted = change_row(
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
        life.changes.append(granted)
        life.step(asked, EXTEND, S.MEDIATING, self.officer, reason, days=3)
        life.case["due_at"] = after
        kept = {"due_before": before.isoformat(), "due_after": after.isoformat()}
        life.step(decided, APPROVE, S.MEDIATING, self.leader, "同意延期。", **kept)

    def _heard_again(self, life: Life) -> None:
        """Two weeks later the neighbour is unsatisfied: the leader opens the case again, and it comes to a good end."""
        heard, words = self.at(21, 9), "夜间外机又有异响。"
        unsatisfied = feedback_row(
            heard, FeedbackTarget.COMPLAINANT, FeedbackChannel.PHONE, f"回访反映：{words}", Satisfaction.UNSATISFIED
        )
        life.feedback.append(unsatisfied)
        life.case.update(closed_at=None, handled_at=None)
        reopened, before = self.at(21, 10), life.case["due_at"]
        life.case["due_at"] = after = deadlines.due(reopened, 3, LimitUnit.WORKING_DAY, self.teller.calendar)
        kept = {"due_before": before.isoformat(), "due_after": after.isoformat()}
        life.step(reopened, REOPEN, S.HANDLING, self.leader, f"投诉人反映{words}", **kept)
        life.act(self.teller.cast, self.at(22, 10), ActionKind.ASSISTANCE, "会同店主请厂家到场，紧固支架、更换减振垫。")
        life.tale = Tale("shop", Outcome.MEDIATED, life.tale.description, f"{life.tale.result[:-1]}；异响已排除。")
        moments = (self.at(22, 15), self.at(23, 9), self.at(23, 10))
        self.finish(life, moments, self.leader, "夜间复听，已无异响。", "减振垫已更换，夜间复听无异响。")
