"""The handover: what hangs on a person is listed and given to others in one act; nobody leaves without it."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from models import Case, CaseEvent, CaseStatus, Liaison, Officer, Visit
from panel.kinds import now, today
from panel.notify.records import Notice
from panel.security.accounts import User, UserRole
from panel.security.records import AuditEntry
from tests import factories
from tests.factories import ROLE_NAMES, Browser, Stage

MONDAY = date(2026, 7, 20)


@pytest.fixture
def office(stage: Stage) -> Stage:
    """The district with the visit of next Monday."""
    stage.put("visit", stage.inside["visit"], planned_on=MONDAY)
    return stage


def hand_over(stage: Stage, table: str, id_: int, role: str = "office", **values: Any) -> Any:
    """Post the form of the handover with the versions that it was opened with."""
    browser, person = stage.browse(role), f"{table}:{id_}"
    page = browser.get(f"/handover?person={person}").text
    versions = dict(re.findall(r'name="(\w+_version)" value="(\d+)"', page))
    texts = {"person": person, "begins": today().isoformat(), "reason": "调离", **versions, **values}
    return browser.post("/handover", texts)


def messages(answer: Any) -> str:
    notes = " ".join(re.findall(r'<div class="note [^"]*"[^>]*>(.*?)</div>', answer.text, re.S))
    return html.unescape(re.sub(r"\s+", " ", notes))


def edit(stage: Stage, table: str, id_: int, role: str = "office", **values: Any) -> Any:
    browser, address = stage.browse(role), f"/admin/{table}/edit/?id={id_}"
    version = re.search(r'name="version" value="(\d+)"', browser.get(address).text)
    assert version is not None
    return browser.post(address, {"version": version[1], **values})


def another_officer(stage: Stage, name: str = "顾新", **values: Any) -> int:
    with stage.session() as session:
        officer = Officer(name=name, squad_id=stage.inside["squad"], **values)
        session.add(officer)
        session.flush()
        return officer.id


def last_event(stage: Stage, case: int) -> Any:
    with stage.session() as session:
        newest = sa.select(CaseEvent).where(CaseEvent.case_id == case).order_by(CaseEvent.seq.desc()).limit(1)
        return session.execute(newest).scalar_one()


@pytest.mark.database
def test_a_liaison_hands_over_to_a_new_one_in_one_act(office: Stage) -> None:
    old, case = office.inside["liaison"], office.inside["case"]
    refused = edit(office, "liaison", old, end_on="2026-07-01")
    assert refused.status_code == 422
    assert "胡秀珍名下还有：未结案件 1、待访走访 1，请先办理交接。" in messages(refused)
    assert f'href="/handover?person=liaison:{old}"' in messages(refused)
    assert office.get("liaison", old).end_on is None
    assert f"/handover?person=liaison:{old}" in html.unescape(
        office.browse("office").get(f"/admin/liaison/details/?id={old}").text
    )
    page = office.browse("office").get(f"/handover?person=liaison:{old}").text
    assert office.get("case", case).case_no in page
    values = {"new.name": "李敏", "new.mobile": "13611112222", "liaison_account": "1"}
    answer = hand_over(office, "liaison", old, **values)
    assert answer.status_code == 302, messages(answer)
    with office.session() as session:
        left = session.get_one(Liaison, old)
        new = session.execute(sa.select(Liaison).where(Liaison.name == "李敏")).scalar_one()
        assert (left.end_on, new.start_on, new.end_on) == (today() - timedelta(days=1), today(), None)
        assert new.mobile == "13611112222"
        assert session.get_one(Case, case).liaison_id == new.id
        assert session.get_one(Visit, office.inside["visit"]).liaison_id == new.id
        assert session.get_one(User, office.district.users["liaison"]).active is False
        where = (AuditEntry.table_name == "liaison", AuditEntry.record_id == old)
        notes = session.execute(sa.select(AuditEntry.note).where(*where)).scalars().all()
        assert "移交给李敏，最后在任日 2026-07-14：未结案件 1、待访走访 1。调离" in notes
    event = last_event(office, case)
    assert (event.step, event.actor_name, event.from_status) == ("handover", "office", event.to_status)
    assert event.opinion == "社区联络员：胡秀珍 → 李敏；调离"
    assert "工作移交" in office.browse("office").get(f"/admin/case/details/?id={case}").text
    person = office.browse("office").get(f"/admin/liaison/details/?id={old}").text
    assert "已停用" in person


@pytest.mark.database
def test_an_officer_hands_over_by_community_kind_and_to_one_for_the_rest(office: Stage) -> None:
    old, second = office.inside["officer"], office.inside["second_officer"]
    taker, third = another_officer(office), another_officer(office, "钱明")
    with office.session() as session:
        session.delete(session.get_one(models.Assignment, office.outside["assignment"]))
        session.flush()
        session.add(models.Assignment(community_id=office.outside["community"], officer_id=old, start_on=today()))
    refused = edit(office, "officer", old, active="0")
    assert "沈建平名下还有：未结案件（主办） 1、联居派驻 2、待访走访 1，请先办理交接。" in messages(refused)
    unnamed = hand_over(office, "officer", old, retire="1", **{"kind.lead": str(second)})
    assert unnamed.status_code == 422
    assert "请选择接手人：联居派驻 2。" in messages(unnamed)
    assert office.get("case", office.inside["case"]).lead_officer_id == old
    answer = hand_over(
        office,
        "officer",
        old,
        taker=str(taker),
        retire="1",
        officer_account="1",
        **{"kind.lead": str(second), f"at.{office.outside['community']}": str(third)},
    )
    assert answer.status_code == 302, messages(answer)
    case = office.get("case", office.inside["case"])
    assert (case.lead_officer_id, case.handler_id) == (second, second)
    assert last_event(office, case.id).opinion == "主办队员：沈建平 → 沈大海；调离"
    assert office.get("visit", office.inside["visit"]).officer_id == taker
    assert office.get("officer", old).active is False
    assert office.get("user", office.district.users["officer"]).active is False
    with office.session() as session:
        terms = session.execute(
            sa.select(models.Assignment).where(models.Assignment.officer_id.in_([old, taker, third]))
        ).scalars()
        found = {(t.community_id, t.officer_id): (t.start_on, t.end_on) for t in terms}
    assert found == {
        (office.inside["community"], old): (date(2025, 1, 6), date(2026, 7, 14)),
        (office.inside["community"], taker): (date(2026, 7, 15), None),
        # It begins on the day of the handover, so that it was never the other's.
        (office.outside["community"], third): (date(2026, 7, 15), None),
    }


def test_the_people_of_a_community_are_replaced_together(office: Stage) -> None:
    taker, community = another_officer(office), office.inside["community"]
    nobody = hand_over(office, "community", community)
    assert "请填写接任联络员，或选择接手队员。" in messages(nobody)
    answer = hand_over(office, "community", community, taker=str(taker), **{"new.name": "李敏"})
    assert answer.status_code == 302, messages(answer)
    case = office.get("case", office.inside["case"])
    assert (case.lead_officer_id, case.handler_id) == (taker, office.inside["second_officer"])
    assert office.get("liaison", case.liaison_id).name == "李敏"
    assert office.get("officer", office.inside["officer"]).active is True
    visit = office.get("visit", office.inside["visit"])
    assert (visit.officer_id, visit.liaison_id) == (taker, case.liaison_id)


def test_a_vacant_post_keeps_its_cases_for_the_next_liaison(office: Stage) -> None:
    old, case = office.inside["liaison"], office.inside["case"]
    assert "请填写接任联络员" in messages(hand_over(office, "liaison", old))
    assert hand_over(office, "liaison", old, vacant="1").status_code == 302
    assert office.get("case", case).liaison_id is None
    assert last_event(office, case).opinion == "社区联络员：胡秀珍 → 无；调离"
    new = {"name": "李敏", "community": str(office.inside["community"]), "start_on": today().isoformat()}
    assert office.browse("office").post("/admin/liaison/new/", new).status_code == 302
    liaison = office.get("case", case).liaison_id
    assert liaison is not None
    assert office.get("liaison", liaison).name == "李敏"


def test_cases_whose_liaison_is_to_be_told_are_a_kind_of_their_own(office: Stage) -> None:
    """Those to be fed back, and those merged into an open one; what has ended stays with whoever it was."""
    old, case = office.inside["liaison"], office.inside["case"]
    ids = {name: office.add("case", liaison_id=old) for name in ("merged", "closed", "orphan")}
    office.put("case", case, status=CaseStatus.VERIFIED)
    office.put("case", ids["merged"], status=CaseStatus.MERGED, master_id=case)
    office.put("case", ids["closed"], status=CaseStatus.CLOSED, closed_at=now(), historic=True)
    office.put("case", ids["orphan"], status=CaseStatus.MERGED, master_id=ids["closed"])
    assert "待反馈案件" in office.browse("office").get(f"/handover?person=liaison:{old}").text
    assert hand_over(office, "liaison", old, **{"new.name": "李敏"}).status_code == 302
    liaisons = {name: office.get("case", id_).liaison_id for name, id_ in {**ids, "case": case}.items()}
    assert liaisons["closed"] == liaisons["orphan"] == old
    assert liaisons["merged"] == liaisons["case"] != old


def test_what_hangs_on_somebody_who_left_long_ago_is_listed_and_given_to_whoever_followed(office: Stage) -> None:
    old, case = office.inside["liaison"], office.inside["case"]
    office.put("liaison", old, end_on=date(2026, 3, 1))
    with office.session() as session:
        community = office.inside["community"]
        new = Liaison(name="李敏", community_id=community, start_on=date(2026, 3, 2))
        session.add(new)
        session.flush()
    page = office.browse("office").get("/handover").text
    assert "胡秀珍" in page
    assert "未结案件 1" in page
    assert "尚未交接" in office.browse("office").get(f"/admin/liaison/details/?id={old}").text
    assert hand_over(office, "liaison", old).status_code == 302
    assert office.get("case", case).liaison_id == new.id
    assert office.get("liaison", old).end_on == date(2026, 3, 1)
    office.browse("office").get("/")
    assert "未结案件 1" not in office.browse("office").get("/handover").text


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role != "office"])
def test_the_office_alone_hands_over(standing: Stage, role: str) -> None:
    person = f"liaison:{standing.inside['liaison']}"
    browser = standing.browse(role)
    assert browser.get(f"/handover?person={person}").status_code == 403
    assert browser.post("/handover", {"person": person, "reason": "x", "new.name": "李敏"}).status_code == 403
    assert browser.post("/handover/account", {"person": person}).status_code == 403
    assert standing.get("liaison", standing.inside["liaison"]).end_on is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"begins": "2026-07-16"}, "接手日期不能晚于今天"),
        ({"begins": "2025-09-03"}, "胡秀珍自 2025-09-03 起任职"),
        ({"begins": "昨天吧"}, ""),
        ({"reason": " "}, "必填"),
        ({"new.name": ""}, "请填写接任联络员"),
        ({"new.mobile": "1380000"}, "手机"),
        ({"vacant": "1"}, "只能选填一项"),
        ({"liaison_version": "99"}, "期间有人修改了其中的记录"),
        ({"liaison_version": "x"}, "期间有人修改了其中的记录"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    standing: Stage, values: dict[str, str], sentence: str
) -> None:
    before = standing.get("liaison", standing.inside["liaison"]).version
    answer = hand_over(standing, "liaison", standing.inside["liaison"], **{"new.name": "李敏", **values})
    assert answer.status_code == 422
    assert sentence in messages(answer)
    assert standing.get("liaison", standing.inside["liaison"]).version == before


@pytest.mark.parametrize("taker", ["gone", "self", "999999", "x"])
def test_nobody_takes_over_who_can_not(stage: Stage, taker: str) -> None:
    ids = {"gone": another_officer(stage, "退休人员", active=False), "self": stage.inside["officer"]}
    answer = hand_over(stage, "officer", stage.inside["officer"], taker=str(ids.get(taker, taker)))
    assert answer.status_code == 422
    assert stage.get("case", stage.inside["case"]).lead_officer_id == stage.inside["officer"]


@pytest.mark.parametrize("person", ["liaison:999999", "liaison:x", "street:1", "liaison", "x"])
def test_an_unknown_person_is_not_found(standing: Stage, person: str) -> None:
    assert standing.browse("office").get(f"/handover?person={person}").status_code == 404


def test_an_account_stays_while_something_hangs_on_its_person(stage: Stage) -> None:
    user = stage.district.users["officer"]
    refused = edit(stage, "user", user, "administrator", active="0")
    assert refused.status_code == 422
    assert "沈建平名下还有未交接的事项，请联系内勤先办理交接。" in messages(refused)
    assert "未结案件" not in refused.text
    assert stage.get("user", user).active is True
    taker = another_officer(stage)
    assert (
        hand_over(stage, "officer", stage.inside["officer"], taker=str(taker), officer_account="0").status_code == 302
    )
    assert edit(stage, "user", user, "administrator", active="0").status_code == 302
    assert stage.get("user", user).active is False


def test_the_look_ups_of_the_first_page_find_who_left_and_what_is_closed(stage: Stage) -> None:
    """What hangs on them is handed over all the same."""
    place, person, officer = (stage.inside[table] for table in ("community", "liaison", "officer"))
    with stage.session() as session:
        for table, values in (
            (models.Community, {"id": place, "status": models.CommunityStatus.CLOSED}),
            (Liaison, {"id": person, "end_on": today() - timedelta(days=1)}),
            (Officer, {"id": officer, "active": False}),
        ):
            session.execute(sa.update(table).where(table.id == values["id"]).values(values))
    browser = stage.browse("office")
    looked_up = re.findall(r'data-url="([^"]+)"', browser.get("/handover").text)
    offered = [{row[0] for row in browser.get(html.unescape(url)).json} for url in looked_up]
    assert [id_ in ids for id_, ids in zip((officer, person, place), offered, strict=True)] == [True] * 3
    page = browser.get(f"/handover?person=community:{place}").text
    assert stage.get("case", stage.inside["case"]).case_no in page
    nobody = browser.get(f"/handover?person=community:{stage.outside['community']}").text
    assert 'name="begins"' in nobody
    with stage.session() as session:
        for model in (Liaison, models.Assignment):
            ended = sa.update(model).where(model.community_id == stage.outside["community"])
            session.execute(ended.values(end_on=today() - timedelta(days=1)))
    nobody = browser.get(f"/handover?person=community:{stage.outside['community']}").text
    assert 'name="begins"' not in nobody
    assert "请先在名册中新增联络员" in nobody
    with stage.session() as session:
        before = Liaison(name="陈静", community_id=place, start_on=date(2024, 1, 1), end_on=date(2025, 1, 1))
        session.add(before)
        session.flush()
        gone = before.id
    over = browser.get(f"/handover?person=liaison:{gone}").text
    assert 'name="begins"' not in over
    assert "已离任，名下没有需要交接的事项" in over


def test_a_liaison_does_not_go_to_another_community_with_what_hangs_on_them(stage: Stage) -> None:
    old, other = stage.inside["liaison"], stage.add("community", name="新社区")
    refused = edit(stage, "liaison", old, community=str(other))
    assert "请先办理交接" in messages(refused)
    assert stage.get("liaison", old).community_id == stage.inside["community"]


def test_whoever_left_is_offered_to_have_their_account_deactivated(stage: Stage) -> None:
    old, browser = stage.inside["liaison"], stage.browse("office")
    browser.post("/handover/account", {"person": f"liaison:{old}"})
    assert stage.get("user", stage.district.users["liaison"]).active is True
    assert hand_over(stage, "liaison", old, **{"new.name": "李敏", "liaison_account": "0"}).status_code == 302
    page = browser.get(f"/admin/liaison/details/?id={old}").text
    assert "已离任，账号仍可登录" in page
    assert "停用账号" in page
    assert f'name="person" value="liaison:{old}"' in browser.get("/handover").text
    browser.post("/handover/account", {"person": [f"liaison:{old}", "liaison:x", "street:1", ""]})
    assert f'value="liaison:{old}"' not in browser.get("/handover").text
    assert stage.get("user", stage.district.users["liaison"]).active is False
    assert "账号仍可登录" not in browser.get(f"/admin/liaison/details/?id={old}").text


def test_notices_go_to_whoever_takes_over_who_is_told(office: Stage) -> None:
    with office.session() as session:
        taker = factories.account(session, office.panel, "gu", "officer").id
    officer = another_officer(office, user_id=taker)
    about = {"table_name": "case", "record_id": office.inside["case"]}
    with office.session() as session:
        for owner, mark in (
            (office.district.users["officer"], "a"),
            (office.district.users["officer"], "b"),
            (taker, "b"),
        ):
            session.add(Notice(owner_id=owner, kind="assigned", mark=mark, **about))
    assert hand_over(office, "officer", office.inside["officer"], taker=str(officer)).status_code == 302
    with office.session() as session:
        both = [taker, office.district.users["officer"]]
        chosen = (Notice.owner_id.in_(both), Notice.kind != "reported")
        rows = session.execute(sa.select(Notice.owner_id, Notice.kind).where(*chosen)).all()
    assert sorted(rows) == sorted([(taker, "assigned"), (taker, "assigned"), (taker, "handed_over")])
    assert "工作移交给您" in office.browse("gu").get("/notices/").text


def test_requests_that_only_one_leader_can_decide_go_to_the_office(office: Stage) -> None:
    leader, case = office.inside["second_officer"], office.inside["case"]
    with office.session() as session:
        request = models.DeadlineChange(case_id=case, kind=models.ChangeKind.EXTENSION, reason="等待部门", days=1)
        session.add(request)
        session.flush()
    office.put("case", case, handler_id=office.inside["officer"])
    taker = another_officer(office)
    page = office.browse("office").get(f"/handover?person=officer:{leader}").text
    assert "待审批申请" in page
    refused = edit(office, "officer", leader, active="0")
    assert "沈大海名下还有：待审批申请 1，请先办理交接。" in messages(refused)
    assert edit(office, "user", office.district.users["leader"], "administrator", active="0").status_code == 422
    assert hand_over(office, "officer", leader, taker=str(taker), retire="1").status_code == 302
    assert office.get("deadlinechange", request.id).for_office is True


def test_requests_stay_with_a_squad_that_has_another_leader(office: Stage) -> None:
    leader, case = office.inside["second_officer"], office.inside["case"]
    with office.session() as session:
        other = factories.account(session, office.panel, "gu", "leader").id
        request = models.DeadlineChange(case_id=case, kind=models.ChangeKind.EXTENSION, reason="等待部门", days=1)
        session.add(request)
        session.flush()
        assert session.execute(sa.select(UserRole.role).where(UserRole.user_id == other)).scalar_one() == "leader"
    taker = another_officer(office, user_id=other)
    assert "待审批申请" not in office.browse("office").get(f"/handover?person=officer:{leader}").text
    assert hand_over(office, "officer", leader, taker=str(taker), retire="1").status_code == 302
    assert office.get("deadlinechange", request.id).for_office is False


def test_the_page_costs_the_same_however_much_hangs_on_somebody(growing: Stage) -> None:
    browser = growing.browse("office")
    with growing.app.app_context():
        engine = growing.panel.db.engine
    costs = []
    for more in (2, 12):
        held = []
        with growing.session() as session:
            for _n in range(more):
                factories.another(session, "case", growing.inside, lead_officer_id=growing.inside["officer"])
                user = factories.another(session, "user", growing.inside).id
                gone = factories.another(session, "liaison", growing.inside, user_id=user).id
                held.append((factories.another(session, "case", growing.inside).id, gone))
        for case, gone in held:
            growing.put("case", case, liaison_id=gone)
        for person in ("officer", "liaison", "community", ""):
            about = f"person={person}:{growing.inside[person]}" if person else ""
            with factories.counted(engine) as sent:
                assert browser.get(f"/handover?{about}").status_code == 200
            costs.append((person, len(sent)))
    assert costs[:4] == costs[4:]


@pytest.mark.database
def test_a_new_office_without_demo_hands_over_by_its_pages_alone(app: Any) -> None:
    """From `setup` alone: a liaison and an officer of the office's own, replaced by its pages."""
    panel = app.extensions["panel"]
    with app.app_context(), panel.system_session() as session:
        factories.account(session, panel, "office", "office")
    browser = Browser(app)
    assert browser.log_in("office").status_code == 302
    browser.post("/admin/street/new/", {"name": "城东街道"})
    browser.post("/admin/squad/new/", {"name": "南湖分队", "is_pilot": "1"})
    browser.post("/admin/community/new/", {"name": "东栅社区", "street": "1", "squad": "1", "status": "active"})
    browser.post("/admin/liaison/new/", {"name": "胡秀珍", "community": "1", "start_on": "2026-01-05"})
    for name in ("沈建平", "顾新"):
        browser.post("/admin/officer/new/", {"name": name, "squad": "1", "kind": "officer", "active": "1"})
    browser.post("/admin/assignment/new/", {"community": "1", "officer": "1", "start_on": "2026-01-05"})
    page = browser.get("/handover?person=community:1").text
    assert "联居派驻" in page
    versions = dict(re.findall(r'name="(\w+_version)" value="(\d+)"', page))
    texts = {"person": "community:1", "begins": today().isoformat(), "reason": "轮岗", "new.name": "李敏", "taker": "2"}
    assert browser.post("/handover", {**texts, **versions}).status_code == 302
    with app.app_context(), panel.system_session() as session:
        terms = session.execute(sa.select(models.Assignment.officer_id, models.Assignment.end_on)).all()
        assert sorted(map(tuple, terms), key=str) == [(1, today() - timedelta(days=1)), (2, None)]
        names = session.execute(sa.select(Liaison.name, Liaison.end_on)).all()
        assert sorted(map(tuple, names)) == [("李敏", None), ("胡秀珍", today() - timedelta(days=1))]
    edited = browser.post("/admin/officer/edit/?id=1", {"version": "1", "active": "0"})
    assert edited.status_code == 302


def test_the_account_of_an_administrator_is_not_ended_by_a_handover(stage: Stage) -> None:
    """The office alone would switch off what two administrators decide about. Nothing at all is handed over."""
    user = stage.district.users["security"]
    stage.put("liaison", stage.inside["liaison"], user_id=user)
    values = {"new.name": "李敏", "new.mobile": "13611112222", "liaison_account": "1"}
    answer = hand_over(stage, "liaison", stage.inside["liaison"], **values)
    assert stage.get("user", user).active is True
    assert stage.get("liaison", stage.inside["liaison"]).end_on is None
    assert answer.status_code == 403
    assert "该账号属于管理员" in answer.text
