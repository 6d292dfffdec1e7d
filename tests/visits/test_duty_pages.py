"""The Mondays on screen: who sees and does what over HTTP, the rota and the register as they are printed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook

import models
from bureau.access.roles import ADMINISTRATOR, AUDITOR, LEADER, LIAISON, OFFICE, OFFICER, SECURITY, VIEWER
from bureau.visits import planning, visits
from models import CommunityStatus, SurveyKind, VisitStatus
from panel.jobs import periodic
from tests import factories
from tests.factories import ROLE_NAMES, Stage
from tests.visits.test_duty import MONDAY, WEEK, assign, at, keep, planned

TUESDAY = MONDAY + timedelta(1)


@pytest.fixture
def monday(stage: Stage) -> Iterator[int]:
    """The planned visit inside everybody's scope, at nine in the morning of its Monday; everybody is logged in."""
    keep(stage)
    with at(MONDAY):
        for role in ROLE_NAMES:
            stage.browse(role).log_in(role)
        yield planned(stage).id


@pytest.fixture
def strange(stage: Stage, monday: int) -> int:
    """A visit outside the scope of those who have one."""
    with stage.session() as session:
        return factories.another(session, "visit", stage.outside).id


PAGES = {
    "/duty": {OFFICER},
    "/duty/week": {OFFICE, LEADER, VIEWER},
    "/duty/rota": {OFFICE, LEADER, OFFICER, LIAISON, VIEWER},
    "/duty/rota/file": {OFFICE, LEADER},
    "/registers?name=visits": {OFFICE, LEADER},
    "/duty/{id}": {OFFICE, LEADER, OFFICER, LIAISON, VIEWER},
}


@pytest.mark.usefixtures("monday")
def test_each_page_opens_for_those_it_is_for(stage: Stage, monday: int) -> None:
    for address, roles in PAGES.items():
        for role in ROLE_NAMES:
            found = stage.browse(role).get(address.format(id=monday)).status_code
            assert (found == 200) is (role in roles), (address, role, found)
            assert found in (200, 403, 404)


def test_a_visit_outside_the_scope_does_not_exist(stage: Stage, strange: int) -> None:
    for role in (LEADER, OFFICER, LIAISON, ADMINISTRATOR, SECURITY, AUDITOR):
        browser = stage.browse(role)
        assert browser.get(f"/duty/{strange}").status_code == 404
        for act in ("arrive", "leave", "notes", "survey", "case", "excuse", "expect"):
            assert browser.post(f"/duty/{strange}/{act}").status_code == 404, (role, act)


@pytest.mark.parametrize("role", [OFFICE, LEADER, OFFICER, LIAISON, VIEWER])
def test_who_may_check_in_and_who_may_excuse(stage: Stage, monday: int, role: str) -> None:
    browser = stage.browse(role)
    answer = browser.post(f"/duty/{monday}/excuse", {"excuse": "台风预警"})
    assert answer.status_code == (302 if role in (OFFICE, LEADER) else 422)
    if answer.status_code == 302:
        assert browser.post(f"/duty/{monday}/arrive").status_code == 422
        assert browser.post(f"/duty/{monday}/expect").status_code == 302
    answer = browser.post(f"/duty/{monday}/arrive")
    assert answer.status_code == (302 if role in (OFFICE, LEADER, OFFICER) else 422)
    held = planned(stage).status is VisitStatus.DONE
    assert held is (role in (OFFICE, LEADER, OFFICER))


def test_a_form_without_its_token_does_nothing(stage: Stage, monday: int) -> None:
    answer = stage.browse(OFFICER).client.post(f"/duty/{monday}/arrive")
    assert answer.status_code == 400
    assert planned(stage).status is VisitStatus.PLANNED


def test_two_taps_hold_a_visit(stage: Stage, monday: int) -> None:
    browser = stage.browse(OFFICER)
    page = browser.get("/duty").text
    assert f'action="/duty/{monday}/arrive"' in page
    browser.post(f"/duty/{monday}/arrive")
    assert f'action="/duty/{monday}/leave"' in browser.get("/duty").text
    with at(MONDAY, 9, 25):
        browser.post(f"/duty/{monday}/leave")
    visit = planned(stage)
    assert visit.left_at is not None
    assert visit.arrived_at is not None
    assert visit.left_at - visit.arrived_at == timedelta(minutes=25)


def test_what_another_has_written_meanwhile_is_kept_and_so_is_what_one_typed(stage: Stage, monday: int) -> None:
    browser = stage.browse(OFFICER)
    browser.post(f"/duty/{monday}/arrive")
    version = planned(stage).version
    assert browser.post(f"/duty/{monday}/notes", {"content": "走访商铺", "version": str(version)}).status_code == 302
    late = {"content": "别的内容", "version": str(version)}
    answer = stage.browse(LEADER).post(f"/duty/{monday}/notes", late)
    assert answer.status_code == 422
    assert "别的内容" in answer.text
    assert str(visits.CHANGED_MEANWHILE) in html.unescape(answer.text)
    assert planned(stage).content == "走访商铺"


def test_from_survey_to_case_over_the_pages(stage: Stage, monday: int) -> None:
    browser = stage.browse(OFFICER)
    browser.post(f"/duty/{monday}/arrive")
    row = {"kind": "poultry", "address": "东塔路 9 号", "subject": "王小五", "quantity": "3"}
    assert browser.post(f"/duty/{monday}/survey", row).status_code == 302
    assert browser.post(f"/duty/{monday}/survey", {**row, "address": ""}).status_code == 422
    page = browser.get(f"/duty/{monday}").text
    assert "王小五" not in page
    found = re.search(rf"/duty/{monday}/survey/(\d+)/case", page)
    assert found is not None
    standing = stage.inside["surveyentry"]
    assert browser.post(f"/duty/{monday}/survey/{standing}/confirm").status_code == 302
    assert stage.get("surveyentry", standing).verified_on == MONDAY
    elsewhere = stage.outside["surveyentry"]
    assert browser.post(f"/duty/{monday}/survey/{elsewhere}/case").status_code == 404
    assert browser.post(found[0]).status_code == 302
    assert browser.post(found[0]).status_code == 422, "made once"
    page = browser.get(f"/duty/{monday}").text
    assert re.search(r"NH-2026-\d{6}", page)
    refused = browser.post(f"/duty/{monday}/case", {"place": "", "description": "雨棚"})
    assert refused.status_code == 422
    assert "雨棚" in refused.text


def test_a_finding_of_a_closed_community_is_refused_on_the_page(stage: Stage, monday: int) -> None:
    browser = stage.browse(OFFICER)
    browser.post(f"/duty/{monday}/arrive")
    stage.put("community", stage.inside["community"], status=CommunityStatus.CLOSED)
    answer = browser.post(f"/duty/{monday}/case", {"place": "东塔路 5 号", "description": "店外堆物"})
    assert answer.status_code == 422
    assert "店外堆物" in answer.text
    assert "东栅社区" in browser.complaints(answer.text)


def test_the_survey_of_a_visit_is_the_officers(stage: Stage, monday: int) -> None:
    stage.browse(OFFICER).post(f"/duty/{monday}/arrive")
    page = stage.browse(LIAISON).get(f"/duty/{monday}").text
    assert "东塔路 8 号" in page
    assert f"/duty/{monday}/survey" not in page
    row = {"kind": "dog", "address": "东塔路 7 号"}
    assert stage.browse(LEADER).post(f"/duty/{monday}/survey", row).status_code == 403
    assert stage.browse(LIAISON).post(f"/duty/{monday}/survey", row).status_code == 403
    finding = {"place": "某处", "description": "某事"}
    assert stage.browse(VIEWER).post(f"/duty/{monday}/case", finding).status_code == 422


def test_a_time_afterwards_is_entered_by_the_leader(stage: Stage, monday: int) -> None:
    with at(TUESDAY):
        keep(stage)
        for role in (LEADER, OFFICER):
            stage.browse(role).log_in(role)
        given = {"arrived_at": "2026-07-20T09:30", "left_at": "2026-07-20T11:00", "reason": ""}
        assert stage.browse(OFFICER).post(f"/duty/{monday}/arrive", given).status_code == 422
        assert stage.browse(LEADER).post(f"/duty/{monday}/arrive", given).status_code == 302
    visit = planned(stage)
    assert visit.status is VisitStatus.DONE, "it was held on its Monday"
    assert visit.left_at is not None


def test_the_form_moves_no_monday_and_an_officer_rewrites_no_names(stage: Stage, monday: int) -> None:
    address = f"/admin/visit/edit/?id={monday}"
    for role, given, status in (
        (OFFICE, {"planned_on": (MONDAY - WEEK).isoformat()}, 422),
        (OFFICER, {"reason": "没空"}, 422),
        (OFFICER, {"content": "走访商铺"}, 302),
        (LEADER, {"reason": "专项行动"}, 302),
    ):
        browser = stage.browse(role)
        assert browser.post(address, {**browser.form(address), **given}).status_code == status, (role, given)
    assert (planned(stage).content, planned(stage).reason) == ("走访商铺", "专项行动")


def test_an_assignment_moves_the_visits_at_once(stage: Stage, monday: int) -> None:
    given = {
        "community": str(stage.inside["community"]),
        "officer": str(stage.inside["second_officer"]),
        "start_on": (MONDAY + WEEK).isoformat(),
        "end_on": (MONDAY + WEEK).isoformat(),
        "substitute": "1",
    }
    assert stage.browse(LEADER).post("/admin/assignment/new/", given).status_code == 302
    went = [planned(stage, MONDAY + i * WEEK).officer_id for i in range(3)]
    assert went == [stage.inside["officer"], stage.inside["second_officer"], stage.inside["officer"]]
    with stage.session() as session:
        made = session.query(models.Assignment).filter_by(substitute=True).one().id
    assert stage.browse(OFFICE).post("/admin/assignment/delete/", {"id": str(made)}).status_code == 302
    assert planned(stage, MONDAY + WEEK).officer_id == stage.inside["officer"]


def test_the_liaison_sees_who_comes_next_a_substitute_too(stage: Stage, monday: int) -> None:
    with stage.session() as session:
        session.get_one(models.Officer, stage.inside["second_officer"]).mobile = "13800007777"
    assign(stage, "second_officer", MONDAY, MONDAY, substitute=True)
    keep(stage)
    page = stage.browse(LIAISON).get("/").text
    assert "沈大海" in page
    assert 'href="tel:13800007777"' in page
    assert MONDAY.isoformat() in page


def test_the_pages_cost_the_same_with_many_rows(stage: Stage, monday: int) -> None:
    addresses = {"/duty": OFFICER, "/duty/week": LEADER, "/duty/rota": OFFICE, f"/duty/{monday}": OFFICER}
    stage.browse(OFFICER).post(f"/duty/{monday}/arrive")

    def costs() -> list[int]:
        found = []
        for address, role in addresses.items():
            with stage.app.app_context():
                engine = stage.panel.db.engine
            with factories.counted(engine) as sent:
                assert stage.browse(role).get(address).status_code == 200
            found.append(len(sent))
        return found

    few = costs()
    with stage.session() as session:
        visit = planned(stage)
        for _n in range(25):
            place = factories.another(session, "community", stage.inside, squad_id=stage.inside["squad"])
            factories.another(
                session, "assignment", {**stage.inside, "community": place.id}, start_on=MONDAY, end_on=MONDAY
            )
            factories.another(session, "surveyentry", stage.inside, kind=SurveyKind.DOG, visit_id=visit.id)
        planning.plan_and_miss(session)
    assert costs() == few
    assert max(few) <= 15


def sheet_of(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200
    book = load_workbook(BytesIO(answer.data))
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def test_the_rota_names_who_goes_where(stage: Stage, monday: int) -> None:
    assign(stage, "second_officer", MONDAY + WEEK, MONDAY + WEEK, substitute=True)
    keep(stage)
    rows = sheet_of(stage.browse(OFFICE).get("/duty/rota/file?month=2026-07"))
    assert rows[2] == ["序号", "街道", "社区", "7月20日", "7月27日", "备注"]
    found = next(row for row in rows if row[2] == "东栅社区")
    assert found[3:5] == ["沈建平", "沈大海"]
    page = stage.browse(OFFICER).get("/duty/rota?month=2026-07").text
    assert "沈大海" in page
    assert "西马桥社区" not in page
    assert stage.browse(OFFICE).get("/duty/rota?month=2026-13").status_code == 404
    assert stage.browse(LEADER).get(f"/duty/rota?squad={stage.outside['squad']}").status_code == 404


def test_the_register_tells_of_every_monday(stage: Stage, monday: int) -> None:
    browser = stage.browse(OFFICER)
    browser.post(f"/duty/{monday}/arrive")
    notes = {"content": "走访商铺", "findings": "=店外堆物", "on_the_spot": "已劝导"}
    browser.post(f"/duty/{monday}/notes", {**notes, "version": str(planned(stage).version)})
    browser.post(f"/duty/{monday}/case", {"place": "东塔路 5 号", "description": "店外堆物"})
    with at(MONDAY, 9, 20):
        browser.post(f"/duty/{monday}/leave")
    rows = sheet_of(stage.browse(LEADER).get("/registers/file?name=visits&month=2026-06&until=2026-07"))
    head = "序号 走访日期 星期 社区 联居队员 联络员 到/离时间 走访内容 发现问题 当场处置 转案编号 备注"
    assert [str(cell) for cell in rows[2]] == head.split()
    missed, held = rows[3], rows[4]
    assert (missed[2], missed[11]) == ("一", "未访")
    assert held[2:7] == ["一", "东栅社区", "沈建平", "胡秀珍", "09:00–09:20"]
    assert held[7:10] == ["走访商铺", "=店外堆物", "已劝导"]
    assert re.fullmatch(r"NH-2026-\d{6}", held[10])
    assert "走访完成率 50.0%" in str(rows[5])


def test_the_register_of_one_community_is_printed_alone(stage: Stage, monday: int, tmp_path: Path) -> None:
    inside, outside = stage.inside["community"], stage.outside["community"]
    street = stage.inside["street"]
    asked = "/registers/file?name=visits&month=2026-06&until=2026-07"
    office = stage.browse(OFFICE)
    everything, one = sheet_of(office.get(asked)), sheet_of(office.get(f"{asked}&community={inside}"))
    assert {row[3] for row in everything[3:-2]} > {"东栅社区"}
    assert {row[3] for row in one[3:-2]} == {"东栅社区"}
    assert "东栅社区联居走访登记" in str(one[0])
    assert sheet_of(office.get(f"{asked}&street={street}&community={outside}"))[3:-2] == one[3:-2]
    assert f'<option value="{inside}" selected>' in office.get(f"/registers?name=visits&community={inside}").text
    assert stage.browse(LEADER).get(f"{asked}&community={outside}").status_code == 404
    run, file = stage.app.test_cli_runner().invoke, str(tmp_path / "走访.xlsx")
    order = ["register", "visits", "-o", file, "--month", "2026-07", "--community"]
    assert run(args=[*order, "东栅社区"]).exit_code == 0
    assert run(args=[*order, "没有的社区"]).exit_code == 1
    assert run(args=["register", "mediations", "-o", file, "--community", "东栅社区"]).exit_code == 1


def test_the_server_plans_by_itself_and_so_does_the_command(app: Flask, stage: Stage) -> None:
    with app.app_context():
        assert periodic.tick(stage.panel)["duty.plan"] is periodic.Result.DONE
    assert planned(stage).status is VisitStatus.PLANNED
    run = app.test_cli_runner().invoke
    told = run(args=["duty", "plan", "--since", "2026-07-01"])
    assert told.exit_code == 0
    assert planned(stage, MONDAY - WEEK).status is VisitStatus.MISSED
    assert run(args=["duty", "plan", "--since", "bad"]).exit_code == 1
    assert run(args=["duty", "plan", "--since", "2001-01-01"]).exit_code == 1
