"""The monthly ledger over HTTP, and the command: who may, what they get, and that both give the same cells."""

from __future__ import annotations

import html
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import Result
from openpyxl import load_workbook
from sqlalchemy import select
from werkzeug.test import TestResponse

import models
from bureau.ledger.rows import COLUMNS, shown
from bureau.ledger.web.ledger_page import SHOWN
from bureau.settings import settings
from tests import factories
from tests.conftest import clock
from tests.factories import ROLE_NAMES, Stage, account
from tests.ledgers import Course, make

ASKED = "/ledgers?month=2026-05"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def made(growing: Stage) -> Stage:
    """Cases of both squads in May."""
    with clock():
        with growing.session() as session:
            settings.put(session, "unit_name", "南湖区综合行政执法局")
        make(growing, Course("04-20 09:00", [("handle", "05-02 09:00"), ("close", "05-03 09:00")]))
        make(growing, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
        make(growing, Course("05-05 09:30", values={"description": "<b>楼下</b>\n养鸡"}))
        make(growing, Course("05-06 09:30", side="outside"))
    return growing


def cells(page: str) -> list[list[str]]:
    """The rows of the first table."""
    table = re.search(r"<table.*?</table>", page, re.S)
    assert table is not None, page
    rows = re.findall(r"<tr>(.*?)</tr>", table[0], re.S)[1:]
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)]
        for row in rows
    ]


def totals(page: str) -> dict[str, int]:
    return {label: int(n) for label, n in re.findall(r"<div><dt>([^<]+)</dt><dd>([\d,]+)</dd></div>", page)}


def in_file(content: bytes) -> tuple[list[list[str]], dict[str, int]]:
    """The rows and the totals of a workbook, as text."""
    sheet = load_workbook(BytesIO(content))["案件台账"]
    found = []
    for row in sheet.iter_rows(min_row=4, values_only=True):
        if row[0] == "合计":
            return found, {label: n for label, n in zip(row[1::2], row[2::2], strict=False) if label}
        found.append([shown(value) for value in row])
    raise AssertionError("no totals")


def command(stage: Stage, *arguments: str) -> Result:
    return stage.app.test_cli_runner().invoke(args=["ledger", *arguments])


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_may_look_and_who_may_take_it_along(made: Stage, role: str) -> None:
    browser = made.browse(role)
    looks, takes = role in {"office", "leader", "viewer"}, role in {"office", "leader"}
    assert browser.get(ASKED).status_code == (200 if looks else 403)
    assert browser.get("/ledgers/file?month=2026-05").status_code == (200 if takes else 403)
    assert ("/ledgers" in browser.menu()) is looks
    if looks:
        page = browser.get(ASKED).text
        assert ("/ledgers/file" in page) is takes
        assert ("/ledgers/hand-up" in page) is (role == "office")


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role != "office"])
def test_only_the_office_hands_up(made: Stage, role: str) -> None:
    assert made.browse(role).post("/ledgers/hand-up", {"month": "2026-05"}).status_code == 403


def test_whoever_is_not_logged_in_is_sent_to_the_log_in(made: Stage) -> None:
    for address in (ASKED, "/ledgers/file?month=2026-05", "/ledgers/kept/1"):
        assert made.visitor().get(address).headers["Location"].startswith("/login")


@pytest.mark.parametrize("by", ["accepted", "closed"])
@pytest.mark.parametrize("role", ["office", "leader"])
def test_page_file_and_command_give_the_same_cells(made: Stage, tmp_path: Path, role: str, by: str) -> None:
    browser, out = made.browse(role), tmp_path / "out.xlsx"
    page = browser.get(f"{ASKED}&by={by}").text
    rows, sums = in_file(browser.get(f"/ledgers/file?month=2026-05&by={by}").data)
    result = command(made, "2026-05", str(out), "--by", by, "--as", role)
    assert result.exit_code == 0, result.output
    assert in_file(out.read_bytes()) == (rows, sums)
    assert [[_line(cell) for cell in row] for row in rows] == [[_line(cell) for cell in row] for row in cells(page)]
    assert totals(page) == sums
    assert len(rows) == {"accepted": {"office": 4, "leader": 3}, "closed": {"office": 2, "leader": 2}}[by][role]


def _line(text: str) -> str:
    return " ".join(text.split())


def test_the_columns_stand_in_the_head(made: Stage) -> None:
    page = made.browse("office").get(ASKED).text
    head = re.findall(r'<th scope="col"[^>]*>([^<]+)', page)
    assert [html.unescape(label) for label in head[: len(COLUMNS)]] == list(COLUMNS)


def test_the_chinese_file_name_survives(made: Stage) -> None:
    response = made.browse("office").get("/ledgers/file?month=2026-05")
    name = "南湖区综合行政执法局案件台账2026年5月.xlsx"
    assert response.mimetype == XLSX
    assert f"filename*=UTF-8''{quote(name)}" in response.headers["Content-Disposition"]
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_a_leader_has_the_own_squad_alone(made: Stage) -> None:
    browser = made.browse("leader")
    assert browser.get(f"{ASKED}&squad={made.outside['squad']}").status_code == 404
    page = browser.get(ASKED).text
    assert "南湖分队" in page
    assert "城西分队" not in page
    assert "西马桥社区" not in page


def test_the_office_chooses_a_squad(made: Stage) -> None:
    page = made.browse("office").get(f"{ASKED}&squad={made.outside['squad']}").text
    assert [row[5] for row in cells(page)] == ["西马桥社区"]


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=x", "month=2026-05&by=x", "month=2026-05&squad=x", "squad=99"]
)
def test_a_wrong_address_is_not_found(made: Stage, query: str) -> None:
    for path in ("/ledgers", "/ledgers/file"):
        assert made.browse("office").get(f"{path}?{query}").status_code == 404


def test_without_a_choice_it_is_last_month(made: Stage) -> None:
    page = made.browse("office").get("/ledgers").text
    assert re.search(r'<option value="2026-06" selected>', page)


def test_a_month_without_cases_says_so(made: Stage) -> None:
    response = made.browse("office").get("/ledgers?month=2020-01")
    assert response.status_code == 200
    assert "<table" not in response.text


def test_the_page_shows_the_first_rows(stage: Stage) -> None:
    for i in range(SHOWN + 1):
        make(stage, Course(f"05-{i % 28 + 1:02} 09:{i % 60:02}"))
    page = stage.browse("office").get(ASKED).text
    assert len(cells(page)) == SHOWN
    assert totals(page)["受理"] == SHOWN + 1


def test_text_is_text(made: Stage) -> None:
    page = made.browse("office").get(ASKED).text
    assert "&lt;b&gt;楼下" in page
    assert "<b>楼下" not in page


def _hand_up(stage: Stage, **given: Any) -> TestResponse:
    return stage.browse("office").post("/ledgers/hand-up", {"month": "2026-05", "by": "accepted", **given})


def test_handing_up_and_taking_it_again(stage: Stage, tmp_path: Path) -> None:
    make(stage, Course("05-04 09:30"))
    office = stage.browse("office")
    before = in_file(office.get("/ledgers/file?month=2026-05").data)
    assert _hand_up(stage).status_code == 302
    first = office.get("/ledgers/file?month=2026-05").data
    assert in_file(first) == before
    late = make(stage, Course("05-20 09:30"))
    page = office.get(ASKED).text
    kept = re.search(r"/ledgers/kept/\d+", page)
    assert kept is not None
    assert "/ledgers/hand-up" not in page
    assert f"id={late}" not in page
    assert office.get(kept[0]).data == office.get("/ledgers/file?month=2026-05").data == first
    out = tmp_path / "out.xlsx"
    assert command(stage, "2026-05", str(out)).exit_code == 0
    assert out.read_bytes() == first
    assert stage.browse("leader").get(kept[0]).status_code == 404
    assert stage.browse("viewer").get(kept[0]).status_code == 403


def test_a_squads_ledger_handed_up_is_its_leaders(stage: Stage) -> None:
    make(stage, Course("05-04 09:30"))
    squad = stage.inside["squad"]
    assert _hand_up(stage, squad=squad).status_code == 302
    page = stage.browse("leader").get(ASKED).text
    kept = re.search(r"/ledgers/kept/\d+", page)
    assert kept is not None
    assert stage.browse("leader").get(kept[0]).status_code == 200


def test_handing_up_names_the_month_and_what_is_in_it_and_asks(stage: Stage) -> None:
    make(stage, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
    make(stage, Course("05-05 09:30"))
    office, address = stage.browse("office"), "/ledgers/hand-up?month=2026-05&by=accepted"
    assert stage.browse("leader").get(address).status_code == 403
    page = office.get(address).text
    assert "确定报送2026年5月案件台账？" in page
    assert "共 2 件：已结 1 件，未结 1 件；本月到期 2 件，其中逾期 1 件。" in page
    form = factories.form_values(page)
    make(stage, Course("05-06 09:30"))
    asked = office.post("/ledgers/hand-up", form)
    assert asked.location.startswith("/ledgers/hand-up?")
    page = office.get(asked.location).text
    assert "案件有变动" in page
    assert "共 3 件" in page
    assert office.post("/ledgers/hand-up", factories.form_values(page)).location.startswith("/ledgers?")
    with stage.session() as session:
        assert len(session.scalars(select(models.Ledger)).all()) == 1
    assert office.get(address).status_code == 302


def test_handing_up_twice_is_told(stage: Stage) -> None:
    make(stage, Course("05-04 09:30"))
    _hand_up(stage)
    assert _hand_up(stage).status_code == 302
    assert "office 已于 2026-07-15 报送该台账。" in stage.browse("office").get(ASKED).text
    with stage.session() as session:
        assert len(session.scalars(select(models.Ledger)).all()) == 1


def test_the_running_month_can_be_looked_at_and_not_handed_up(stage: Stage) -> None:
    page = stage.browse("office").get("/ledgers?month=2026-07").text
    assert "/ledgers/hand-up" not in page
    _hand_up(stage, month="2026-07")
    assert 'class="note danger"' in stage.browse("office").get(ASKED).text


def test_corrections_are_shown(stage: Stage) -> None:
    id_ = make(stage, Course("05-04 09:30"))
    _hand_up(stage)
    with stage.session() as session:
        session.get_one(models.Case, id_).place = "西塔路 5 幢"
    page = stage.browse("office").get("/ledgers?month=2026-06").text
    assert "更正前" in page
    assert "西塔路 5 幢" in page


def test_a_leader_without_a_squad_is_told(stage: Stage) -> None:
    with stage.session() as session:
        account(session, stage.panel, "newcomer", "leader")
    browser = stage.visitor()
    browser.log_in("newcomer")
    assert browser.get("/ledgers").status_code == 200
    assert browser.get("/ledgers/file?month=2026-05").status_code == 404


@pytest.mark.parametrize(
    "arguments",
    [
        ["2026-13", "OUT"],
        ["x", "OUT"],
        ["2026-05", "OUT", "--by", "x"],
        ["2026-05", "OUT", "--squad", "没有的分队"],
        ["2026-05", "OUT", "--as", "nobody"],
        ["2026-05", "OUT", "--as", "officer"],
        ["2026-05", "OUT", "--as", "viewer"],
        ["2026-05", "OUT", "--as", "leader", "--squad", "城西分队"],
        ["2026-05", "nowhere/at/all.xlsx"],
        ["2026-05"],
    ],
)
def test_the_command_fails_with_a_reason(made: Stage, tmp_path: Path, arguments: list[str]) -> None:
    out = tmp_path / "out.xlsx"
    result = command(made, *(str(out) if part == "OUT" else part for part in arguments))
    assert result.exit_code != 0
    assert result.output.strip()
    assert "Traceback" not in result.output
    assert not out.exists()


def test_the_command_tells_one_line(made: Stage, tmp_path: Path) -> None:
    result = command(made, "2026-05", str(tmp_path / "out.xlsx"), "--squad", "城西分队")
    assert result.exit_code == 0
    assert len(result.output.strip().splitlines()) == 1
    assert "1" in result.output
