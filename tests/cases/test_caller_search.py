"""The whole telephone of a caller finds the cases, for those who may see it in clear, where they may; it is counted and
noted, and stands in no address. For others a right and a wrong number are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.settings import settings
from panel.exports.records import ExportLog
from panel.search import private_numbers
from panel.search.view_records import SavedView
from panel.security.comparisons import SEARCHED, Comparison
from panel.security.policy import Permission
from panel.security.records import AuditEntry
from tests.conftest import Staged
from tests.factories import ROLE_NAMES, Browser, Stage, granted
from tests.factories.district import case

RIGHT, WRONG, LANDLINE, ELSEWHERE = "13805737788", "13805737789", "0573-82719988", "13805736677"
MAY = [role for role in ROLE_NAMES if granted(role, Permission.REVEAL, "caseparty")]
READ = [role for role in ROLE_NAMES if granted(role, Permission.READ, "case")]


@pytest.fixture(scope="module")
def town(staged: Staged) -> Iterator[Stage]:
    with staged() as stage:
        with stage.session() as session:
            settings.put(session, "compare_limit", 500)
            for side, phones in ((stage.inside, (RIGHT, RIGHT, LANDLINE)), (stage.outside, (ELSEWHERE,))):
                for phone in phones:
                    made = case(session, session.get_one(models.Community, side["community"]))
                    if side is stage.inside:
                        made.handler_id = made.lead_officer_id = stage.inside["officer"]
                    session.add(models.CaseParty(case=made, name="钱某", phone=phone))
        yield stage


def asked(browser: Browser, words: str, url: str = "/admin/case/") -> Any:
    return browser.post("/admin/case/search/", {"q": words, "url": url})


def rows(browser: Browser, words: str) -> list[str]:
    answer = asked(browser, words)
    assert answer.status_code == 303
    page = browser.get(answer.location)
    assert page.status_code == 200
    return sorted(set(re.findall(r'id="row-(\d+)"', page.text)))


def said(stage: Stage) -> list[tuple[str, int | None]]:
    with stage.session() as session:
        statement = sa.select(AuditEntry.note, AuditEntry.record_id).where(AuditEntry.table_name == "caseparty")
        return [(note or "", id_) for note, id_ in session.execute(statement.order_by(AuditEntry.id))]


@pytest.mark.parametrize("role", READ)
def test_a_callers_cases_are_found_by_those_who_may_see_the_number(town: Stage, role: str) -> None:
    browser = town.browse(role)
    assert len(rows(browser, RIGHT)) == (2 if role in MAY else 0)
    everything = town.panel.policy.roles[role].everything
    assert len(rows(browser, ELSEWHERE)) == (1 if role in MAY and everything else 0)


def test_a_number_is_read_as_it_is_stored_and_only_whole(town: Stage) -> None:
    browser = town.browse("officer")
    assert len(rows(browser, "+86 138 0573 7788")) == 2
    assert len(rows(browser, "(0573)82719988")) == 1
    assert rows(browser, WRONG) == rows(browser, RIGHT[:10]) == rows(browser, "7788") == []


def test_who_only_reads_them_gets_the_same_page_for_every_number_and_leaves_no_trace(town: Stage) -> None:
    for role in set(READ) - set(MAY):
        browser, before = town.browse(role), said(town)
        pages: set[str] = set()
        for number in (RIGHT, WRONG):
            answer = asked(browser, number)
            page = browser.get(answer.location).text
            for changing in (re.search(r"sealed=([^&\"]+)", answer.location)[1], number, number[-4:]):  # type: ignore[index]
                page = page.replace(changing, "")
            page = re.sub(r'value="[^"]*"', "", page)
            pages.add(re.sub(r"[\w.-]{60,}|nonce=\S+", "", page))
        assert len(pages) == 1
        assert said(town) == before


def test_the_rights_are_looked_up_again_each_time_the_address_is_opened(town: Stage, monkeypatch: Any) -> None:
    browser, role = town.browse("officer"), town.panel.policy.roles["officer"]
    address = asked(browser, RIGHT).location
    assert browser.get(address).text.count('id="row-') == 2
    fewer = dict(role.grants) | {models.CaseParty: frozenset({"read"})}
    monkeypatch.setattr(type(role), "permits", lambda _role, act, model: act in fewer.get(model, ()))
    assert browser.get(address).text.count('id="row-') == 0


def test_an_address_opens_for_its_account_alone_and_for_some_hours(town: Stage, monkeypatch: Any) -> None:
    address = asked(town.browse("office"), RIGHT).location
    assert town.browse("office").get(address).text.count('id="row-') == 2
    page = town.browse("leader").get(address).text
    assert 'id="row-' not in page
    assert "请在搜索框重新输入" in page
    monkeypatch.setattr(private_numbers, "LASTS", timedelta(seconds=-1))
    assert "请在搜索框重新输入" in town.browse("office").get(address).text
    assert 'id="row-' not in town.browse("office").get("/admin/case/?sealed=gAAAAAmade-up").text


def test_the_number_stands_in_no_address_log_or_memory(town: Stage) -> None:
    browser = town.browse("office")
    before = len(said(town))
    answer = asked(browser, RIGHT, "/admin/case/?sort=-reported_at&q=x")
    assert "sort=-reported_at" in answer.location
    page = browser.get(answer.location).text
    assert "138****7788" in page
    assert RIGHT not in answer.location + page
    (note, record_id) = said(town)[before]
    assert "查到 2" in note
    assert record_id is None
    assert RIGHT not in note
    export = re.search(r'href="(/admin/case/export/xlsx/[^"]*)"', page)
    assert export is not None
    assert browser.get(export[1].replace("&amp;", "&")).status_code == 200
    browser.post(
        "/admin/case/views/", {"act": "save", "view_name": "某人", "arguments": answer.location.partition("?")[2]}
    )
    with town.session() as session:
        logged = session.scalars(sa.select(ExportLog.filter).order_by(ExportLog.id.desc())).first()
        assert "138****7788" in str(logged)
        assert "sealed" not in session.scalars(sa.select(SavedView.query)).all()[-1]


def test_the_box_above_every_page_finds_them_when_it_is_sent_and_not_while_one_types(town: Stage) -> None:
    office, viewer = town.browse("office"), town.browse("viewer")
    counted = len(said(town))
    typing = office.post("/find/", {"q": RIGHT, "part": "1"}).text
    assert "回车" in typing
    assert "/admin/case/details" not in typing
    assert "回车" not in viewer.post("/find/", {"q": RIGHT, "part": "1"}).text
    assert len(said(town)) == counted
    for browser, found in ((office, 2), (viewer, 0)):
        answer = browser.post("/find/", {"q": RIGHT})
        assert answer.status_code == 303
        assert RIGHT not in answer.location
        assert browser.get(answer.location).text.count("/admin/case/details/") == found
    assert len(said(town)) == counted + 1
    only = office.post("/find/", {"q": LANDLINE})
    assert "/admin/case/details/" in office.get(only.location).location
    assert office.post("/find/", {"q": "花名册"}).location.startswith("/find/?q=")


def test_after_the_days_limit_one_sentence_is_all_there_is(town: Stage) -> None:
    browser = town.browse("leader")
    with town.session() as session:
        done = sa.select(sa.func.count()).where(
            Comparison.owner_id == town.district.users["leader"], Comparison.record_id == SEARCHED
        )
        settings.put(session, "compare_limit", session.connection().execute(done).scalar_one() + 1)
    try:
        assert len(rows(browser, RIGHT)) == 2
        pages = [browser.get(asked(browser, number).location).text for number in (RIGHT, WRONG)]
        assert all("今天查询电话号码的次数已用完" in page and 'id="row-' not in page for page in pages)
        assert "今天查询电话号码的次数已用完" in browser.get(browser.post("/find/", {"q": RIGHT}).location).text
    finally:
        with town.session() as session:
            settings.put(session, "compare_limit", 500)
