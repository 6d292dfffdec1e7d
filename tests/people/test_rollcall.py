"""A roster compared with the liaisons in office: who joined, who left, what changed; terms ended in one go."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

import models
from bureau.people import roster_diff
from panel.errors import UserError
from panel.imports.batches import File
from tests import factories
from tests.factories import Browser, Stage, person
from tests.workbooks import Office, table

LABELS = ("街道", "社区", "姓名", "手机", "职务")
#: 东栅社区 has a successor of 胡秀珍; of 西马桥社区, in the other street, nothing is told.
SENT = table(LABELS, ("城东街道", "东栅社区", "李新", "13805730001", "主任"))


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage, "office")


def call(office: Office, data: bytes, street: str = "") -> roster_diff.RosterDiff:
    with office.session() as session:
        chosen = roster_diff.street_named(session, street) if street else None
        return roster_diff.compare_roster(session, File("花名册.xlsx", data), office.stage.panel.registry, chosen)


def summary(found: roster_diff.RosterDiff) -> dict[str, Any]:
    told = found.comparison
    return {
        "joined": [row.effective("name") for row in told.joined],
        "changed": [row.effective("name") for row in told.changed],
        "left": [one.name for one in told.left],
        "unchanged": told.unchanged,
        "failed": len(told.failed),
    }


def test_who_joined_and_who_left_in_one_street_or_in_all(office: Office) -> None:
    one = {"joined": ["李新"], "changed": [], "left": ["胡秀珍"], "unchanged": 0, "failed": 0}
    assert summary(call(office, SENT, "城东街道")) == one
    assert summary(call(office, SENT)) == {**one, "left": ["胡秀珍", "马晓燕"]}
    other = {"joined": [], "changed": [], "left": ["马晓燕"], "unchanged": 0, "failed": 0}
    assert summary(call(office, SENT, "城西街道")) == other
    with pytest.raises(UserError):
        call(office, SENT, "无此街道")


def test_what_changed_and_what_did_not(office: Office) -> None:
    data = table(
        LABELS,
        ("城东街道", "东栅社区", "胡秀珍", "13800001111", "书记"),
        ("城西街道", "西马桥社区", "马晓燕", None, None),
    )
    found = call(office, data)
    assert summary(found) == {"joined": [], "changed": ["胡秀珍"], "left": [], "unchanged": 1, "failed": 0}
    assert [change[1:] for change in found.comparison.changed[0].changes] == [("", "书记")]


def test_a_person_whose_row_can_not_be_read_has_not_left(office: Office) -> None:
    found = call(office, table(LABELS, ("城东街道", "东栅社区", "胡秀珍", "1380000", None)), "城东街道")
    assert summary(found) == {"joined": [], "changed": [], "left": [], "unchanged": 0, "failed": 1}


def test_open_cases_of_those_who_left_are_named(office: Office) -> None:
    found = call(office, SENT, "城东街道")
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    assert [case for _id, case in found.open_cases[office.stage.inside["liaison"]]] == [number]


def test_a_number_of_statements_that_does_not_grow_with_the_roster(office: Office) -> None:
    with office.stage.app.app_context():
        engine = office.stage.panel.db.engine

    def cost(n: int) -> int:
        rows = [("城东街道", f"第{i}社区") for i in range(n)]
        office.run("community", table(("街道", "社区"), *rows))
        people = ((street, community, person(i), None, None) for i, (street, community) in enumerate(rows))
        roster = table(LABELS, *people)
        office.run("liaison", roster)
        with factories.counted(engine) as statements:
            assert len(call(office, SENT, "城东街道").comparison.left) >= n
        return len(statements)

    assert cost(3) == cost(60)


def compared(browser: Browser, data: bytes) -> tuple[str, str]:
    """The address and text of the page that compares a roster."""
    sent = browser.post("/admin/liaison/compare/", {"file": (io.BytesIO(data), "花名册.xlsx")})
    assert sent.status_code == 302, sent.text
    return sent.location, browser.get(sent.location).text


def end(browser: Browser, page: str, **values: Any) -> TestResponse:
    (address,) = re.findall(r'<form class="card undo" method="post" action="([^"]+)"', page)
    left = re.findall(r'name="left" value="([^"]+)"', page)
    return browser.post(html.unescape(address), {"left": left, "day": "2026-07-14", **values})


@pytest.mark.database
def test_the_page_ends_the_terms_of_those_chosen(stage: Stage) -> None:
    browser = stage.browse("office")
    assert "/admin/liaison/compare/" in browser.get("/admin/liaison/").text
    _address, page = compared(browser, SENT)
    assert "胡秀珍" in page
    assert "马晓燕" not in page  # the file speaks of one street alone
    assert stage.get("case", stage.inside["case"]).case_no in page
    for values in ({"day": "2020-01-01"}, {"day": "昨天吧"}, {"day": ""}, {"left": []}, {"left": ["999999:1"]}):
        assert end(browser, page, **values).status_code == 422
    assert stage.get("liaison", stage.inside["liaison"]).end_on is None
    refused = end(browser, page)
    assert refused.status_code == 422
    assert "胡秀珍名下还有：未结案件 1，请先办理交接。" in refused.text
    assert f'href="/handover?person=liaison:{stage.inside["liaison"]}"' in refused.text
    assert end(browser, page, vacant="1").status_code == 302
    assert stage.get("liaison", stage.inside["liaison"]).end_on == date(2026, 7, 14)
    assert stage.get("case", stage.inside["case"]).liaison_id is None
    assert end(browser, page).status_code == 422


def test_the_page_tells_what_the_preview_would(stage: Stage) -> None:
    """Who ends by the file, and why that is in doubt."""
    misspelt = table(LABELS, ("城东街道", "东栅社区", "胡秀贞", None, "主任"))
    _address, page = compared(stage.browse("office"), misspelt)
    assert "胡秀贞接任。胡秀贞接手：未结案件 1。导入此表后，任期至 2026-07-14 止。" in page
    assert "胡秀贞与胡秀珍仅一字之差，是否为更正姓名？" in page


def test_whoever_may_not_import_may_not_compare(stage: Stage) -> None:
    for role in ("leader", "officer", "liaison", "viewer", "auditor"):
        assert stage.browse(role).get("/admin/liaison/compare/").status_code == 403
    assert stage.browse("office").get("/admin/liaison/compare/result/?token=none").status_code == 404


def test_the_commands(office: Office, tmp_path: Path) -> None:
    runner = office.stage.app.test_cli_runner()

    def say(*args: str) -> dict[str, Any]:
        told = runner.invoke(args=[*args, "--json"])
        return {"exit": told.exit_code, **json.loads(told.stdout)}

    roster = tmp_path / "花名册.xlsx"
    roster.write_bytes(SENT)
    told = say("compare", "liaison", str(roster), "--street", "城东街道", "--as", "office")
    assert (told["exit"], [one["name"] for one in told["left"]], told["joined"][0]["name"]) == (0, ["胡秀珍"], "李新")
    assert told["left"][0]["notes"] == ["李新接任。李新接手：未结案件 1。导入此表后，任期至 2026-07-14 止。"]
    assert say("compare", "liaison", str(roster), "--street", "无")["exit"] == 1
    assert say("compare", "liaison", str(roster), "--as", "viewer")["exit"] == 1
    assert say("compare", "liaison", str(tmp_path / "没有.xlsx"))["exit"] == 1
    assert runner.invoke(args=["import", "liaison", str(roster)]).exit_code == 0
    (batch,) = [one["batch"] for one in say("imports")["imports"] if one["file"] == "花名册.xlsx"]
    assert say("undo", str(batch), "--as", "viewer")["exit"] == 1
    assert say("undo", str(batch), "--dry-run")["applied"] is False
    assert office.stage.get("liaison", office.stage.inside["liaison"]).end_on is not None
    done = runner.invoke(args=["undo", str(batch)])
    assert (done.exit_code, done.stdout.count("\n"), "已撤销 1 行" in done.stdout) == (0, 1, True)
    assert office.stage.get("liaison", office.stage.inside["liaison"]).end_on is None
    again = runner.invoke(args=["undo", str(batch)])
    assert (again.exit_code, "已经撤销" in again.stderr) == (1, True)
    assert say("imports", "--limit", "1")["imports"][0]["undone"]["rows"] == 1
    assert say("undo", "999999")["exit"] == 1
    assert "已撤销" in runner.invoke(args=["imports"]).stdout


def test_a_roster_whose_columns_are_in_doubt_is_not_compared(stage: Stage) -> None:
    rows = (("社区", "姓名", "联系电话", "联系电话"), ("东栅社区", "李新", "13805730001", "13905730001"))
    with stage.session() as session, pytest.raises(UserError) as refused:
        roster_diff.compare_roster(session, File("名单.xlsx", table(*rows)), stage.panel.registry)
    assert "联系电话" in str(refused.value.message)


@pytest.mark.database
def test_the_list_has_those_in_office_first_with_officer_street_and_predecessor(stage: Stage) -> None:
    """A predecessor whose name comes first by pinyin stands last, in the list and among neighbours; each is a link."""
    with stage.session() as session:
        liaison = session.get_one(models.Liaison, stage.inside["liaison"])
        community = liaison.community
        before = models.Liaison(
            name="阿大", community=community, start_on=date(2019, 1, 1), end_on=liaison.start_on - timedelta(days=1)
        )
        session.add(before)
        session.flush()
        ids, street, officer = (liaison.id, before.id), community.street, stage.inside["officer"]
        session.expunge(street)
    browser = stage.browse("office")
    text = browser.get("/admin/liaison/").text
    rows = re.findall(r'<tr[^>]*id="row-(\d+)".*?</tr>', text, re.S)
    assert rows[-1] == str(ids[1])
    (row,) = re.findall(rf'<tr[^>]*id="row-{ids[0]}".*?</tr>', text, re.S)
    assert f'<a href="/admin/street/details/?id={street.id}">{street.name}</a>' in row
    assert f'<a href="/admin/officer/details/?id={officer}">' in row
    assert f'<a href="/admin/liaison/details/?id={ids[1]}">阿大</a>' in row
    assert browser.get("/admin/liaison/?sort=name").text.index("阿大") < text.index("阿大")
    last = browser.get(f"/admin/liaison/details/?id={ids[1]}&within=page%3D1").text
    assert f"id={rows[-2]}&amp;within" in last
