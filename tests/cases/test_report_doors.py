"""The rules of intake at every door: the form, its address as a generated form, an edit, an import, a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import models
from bureau.cases import intake
from bureau.cases.state import stepping
from models import Case, CaseParty, CaseStatus, Source
from panel.base import Base
from panel.kinds import ZONE, now, today
from panel.security.creation import RowRefused
from panel.store import bulk
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, table

FORM = {
    "place": "东塔路 3 幢",
    "description": "楼道里堆放杂物",
    "urgency": "normal",
    "source": "superior",
    "asked": "1",
}
DOORS = ("/report", "/admin/case/new/")
PEOPLE = ("office", "officer", "liaison")


def moment(days: float) -> str:
    return (now() + timedelta(days=days)).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def on_the_clock(given: dict[str, Any]) -> dict[str, str]:
    """Numbers of days from now as moments: parameters are made before the clock is set."""
    return {name: moment(value) if isinstance(value, int | float) else value for name, value in given.items()}


def post(stage: Stage, door: str, who: str, **given: Any) -> TestResponse:
    own = {"community": str(stage.inside["community"])} if who == "office" else {}
    return stage.browse(who).post(door, {**FORM, **own, **on_the_clock(given)})


#: What is wrong, at which field, and what makes it right.
WRONG = (
    ({"place": ""}, "place", {"place": "东塔路"}),
    ({"place": "   "}, "place", {"place": "东塔路"}),
    ({"reported_at": -31}, "reported_at", {"reported_at": -29}),
    ({"reported_at": 0.1}, "reported_at", {"reported_at": -0.1}),
)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("wrong", "field", "right"), WRONG)
def test_the_same_rules_for_every_role_and_address(
    standing: Stage, door: str, who: str, wrong: dict[str, Any], field: str, right: dict[str, Any]
) -> None:
    before = standing.count("case")
    refused = post(standing, door, who, **wrong)
    assert (refused.status_code, standing.count("case")) == (422, before)
    assert f'href="#f-{field}"' in refused.text
    assert post(standing, door, who, **right).status_code == 302
    assert standing.count("case") == before + 1


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("who", "source"), [("office", "resident"), ("office", "12345"), ("officer", "resident")])
def test_a_complaint_has_a_complainant_or_an_anonymous_one(standing: Stage, door: str, who: str, source: str) -> None:
    refused = post(standing, door, who, source=source)
    assert refused.status_code == 422
    assert "投诉件须填写投诉人姓名" in refused.text
    for given in ({"anonymous": "1"}, {"anonymous": "0", "name": "陈某某"}):
        made = post(standing, door, who, source=source, **given)
        assert made.status_code == 302
        with standing.session() as session:
            case = int(made.headers["Location"].partition("id=")[2])
            party = session.execute(sa.select(CaseParty).where(CaseParty.case_id == case)).scalar_one()
            assert (party.anonymous, party.name) == (given["anonymous"] == "1", given.get("name"))
    assert post(standing, door, who, source="superior").status_code == 302, "found otherwise, nobody complained"


@pytest.mark.parametrize("door", DOORS)
def test_no_result_comes_in_by_a_new_report(standing: Stage, door: str) -> None:
    """There is no such control, and what is posted nevertheless isn't taken."""
    page = standing.browse("office").get(door).text
    for name in ("outcome", "result", "quantity", "handler"):
        assert f'name="{name}"' not in page
    made = post(standing, door, "office", outcome="persuasion", result="已劝导")
    case = standing.get("case", int(made.headers["Location"].partition("id=")[2]))
    assert (case.outcome, case.result) == (None, None)


def test_every_role_has_its_word_for_it(standing: Stage) -> None:
    report, register = "上报案件", "登记案件"
    for who, word, other in (
        ("office", register, report),
        ("officer", report, register),
        ("liaison", report, register),
    ):
        for address in DOORS:
            page = standing.browse(who).get(address).text
            assert f'<button class="btn go">{word}</button>' in page
            assert other not in page
        assert other not in standing.browse(who).get("/admin/case/").text


# People who follow from the community.


def change(stage: Stage, model: type[Base], table: str, **values: Any) -> None:
    """Change a record below the rules about what hangs on a person: as in a database of long ago."""
    with stage.session() as session:
        session.execute(sa.update(model).where(model.id == stage.inside[table]).values(**values))


def ended(stage: Stage) -> tuple[int, int]:
    """A liaison of the community who has left, and an officer who is out of service."""
    with stage.session() as session:
        gone = models.Liaison(
            name="钱有福",
            community_id=stage.inside["community"],
            start_on=today() - timedelta(400),
            end_on=today() - timedelta(300),
        )
        out = models.Officer(name="孙卫国", squad_id=stage.inside["squad"], active=False)
        session.add_all([gone, out])
        session.flush()
        return gone.id, out.id


def test_liaison_and_officer_follow_from_the_community(stage: Stage) -> None:
    _gone, out = ended(stage)
    office = stage.browse("office")
    told = office.get(f"/report/people?community={stage.inside['community']}").json
    assert told["words"] == "联络员：胡秀珍；今日派驻队员：沈建平。"
    assert office.get("/report/people?community=999999").json == {"words": ""}
    offered = office.get("/admin/case/ajax/lookup/?name=lead_officer&query=").text
    assert "沈大海" in offered
    assert "孙卫国" not in offered
    liaison = stage.browse("liaison")
    assert "联络员：胡秀珍" in liaison.get("/report").text
    own = liaison.get(f"/report/people?community={stage.outside['community']}").json
    assert own == {"words": ""}
    assert stage.browse("viewer").get(f"/report/people?community={stage.inside['community']}").status_code == 403
    assert post(stage, "/report", "office", lead_officer=str(out)).status_code == 422
    made = post(stage, "/report", "office", lead_officer=str(stage.inside["second_officer"]))
    case = stage.get("case", int(made.headers["Location"].partition("id=")[2]))
    assert (case.liaison_id, case.lead_officer_id) == (stage.inside["liaison"], stage.inside["second_officer"])


def test_a_liaison_who_goes_later_is_still_the_liaison_and_one_who_comes_later_is_not_yet(stage: Stage) -> None:
    change(stage, models.Liaison, "liaison", end_on=today() + timedelta(3))
    with stage.session() as session:
        session.add(
            models.Liaison(name="新来的", community_id=stage.inside["community"], start_on=today() + timedelta(4))
        )
    made = post(stage, "/report", "office")
    case = stage.get("case", int(made.headers["Location"].partition("id=")[2]))
    assert case.liaison_id == stage.inside["liaison"]


def test_an_officer_out_of_service_leads_no_new_case(stage: Stage) -> None:
    change(stage, models.Officer, "officer", active=False)
    made = post(stage, "/report", "office")
    assert stage.get("case", int(made.headers["Location"].partition("id=")[2])).lead_officer_id is None


def test_a_liaison_who_has_left_reports_nothing_and_sees_nothing(stage: Stage) -> None:
    """The account stays, and with it nothing of the community."""
    browser, inside = stage.browse("liaison"), stage.inside["case"]
    assert browser.get(f"/admin/case/details/?id={inside}").status_code == 200
    change(stage, models.Liaison, "liaison", end_on=today() - timedelta(1))
    before = stage.count("case")
    assert browser.get(f"/admin/case/details/?id={inside}").status_code == 404
    assert "账号尚未关联社区" in browser.get("/report").text
    given = {"community": str(stage.inside["community"])}
    for door in DOORS:
        assert post(stage, door, "liaison", **given).status_code == 422
    assert browser.post("/report/known", {**FORM, **given}).json == {"cases": [], "elsewhere": ""}
    assert browser.get(f"/report/people?community={stage.inside['community']}").json["words"] == ""
    assert browser.get("/admin/case/ajax/lookup/?name=community&query=").json == []
    assert stage.count("case") == before


# The session itself, below any page.


def case_of(stage: Stage, **given: Any) -> Case:
    values = {"community_id": stage.inside["community"], "source": Source.PATROL, "place": "某路"}
    return Case(**{**values, "description": "某事", **given})


def register(session: Session, case: Case) -> None:
    intake.register(session, case, None, "测试")
    session.commit()


SESSION_WRONG: tuple[tuple[str, Callable[[Stage], dict[str, Any]], dict[str, Any]], ...] = (
    ("place", lambda _stage: {"place": None}, {}),
    ("reported_at", lambda _stage: {"reported_at": now() - timedelta(days=31)}, {"historic": True}),
    ("reported_at", lambda _stage: {"reported_at": now() + timedelta(hours=1)}, {"historic": True}),
    ("result", lambda _stage: {"result": "已办"}, {"historic": True}),
    ("outcome", lambda _stage: {"outcome": models.Outcome.PERSUASION}, {"historic": True}),
    ("liaison", lambda stage: {"liaison_id": ended(stage)[0]}, {"historic": True}),
    ("liaison", lambda stage: {"liaison_id": stage.outside["liaison"]}, {"historic": True}),
    ("lead_officer", lambda stage: {"lead_officer_id": ended(stage)[1]}, {"historic": True}),
    ("source", lambda _stage: {"source": Source.RESIDENT}, {"historic": True}),
)


@pytest.mark.database
@pytest.mark.parametrize(("field", "wrong", "right"), SESSION_WRONG)
def test_the_session_refuses_it_whoever_writes(
    stage: Stage, field: str, wrong: Callable[[Stage], dict[str, Any]], right: dict[str, Any]
) -> None:
    """Also the system itself, a command; an old ledger's case is exempt, or the value is right."""
    given, before = wrong(stage), stage.count("case")
    for roles in ((), ("office",)):
        with stage.acting(*roles) if roles else stage.session() as session:
            with pytest.raises(RowRefused) as refused:
                register(session, case_of(stage, **given))
            assert [name for name, _message in refused.value.problems] == [field]
            session.rollback()
    assert stage.count("case") == before
    with stage.session() as session:
        intake.register(session, case_of(stage, **({**given, **right} if right else {})), None, "测试")
    assert stage.count("case") == before + 1


@pytest.mark.database
def test_a_bulk_write_is_refused_too(stage: Stage) -> None:
    row = {
        "case_no": "NH-2026-900001",
        "community_id": stage.inside["community"],
        "source": Source.PATROL,
        "description": "某事",
        "status": CaseStatus.REPORTED,
        "place": None,
    }
    with stage.session() as session:
        with pytest.raises(RowRefused):
            bulk.add(session, Case, [row])
        session.rollback()
        assert bulk.add(session, Case, [row | {"place": "某路"}])


@pytest.mark.database
def test_a_closed_community_takes_no_report(stage: Stage) -> None:
    change(stage, models.Community, "community", status=models.CommunityStatus.CLOSED)
    with stage.session() as session:
        with pytest.raises(RowRefused):
            intake.register(session, case_of(stage), None, "测试")
        session.rollback()
    for door in DOORS:
        assert post(stage, door, "office").status_code == 422


# A case that is reported and not accepted yet is still at the door.


EDITS = (
    ({"place": ""}, {"place": "东塔路 5 号"}),
    ({"reported_at": 0.2}, {"reported_at": -0.2}),
    ({"reported_at": -40}, {"reported_at": -20}),
    ({"outcome": "persuasion"}, {}),
    ({"result": "已办"}, {}),
    ({"source": "resident"}, {"source": "superior"}),
)


@pytest.mark.parametrize(("wrong", "right"), EDITS)
def test_an_edit_before_acceptance_is_no_way_round(stage: Stage, wrong: dict[str, Any], right: dict[str, Any]) -> None:
    with stage.session() as session:
        case = case_of(stage)
        intake.register(session, case, None, "测试")
        id_ = case.id
    office, address = stage.browse("office"), f"/admin/case/edit/?id={id_}"
    assert office.post(address, office.form(address) | on_the_clock(wrong)).status_code == 422
    assert stage.get("case", id_).version == 1
    assert office.post(address, office.form(address) | on_the_clock(right)).status_code == 302


def test_what_an_edit_leaves_alone_is_not_asked_for(stage: Stage) -> None:
    """A report of long ago, without a place, whose liaison has left: its description can be mended."""
    id_ = stage.add("case")
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.place, case.reported_at, case.created_at = None, now() - timedelta(90), now() - timedelta(90)
    office, address = stage.browse("office"), f"/admin/case/edit/?id={id_}"
    assert office.post(address, office.form(address) | {"description": "改过的描述"}).status_code == 302


def test_after_acceptance_the_rules_of_intake_are_over(stage: Stage) -> None:
    id_ = stage.inside["case"]
    with stage.session() as session, stepping():
        session.get_one(Case, id_).status = CaseStatus.HANDLED
    office, address = stage.browse("office"), f"/admin/case/edit/?id={id_}"
    answer = office.post(address, office.form(address) | {"place": ""})
    assert "此项必填" not in answer.text


# The import of new reports.

LABELS = ("社区", "地点", "问题描述", "来源", "上报时间", "投诉人")
GOOD = ("东栅社区", "5 幢", "楼道堆物", "巡查发现", None, None)


@pytest.mark.database
@pytest.mark.parametrize(
    ("wrong", "column", "sentence"),
    [
        (("东栅社区", None, *GOOD[2:]), "地点", "This must be filled in."),
        ((*GOOD[:4], 0.5, None), "上报时间", "This time is still to come."),
        ((*GOOD[:3], "居民投诉", None, None), "投诉人", "A complaint needs its complainant"),
        ((*GOOD[:3], "12345", None, None), "投诉人", "A complaint needs its complainant"),
    ],
)
def test_an_import_of_new_reports_keeps_the_same_rules(
    stage: Stage, wrong: tuple[Any, ...], column: str, sentence: str
) -> None:
    office, before = Office(stage, "office"), stage.count("case")
    row = [moment(cell) if isinstance(cell, int | float) else cell for cell in wrong]
    plan = office.plan("case", table(LABELS, row))
    ((_row, where, said),) = errors(plan)
    assert where == column
    assert said.startswith(sentence)
    named = (*wrong[:4], None, "匿名")
    right = (*named[:1], "5 幢", *named[2:])
    assert counts(office.run("case", table(LABELS, right))) == {"new": 1}
    assert stage.count("case") == before + 1


def test_an_old_report_comes_in_as_historic(stage: Stage) -> None:
    office = Office(stage, "office")
    for days, historic in ((-31, True), (-29, False)):
        row = [moment(cell) if isinstance(cell, int | float) else cell for cell in (*GOOD[:4], days, None)]
        assert counts(office.run("case", table(LABELS, row))) == {"new": 1}
        with stage.session() as session:
            newest = session.scalars(sa.select(Case).order_by(Case.id.desc()).limit(1)).one()
        assert (newest.historic, newest.status) == (historic, CaseStatus.REPORTED)


@pytest.mark.database
def test_an_import_offers_nobody_who_has_left(stage: Stage) -> None:
    gone, out = ended(stage)
    labels = ("社区", "地点", "问题描述", "来源", "联络员", "主办队员")
    for name in ("钱有福", "孙卫国"):
        people = (name, None) if name == "钱有福" else (None, name)
        plan = Office(stage, "office").plan("case", table(labels, (*GOOD[:4], *people)))
        assert counts(plan) == {"failed": 1}, name
    with stage.session() as session:
        assert session.scalar(sa.select(sa.func.count(Case.id)).where(Case.liaison_id == gone)) == 0
        assert session.scalar(sa.select(sa.func.count(Case.id)).where(Case.lead_officer_id == out)) == 0
