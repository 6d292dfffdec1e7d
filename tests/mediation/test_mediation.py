"""Mediation: where it may begin, its parties, sessions and mediators, its end, and what becomes of the agreement."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import events, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.mediation import agreements, mediation
from bureau.mediation.agreements import FollowUpResult
from bureau.mediation.mediation import Ending
from models import Case, CaseStatus, EndedBy, Force, Mediation, MediationMember, MediationSession, MediationStatus
from panel.i18n import using_locale
from panel.kinds import now, today
from panel.security.records import AuditEntry
from tests import factories, steps
from tests.factories import Stage

S = CaseStatus
A, B = "欧阳文静", "司徒建国"


def new_case(stage: Stage, *, mediable: bool = True) -> int:
    """A case that the officer handles."""
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.item_snapshot = {**(case.item_snapshot or {}), "mediable": mediable}
        session.execute(sa.delete(Mediation).where(Mediation.case_id == id_))
    return id_


def take(stage: Stage, id_: int, name: str, who: str = "officer", **given: Any) -> Case:
    return steps.take(stage, who, id_, name, **given)


def begun(stage: Stage) -> int:
    id_ = new_case(stage)
    take(stage, id_, "mediate", party_a=A, party_b=B)
    return id_


def agreed(stage: Stage) -> int:
    id_ = begun(stage)
    take(stage, id_, "end_mediation", perform_by=today() + timedelta(7))
    return id_


def only(stage: Stage, id_: int) -> Mediation:
    with stage.session() as session:
        return session.scalars(sa.select(Mediation).where(Mediation.case_id == id_)).one()


@contextmanager
def lacks(*names: str) -> Iterator[None]:
    with pytest.raises(InvalidValues) as lacking:
        yield
    assert set(lacking.value.problems) == set(names)


def test_it_begins_where_the_item_allows_it_or_the_noise_is_within_the_limit(stage: Stage) -> None:
    id_ = new_case(stage, mediable=False)
    details, officer = f"/admin/case/details/?id={id_}", stage.browse("officer")
    assert "step=mediate" not in officer.get(details).text
    with lacks("reason"):
        take(stage, id_, "mediate")
    answer = officer.get(f"/admin/case/step/?id={id_}&step=mediate", follow_redirects=True)
    assert "没有未超标的检测记录" in html.unescape(answer.text)
    over = stage.add("measurement", case_id=id_, value=99, instrument_until=date(2099, 1, 1))
    assert "step=mediate" not in officer.get(details).text
    with stage.session() as session:
        session.get_one(models.Measurement, over).value = 30
    page = html.unescape(officer.get(details).text)
    assert "实测未超标，执法手段难以解决，可转调解" in page
    assert "step=mediate" in page
    assert take(stage, id_, "mediate").status is S.MEDIATING


def test_it_has_two_parties_and_a_gapless_number(stage: Stage) -> None:
    id_ = new_case(stage)
    for wrong in (B, f"{B[0]}*"):
        with lacks("party_b"):
            take(stage, id_, "mediate", party_a=B, party_b=wrong)
    year = now().year
    for number in (1, 2):
        made = only(stage, begun(stage))
        assert made.mediation_no == f"TJ-{year}-{number:06}"
        assert (made.party_a, made.party_b, made.status) == (A, B, MediationStatus.RUNNING)


def test_a_party_that_the_case_knows_is_taken_by_its_mask(stage: Stage) -> None:
    """The form begins with it; nobody's name is shown for the asking."""
    id_ = new_case(stage)
    form = stage.browse("officer").form(f"/admin/case/step/?id={id_}&step=mediate")
    assert (form["party_a"], form["party_b"]) == ("李*", "")
    take(stage, id_, "mediate", party_a="李*", party_b=B)
    assert only(stage, id_).party_a == "李四"


def test_any_number_of_sessions_is_counted_by_itself(stage: Stage) -> None:
    id_ = begun(stage)
    volunteers = [stage.inside["volunteer"], stage.add("volunteer", name="高兴", is_mediator=False)]
    take(
        stage,
        id_,
        "session",
        attending=models.Attending.ONE,
        officer=stage.inside["officer"],
        community_names="吴敏、 王  芳,吴敏",
        volunteer=volunteers[0],
        second_volunteer=volunteers[1],
        mediator_names="老金",
    )
    take(stage, id_, "session", who="office", attending=models.Attending.OTHER)
    take(stage, id_, "session")
    with lacks("officer"):
        take(stage, id_, "session", community_names=None)
    with lacks("held_at"):
        take(stage, id_, "session", held_at=now() + timedelta(1))
    with stage.session() as session:
        held = session.scalars(sa.select(MediationSession).order_by(MediationSession.id.desc()).limit(3)).all()[::-1]
        assert [one.session_no for one in held] == [1, 2, 3]
        members = session.scalars(sa.select(MediationMember).where(MediationMember.session_id == held[0].id)).all()
        assert [(one.force, one.name) for one in members] == [
            (Force.ENFORCEMENT, "沈建平"),
            (Force.MEDIATOR, "周阿姨"),
            (Force.VOLUNTEER, "高兴"),
            (Force.COMMUNITY, "吴敏"),
            (Force.COMMUNITY, "王芳"),
            (Force.MEDIATOR, "老金"),
        ]
        for n in (4, 5):
            session.add(MediationSession(mediation_id=held[0].mediation_id, minutes=f"补记{n}"))
        session.flush()
        numbers = sa.select(MediationSession.session_no).where(MediationSession.mediation_id == held[0].mediation_id)
        assert sorted(session.scalars(numbers)) == [1, 2, 3, 4, 5]


def test_the_events_of_a_mediation_name_no_party(stage: Stage) -> None:
    """They are kept for ever, and read by whoever sees the case."""
    id_ = new_case(stage)
    take(stage, id_, "mediate", party_a=A, party_b=B, reason=f"{A}与{B}各执一词")
    take(stage, id_, "end_mediation", ending=Ending.FAILED, ended_by=EndedBy.PARTY_B, remedies=f"{A}可起诉")
    with stage.session() as session:
        said = {event.step: event.opinion for event in steps.history(session, id_)}
    assert (said["mediate"], said["end_mediation"]) == ("甲方与乙方各执一词", "甲方可起诉")


@pytest.mark.parametrize("by", EndedBy)
def test_either_party_may_end_it_and_is_told_what_remains(stage: Stage, by: EndedBy) -> None:
    id_ = begun(stage)
    with lacks("ended_by", "remedies"):
        take(stage, id_, "end_mediation", ending=Ending.FAILED)
    case = take(stage, id_, "end_mediation", ending=Ending.FAILED, ended_by=by, remedies="可向法院起诉")
    assert case.status is S.HANDLING
    made = only(stage, id_)
    assert (made.status, made.ended_by, made.remedies) == (MediationStatus.FAILED, by, "可向法院起诉")
    assert (made.agreement, made.performance) == (None, None)
    assert made.ended_at is not None
    with lacks("performance"):
        take(stage, id_, "perform")
    with lacks("outcome"):
        take(stage, id_, "handle", outcome=models.Outcome.MEDIATED)
    assert take(stage, id_, "mediate").status is S.MEDIATING, "it can be tried again"


def test_an_agreement_is_reached_in_a_session(stage: Stage) -> None:
    id_ = begun(stage)
    given = {"ending": Ending.AGREED, "agreement": "移机", "agreement_form": models.AgreementForm.ORAL}
    with lacks("ending"), steps.acting(stage, "officer") as session:
        workflow.take(session, session.get_one(Case, id_), "end_mediation", {**given, "perform_by": today()})
    take(stage, id_, "session", attending=models.Attending.ONE)
    assert take(stage, id_, "end_mediation", **given).status is S.HANDLING


def test_an_agreement_has_its_day_and_is_followed_up_before_the_case_is_handled(stage: Stage) -> None:
    id_ = begun(stage)
    with lacks("agreement", "agreement_form", "perform_by"):
        take(stage, id_, "end_mediation", agreement=None, agreement_form=None, perform_by=None)
    take(stage, id_, "end_mediation", perform_by=today() + timedelta(7))
    assert only(stage, id_).performance is models.Performance.PENDING
    mediated = {"outcome": models.Outcome.MEDIATED}
    with lacks("outcome"):
        take(stage, id_, "handle", **mediated)
    with lacks("followed_on"):
        take(stage, id_, "perform", followed_on=today() + timedelta(1))
    take(stage, id_, "perform")
    made = only(stage, id_)
    assert (made.performance, made.followed_on, made.follow_up) == (
        models.Performance.PERFORMED,
        today(),
        "外机已移位",
    )
    assert take(stage, id_, "handle", **mediated).outcome is models.Outcome.MEDIATED


def test_a_breach_can_become_a_case(stage: Stage) -> None:
    id_ = agreed(stage)
    with lacks("new_case"):
        take(stage, id_, "perform", new_case=True)
    for _time in range(2):
        with using_locale("en"):
            take(stage, id_, "perform", performance=FollowUpResult.BREACHED, follow_up="未移机", new_case=True)
    with lacks("outcome"):
        take(stage, id_, "handle", outcome=models.Outcome.MEDIATED)
    made = only(stage, id_)
    assert made.breach_case_id is not None
    with stage.session() as session:
        case, old = session.get_one(Case, made.breach_case_id), session.get_one(Case, id_)
        assert case.status is S.REPORTED
        assert (case.community_id, case.place) == (old.community_id, old.place)
        assert made.mediation_no in case.description
        assert "协议" in case.description
        assert not {A, B} & set(re.findall(r"\w+", case.description))
        parties = session.scalars(sa.select(models.CaseParty).where(models.CaseParty.case_id == case.id)).all()
        assert [(party.name, party.phone[-4:]) for party in parties] == [("李四", "0000")]
        assert session.scalar(sa.select(sa.func.count()).where(Case.description == case.description)) == 1


def test_a_voided_case_is_not_in_mediation_any_more(stage: Stage) -> None:
    id_ = begun(stage)
    take(stage, id_, "void", who="leader")
    assert only(stage, id_).status is MediationStatus.FAILED


def test_who_does_not_begin_or_end_it(stage: Stage) -> None:
    id_ = new_case(stage)
    for who in ("leader", "liaison", "viewer"):
        with pytest.raises(StepNotAllowed):
            take(stage, id_, "mediate", who=who)


def test_the_events_name_nobody(stage: Stage) -> None:
    id_ = agreed(stage)
    take(stage, id_, "perform", follow_up=f"{A}说已移位")
    with stage.session() as session:
        found = steps.history(session, id_)
        assert [event.step for event in found][-4:] == [
            "mediate",
            "end_mediation",
            "ask_performance",
            "perform",
        ]
        assert events.verify(found) is None
        for event in found:
            assert not any(name in f"{event.opinion}{event.payload}" for name in (A, B, "外机移至南侧"))


def test_what_is_written_of_it_calls_the_parties_by_their_part(stage: Stage) -> None:
    """Below every view: their names are kept in one place, and masked there."""
    id_ = new_case(stage)
    take(stage, id_, "mediate", party_a=A, party_b=B, dispute=f"{A}与{B}因外机起争执")
    take(stage, id_, "session", minutes=f"{A[:2]} {A[2:]}要求移机")
    take(stage, id_, "end_mediation", agreement=f"{B}移机")
    take(stage, id_, "perform", follow_up=f"{A}无异议")
    made = only(stage, id_)
    assert (made.dispute, made.agreement, made.follow_up) == ("甲方与乙方因外机起争执", "乙方移机", "甲方无异议")
    with stage.session() as session:
        held = session.scalars(sa.select(MediationSession).where(MediationSession.mediation_id == made.id)).one()
        assert held.minutes == "甲方要求移机"
        held.minutes = f"{B}同意"
        session.flush()
        assert held.minutes == "乙方同意"
        for entry in session.scalars(sa.select(AuditEntry).where(AuditEntry.table_name.startswith("mediation"))):
            assert not any(name in str(entry.changes) for name in (A, B))


PAGES = ["/admin/mediation/?q=", "/admin/mediation/details/?id={id}", "/admin/mediation/paper/?paper=agreement&id={id}"]


@pytest.mark.parametrize("role", ["office", "leader", "officer", "liaison", "viewer"])
def test_the_parties_are_masked_for_everybody(stage: Stage, role: str) -> None:
    id_ = agreed(stage)
    made = only(stage, id_)
    with stage.session() as session:
        record = session.get_one(Mediation, made.id)
        record.dispute, record.agreement = "外机噪声", f"{B}移机，{A}配合，电话13712345678"
    for page in PAGES:
        answer = stage.browse(role).get(page.format(id=made.id))
        assert answer.status_code == 200
        text = html.unescape(answer.text)
        assert A not in text
        assert B not in text
        assert "欧*" in text
        assert "司*" in text
    paper = html.unescape(stage.browse(role).get(PAGES[2].format(id=made.id)).text)
    assert A not in paper
    assert B not in paper
    assert "13712345678" not in paper
    assert "乙方移机，甲方配合" in paper


def test_the_agreement_is_printed_in_clear_with_a_reason_on_record(stage: Stage) -> None:
    made = only(stage, agreed(stage))
    address = f"/admin/mediation/reveal/?id={made.id}&as=agreement"
    for role in ("liaison", "viewer"):
        assert stage.browse(role).get(address).status_code == 403
        assert stage.browse(role).post(address, {"reason": "看看"}).status_code == 403
    officer = stage.browse("officer")
    assert officer.post(address, {"reason": " "}).status_code == 422
    paper = officer.post(address, {"reason": "双方签字"})
    assert paper.status_code == 200
    text = html.unescape(paper.text)
    assert A in text
    assert B in text
    assert "和解协议" in text
    with stage.session() as session:
        noted = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.table_name == "mediation", AuditEntry.note != "")
        )
        assert [(entry.record_id, entry.note) for entry in noted if entry.action == "reveal"] == [(made.id, "双方签字")]
    assert A not in officer.get(f"/admin/mediation/paper/?paper=agreement&id={made.id}").text
    running = only(stage, begun(stage))
    assert officer.get(f"/admin/mediation/paper/?paper=agreement&id={running.id}").status_code == 404
    assert (
        stage.browse("officer")
        .get(f"/admin/mediation/paper/?paper=agreement&id={stage.outside['mediation']}")
        .status_code
        == 404
    )


def test_the_page_of_a_mediation_tells_its_sessions_and_what_comes_next(stage: Stage) -> None:
    id_ = begun(stage)
    take(stage, id_, "session", minutes="甲方希望移机", attending=models.Attending.ONE)
    made = only(stage, id_)
    page = html.unescape(stage.browse("officer").get(f"/admin/mediation/details/?id={made.id}").text)
    for words in ("第 1 场", "甲方希望移机", "吴敏", "登记调解场次", "调解结束"):
        assert words in page, words
    assert "吴敏" not in stage.browse("liaison").get(f"/admin/mediation/details/?id={made.id}").text
    take(stage, id_, "end_mediation")
    page = html.unescape(stage.browse("officer").get(f"/admin/mediation/details/?id={made.id}").text)
    assert "协议回访" in page
    assert "登记调解场次" not in page


def test_the_case_page_says_what_comes_next(stage: Stage) -> None:
    """Mediation where the noise is within the limit; once agreed, the follow-up; a later valid measurement settles
    that an earlier one proved nothing."""
    id_ = new_case(stage, mediable=False)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        assert case.community is not None
        case.community.noise_zone = 2
    measured, agreed_on = "可转调解", "已达成协议"

    def page() -> str:
        return html.unescape(stage.browse("officer").get(f"/admin/case/details/?id={id_}").text)

    proves_nothing = {"case_id": id_, "instrument_until": date(2000, 1, 1)}
    stage.add("measurement", **proves_nothing, at=now() - timedelta(hours=2))
    assert "检定有效期" in page()
    stage.add("measurement", case_id=id_, at=now() - timedelta(hours=1), value=10, instrument_until=date(2099, 1, 1))
    assert "检定有效期" not in page()
    assert measured in page()
    take(stage, id_, "mediate")
    take(stage, id_, "end_mediation")
    assert measured not in page()
    assert agreed_on in page()
    take(stage, id_, "perform", performance=FollowUpResult.BREACHED, new_case=True)
    assert agreed_on not in page()
    with stage.session() as session:
        made = session.scalars(sa.select(Mediation).where(Mediation.case_id == id_)).one()
        assert made.breach_case is not None
        number = made.breach_case.case_no
    assert number in page()


def test_a_case_page_costs_little_however_much_was_recorded(growing: Stage) -> None:
    """Fifty events, five referrals, three sessions, twenty photos: few statements, whoever looks."""
    id_ = begun(growing)
    with growing.app.app_context():
        engine = growing.panel.db.engine
    for _n in range(3):
        take(growing, id_, "session")
    take(growing, id_, "end_mediation")
    with growing.session() as session:
        case = session.get_one(Case, id_)
        for n in range(5):
            department = models.Department(name=f"部门{n}")
            session.add(department)
            session.flush()
            session.add(
                models.Referral(case_id=id_, department_id=department.id, document_no=f"移{n}", request="请处理")
            )
        for n in range(45):
            events.append(session, case, "note", case.status, case.status, None, "测试", f"第{n}条")
        for n in range(20):
            picture = {"file_name": f"{n}.jpg", "media_type": "image/jpeg", "size": 1, "sha256": f"{n:064}"}
            picture["phase"] = models.AttachmentPhase.BEFORE
            session.add(models.Attachment(case_id=id_, added_by="测试", **picture))
    for _n in range(6):
        growing.add("measurement", case_id=id_, instrument_until=date(2000, 1, 1))
    for role in ("office", "officer", "leader", "liaison", "viewer"):
        browser = growing.browse(role)
        with factories.counted(engine) as sent:
            assert browser.get(f"/admin/case/details/?id={id_}").status_code == 200
        assert len(sent) <= 20, "\n".join(sent)


def test_what_others_have_asked_is_not_asked_twice(stage: Stage) -> None:
    """Whether a step is possible costs one statement for all of them."""
    id_ = new_case(stage, mediable=False)
    with steps.acting(stage, "officer") as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        known: dict[str, Any] = {}
        assert mediation.may_begin(session, case, known) is not None
        with factories.counted(session.get_bind()) as sent:  # type: ignore[arg-type]
            assert agreements.may_follow_up(session, case, known) is not None
        assert not sent
        assert {"mediate", "perform"}.isdisjoint(step.name for step in workflow.available(session, case))


def test_lists_say_where_and_what_about_and_lead_there(stage: Stage) -> None:
    """The lists of mediations and referrals show the place and the matter of the case, each a link; to the liaison no
    less, who reads the case."""
    made = only(stage, agreed(stage))
    with stage.session() as session:
        case = session.get_one(models.Case, made.case_id)
        case.place, community, item = "乌镇路 12 号", case.community, case.item
        assert item is not None
        names = (community.id, community.name, item.name)
    referred = stage.get("referral", stage.inside["referral"]).case_id
    for role in ("office", "liaison"):
        text = html.unescape(stage.browse(role).get("/admin/mediation/").text)
        place = rf'<a href="/admin/community/details/\?id={names[0]}">{names[1]}</a><span class="below">乌镇路 12 号'
        assert re.search(place, text)
        matter = rf'<a href="/admin/case/details/\?id={made.case_id}">.*?</a><span class="below">[^<]*{names[2]}'
        assert re.search(matter, text)
        shown = html.unescape(stage.browse(role).get("/admin/referral/").text)
        assert f'<a href="/admin/case/details/?id={referred}">' in shown
