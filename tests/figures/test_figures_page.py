"""The figures on screen: who may open them, where each number leads, what the charts and the workbook hold."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from bureau.calendar.periods import Span
from bureau.figures import sums
from bureau.figures.figures import FIGURES
from bureau.figures.groups import Grouping, ReportQuery
from bureau.figures.web import words as figurewords
from bureau.figures.web import workbook
from bureau.figures.web.charts import CHARTS
from panel.security.accounts import UserRole
from panel.security.records import AuditEntry
from tests import factories, plain_figures
from tests.conftest import clock
from tests.factories import ROLE_NAMES, Stage, counted

SPAN = Span(date(2026, 4, 1), date(2026, 9, 30))
ADDRESS = "/figures?from=2026-04-01&to=2026-09-30"
MAY_OPEN = {"office", "leader", "officer", "viewer"}
MAY_EXPORT = {"office", "leader"}
CHART = f"/figures/chart/closing{ADDRESS.removeprefix('/figures')}"
FILE = f"/figures/file{ADDRESS.removeprefix('/figures')}"


@pytest.fixture(scope="module")
def filled(growing: Stage) -> Stage:
    with clock(), growing.session() as session:
        plain_figures.fill(session, growing.inside, growing.outside, seed=5, count=90)
    return growing


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_may_read_all_that_figures_are_made_from_may_see_them(filled: Stage, role: str) -> None:
    browser = filled.browse(role)
    may, take = role in MAY_OPEN, role in MAY_EXPORT
    assert browser.get(ADDRESS).status_code == (200 if may else 403)
    assert browser.get(CHART).status_code == (200 if may else 403)
    assert browser.get(FILE).status_code == (200 if take else 403)
    assert ("/figures" in browser.menu()) is may
    assert not may or ("/figures/file" in browser.get(ADDRESS).text) is take


def test_denied_then_granted_then_allowed(stage: Stage) -> None:
    with stage.session() as session:
        account = factories.account(session, stage.panel, "newcomer", "liaison").id
    browser = stage.browse("newcomer")
    assert [browser.get(address).status_code for address in (ADDRESS, CHART, FILE)] == [403, 403, 403]
    with stage.session() as session:
        session.add(UserRole(user_id=account, role="viewer"))
    assert [browser.get(address).status_code for address in (ADDRESS, CHART, FILE)] == [200, 200, 403]
    with stage.session() as session:
        session.add(UserRole(user_id=account, role="office"))
    assert browser.get(FILE).status_code == 200


@pytest.mark.parametrize("address", [ADDRESS, CHART, FILE])
def test_nobody_gets_in_without_logging_in(filled: Stage, address: str) -> None:
    answer = filled.visitor().get(address)
    assert (answer.status_code, answer.location[:12]) == (302, "/login?next=")


@pytest.mark.parametrize(
    ("role", "by"),
    [pytest.param("office", "squad", marks=pytest.mark.database), ("leader", "community"), ("officer", "none")],
)
def test_each_number_leads_to_as_many_records(filled: Stage, role: str, by: str) -> None:
    """A number of each list of the page, and some more. That the records behind each number are those counted is
    tested below the page."""
    browser = filled.browse(role)
    page = browser.get(f"{ADDRESS}&by={by}").text
    found = re.findall(r'<a href="(/admin/\w+/\?is=figure[^"]+)" title="[^"]*">([\d,]+)</a>', page)
    assert len(found) > 30
    checked = dict(found)
    lists = {address.split("/")[2] for address in checked}
    assert lists == {"case", "visit", "referral", "feedback", "hotlineorder", "mediation", "mediationsession"}
    of_each = {address.split(".")[1]: address for address in checked}
    for address in {*of_each.values(), *list(checked)[::9]}:
        number = checked[address]
        listed = browser.get(html.unescape(address))
        assert listed.status_code == 200
        said = re.search(r'<p class="sub">.*?([\d,]+).*?</p>', listed.text, re.S)
        assert said is not None
        assert said[1] == number, address
        assert 'class="chip on"' in listed.text


@pytest.mark.database
def test_the_list_behind_a_number_can_be_paged_and_taken_along(filled: Stage) -> None:
    browser = filled.browse("office")
    name = ReportQuery(SPAN, squad=filled.inside["squad"]).name_of(FIGURES["closing"].whole)
    every = ReportQuery(SPAN).name_of(FIGURES["closing"].whole)
    page = browser.get(f"/admin/case/?is={every}&size=20").text
    assert f'/admin/case/?is={every}&page=2&size=20"' in html.unescape(page)
    taken = browser.get(f"/admin/case/export/xlsx/?is={name}")
    assert taken.status_code == 200
    with filled.session() as session:
        line = sums.table(session, ReportQuery(SPAN, squad=filled.inside["squad"]), Grouping.WHOLE).total
    sheet = load_workbook(BytesIO(taken.data)).active
    assert sheet is not None
    assert sheet.max_row - 1 == line.values["closing"].whole


def test_a_list_shows_no_other_models_figure(filled: Stage) -> None:
    """What names another list's records narrows nothing and shows no chip."""
    name = ReportQuery(SPAN).name_of(FIGURES["visits"].whole)
    page = filled.browse("office").get(f"/admin/case/?is={name}")
    assert page.status_code == 200
    assert name not in page.text.partition('class="quick"')[2].partition("</div>")[0]


WRONG = [
    "from=2026-05-02&to=2026-05-01",
    "from=1&to=2",
    "from=2000-01-01&to=2026-01-01",
    "by=colour",
    "squad=x",
    "list=x",
]


@pytest.mark.parametrize("query", WRONG)
def test_what_makes_no_sense_is_told_in_a_sentence(filled: Stage, query: str) -> None:
    browser = filled.browse("office")
    answer = browser.get(f"/figures?{query}")
    assert (answer.status_code, answer.location) == (302, "/figures")
    assert 'class="note danger"' in browser.get("/figures").text
    assert browser.get(f"/figures/chart/closing?{query}").status_code == 404
    assert browser.get(f"/figures/file?{query}").status_code == 404
    assert browser.get("/figures/chart/nothing").status_code == 404


def test_a_period_is_chosen_by_name(filled: Stage) -> None:
    page = html.unescape(filled.browse("office").get("/figures").text)
    for words, first, last in (
        ("本月", "2026-07-01", "2026-07-31"),
        ("上月", "2026-06-01", "2026-06-30"),
        ("本季度", "2026-07-01", "2026-09-30"),
        ("上季度", "2026-04-01", "2026-06-30"),
        ("今年", "2026-01-01", "2026-12-31"),
        ("去年", "2025-01-01", "2025-12-31"),
    ):
        assert re.search(rf'href="/figures\?from={first}&to={last}&by=squad"[^>]*>{words}<', page), words


def test_pilot_squads_stand_beside_the_others(filled: Stage) -> None:
    page = filled.browse("office").get(f"{ADDRESS}&by=pilot").text
    with filled.session() as session:
        pilot, others = sums.table(session, ReportQuery(SPAN), Grouping.PILOT).lines[:2]
    for name, figure in FIGURES.items():
        for line in (pilot, others):
            assert f"<b>{figurewords.number(figure, line.values[name])}</b>" in page
        assert figurewords.difference(figure, pilot.values[name], others.values[name])[0] in page


def test_a_zero_denominator_is_a_dash(filled: Stage) -> None:
    page = filled.browse("office").get("/figures?from=1995-01-01&to=1995-12-31").text
    values = re.findall(r"<b>([^<]*)</b>", page.partition("figure-tiles")[2])
    assert set(values) == {"—"}
    assert not re.search(r"\b(0\.0|100\.0)%", page.partition("figure-tiles")[2])


def test_a_scope_holds_for_page_chart_and_workbook(filled: Stage) -> None:
    """Another squad is named nowhere."""
    browser = filled.browse("leader")
    page, chart = browser.get(f"{ADDRESS}&by=squad").text, browser.get(f"{CHART}&by=squad").text
    book = load_workbook(BytesIO(browser.get(f"{FILE}&by=squad").data))
    cells = " ".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
    for text in (page, chart, cells):
        assert "南湖分队" in text
        assert "城西分队" not in text
        assert "新城分队" not in text
    hidden = browser.get(f"{ADDRESS}&community={filled.outside['community']}")
    assert hidden.status_code == 200
    assert "西马桥社区" not in hidden.text


@pytest.mark.parametrize("by", ["squad", "community", "month"])
@pytest.mark.parametrize("name", list(CHARTS))
def test_a_chart_runs_nothing_and_loads_nothing(filled: Stage, name: str, by: str) -> None:
    answer = filled.browse("office").get(f"/figures/chart/{name}{ADDRESS.removeprefix('/figures')}&by={by}")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    root = ElementTree.fromstring(answer.data)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    for element in root.iter():
        assert not element.tag.endswith(("script", "foreignObject", "image"))
        assert not [name for name in element.attrib if name.startswith("on") or name.endswith("href")]
    text = answer.data.decode()
    outside = set(re.findall(r"[\w:]*//[^\s\"'<>)]+", text)) - {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert outside == set()
    assert "@import" not in text
    assert str(CHARTS[name].series[0].label) in text


def test_the_table_behind_a_chart_holds_its_numbers(filled: Stage) -> None:
    page = filled.browse("office").get(f"{ADDRESS}&by=squad").text
    part = page.partition("/figures/chart/closing")[2].partition("</details>")[0]
    with filled.session() as session:
        lines = sums.table(session, ReportQuery(SPAN), Grouping.SQUAD).lines
    for line in lines:
        for name in ("closing", "closing_in_time"):
            number = line.values[name].number
            assert number is None or f"{number * 100:.1f}".removesuffix(".0") + "%" in part


@contextmanager
def book(stage: Stage, by: Grouping) -> Iterator[tuple[Any, Any]]:
    with stage.session() as session:
        made = workbook.make(session, ReportQuery(SPAN), by)
        yield load_workbook(BytesIO(made.content)), sums.table(session, ReportQuery(SPAN), by)


def test_the_workbook_says_what_the_page_says(filled: Stage) -> None:
    with book(filled, Grouping.COMMUNITY) as (made, table):
        assert made.sheetnames == ["指标汇总", "分项指标", "分子分母"]
        rows = {row[1]: row for row in made["指标汇总"].iter_rows(min_row=4, values_only=True)}
        for name, figure in FIGURES.items():
            value = table.total.values[name]
            row = rows[str(figurewords.label(figure))]
            assert row[3:6] == (value.part, value.whole, str(figure.formula))
            assert said(row[2], value) == figurewords.number(figure, value)
        for sheet in ("分项指标", "分子分母"):
            found = list(made[sheet].iter_rows(min_row=4, values_only=True))
            for row, line in zip(found, [*table.lines, table.total], strict=False):
                assert row[1] == (str(line.label) if line is not table.total else None)
                for cell, value, figure in zip(row[2:], line.values.values(), FIGURES.values(), strict=True):
                    if sheet == "分项指标":
                        assert said(cell, value) == figurewords.number(figure, value)
                    else:
                        assert cell == (f"{value.part}/{value.whole}" if value.part is not None else str(value.whole))


def said(cell: Any, value: Any) -> str:
    return cell if isinstance(cell, str) else f"{cell:.1%}"


def test_the_workbook_compares_pilot_squads(filled: Stage) -> None:
    with book(filled, Grouping.PILOT) as (made, table):
        assert made.sheetnames == ["指标汇总", "试点对比"]
        pilot, others = table.lines[:2]
        rows = list(made["试点对比"].iter_rows(min_row=4, max_row=3 + len(FIGURES), values_only=True))
        for row, name in zip(rows, FIGURES, strict=True):
            assert said(row[2], pilot.values[name]) == figurewords.number(FIGURES[name], pilot.values[name])
            assert said(row[4], others.values[name]) == figurewords.number(FIGURES[name], others.values[name])


def test_who_took_which_figures_along_is_noted(filled: Stage) -> None:
    def notes() -> list[str]:
        with filled.session() as session:
            return list(session.execute(sa.select(AuditEntry.note).where(AuditEntry.note.contains("指标"))).scalars())

    before = len(notes())
    answer = filled.browse("office").get(f"{FILE}&by=squad")
    assert answer.status_code == 200
    assert len(notes()) == before + 1
    assert "综合执法与社区服务工作指标2026年4月至9月按分队" in notes()[-1]


def test_a_page_costs_the_same_however_many_rows(stage: Stage) -> None:
    def cost(address: str) -> int:
        with counted(engine) as sent:
            assert browser.get(address).status_code == 200
        return len(sent)

    browser = stage.browse("leader")
    with stage.app.app_context():
        engine = stage.panel.db.engine
    name = ReportQuery(SPAN).name_of(FIGURES["repeats"].part or FIGURES["repeats"].whole)
    addresses = [f"{ADDRESS}&by={by}" for by in ("squad", "item", "month", "pilot")] + [f"/admin/case/?is={name}"]
    with stage.session() as session:
        plain_figures.fill(session, stage.inside, stage.outside, seed=11, count=20)
    few = [cost(address) for address in addresses]
    with stage.session() as session:
        for table in ("case", "visit", "referral", "feedback", "mediation") * 12:
            factories.another(session, table, stage.inside)
    assert [cost(address) for address in addresses] == few
    assert max(few) <= 28
