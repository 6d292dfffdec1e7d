"""Every kind of page that a role can come to is whole and Chinese, and fits a phone and a desk: nothing is wider than
the screen, and the browser complains of nothing."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import Case, CaseStatus, Mediation, MediationStatus, Performance
from panel.kinds import today
from tests.browser.conftest import DESKTOP, PHONE, Site, Visit, foreign_words, scrolls_sideways
from tests.browser.test_dispute import a_case
from tests.factories import ROLE_NAMES

pytestmark = pytest.mark.browser

#: What leads to a file or out of the panel; the figures have a test of their own.
ELSEWHERE = re.compile(r"/file\b|/attachments/|/download|/template|/export|/logout|^/report\b|/failed")
#: What a page is called besides its address: the step of a form, the register that is shown.
NAMED = ("step", "name")
#: What looks the same for every table, and that a form looks the same for a new record and a stored one.
SAME = ((r".*/(confirm|import)/", r"/\1/"), ("/(new|edit)/", "/form/"))
#: Pages that tell each role something else.
ANEW = ("/", "/admin/case/details/")
#: Who takes steps: they look at a case of each state.
AT_WORK = ("office", "leader", "officer")


def kind(address: str) -> str:
    """What two pages of the same kind share: the address without its numbers, and what it names."""
    parts = urlsplit(address)
    named = parse_qs(parts.query)
    path = re.sub(r"\d+", "0", parts.path)
    for pattern, same in SAME:
        path = re.sub(pattern, same, path)
    return " ".join([path, *(named[name][0] for name in NAMED if name in named)])


def led_to(page: Page) -> list[str]:
    found: list[str] = page.locator("a[href]").evaluate_all("all => all.map(one => one.href)")
    here = page.evaluate("location.origin")
    return [one.removeprefix(here) for one in found if one.startswith(here)]


def menu(page: Page) -> set[str]:
    """Where the side bar leads."""
    return {link.get_attribute("href") or "" for link in page.locator(".side li a").all()}


def faults(page: Page, entry: bool) -> list[str]:
    """What is wrong with a page, on a phone and on a desk; `entry`: the menu leads to it, and shows where one is."""
    found = []
    if page.locator(".side").count():
        expect(page.locator("h1")).to_be_visible()
    if entry and page.locator(".side a.on").count() != 1:
        found.append("not one entry of the menu is lit")
    for words in sorted(foreign_words(page)):
        found.append(f"not Chinese: {words}")
    if scrolls_sideways(page):
        found.append("wider than a phone")
    page.set_viewport_size(DESKTOP)
    if scrolls_sideways(page):
        found.append("wider than a desk")
    page.set_viewport_size(PHONE)
    return found


def test_every_kind_of_page_is_whole_chinese_and_fits_a_phone_and_a_desk(site: Site, visit: Visit) -> None:
    addresses = ["/", *some_cases(site)]
    seen: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for role in ROLE_NAMES:
        page = visit(role, phone=True)
        waiting, own = addresses if role in AT_WORK else ["/"], set[str]()
        wanted, entries = set(waiting), menu(page)
        assert entries
        while waiting:
            address, *waiting = waiting
            known = own if kind(address) in ANEW else seen
            if ELSEWHERE.search(address) or (kind(address) in known and address not in wanted):
                continue
            known.add(kind(address))
            wanted.discard(address)
            answer = page.goto(urljoin(site.url, address))
            if answer is None or (answer.status != 200 and address not in entries):
                continue
            assert answer.status == 200, f"{role} {address}"
            if found := faults(page, address in entries):
                wrong[f"{role} {address}"] = found
            waiting += led_to(page)
    assert len(seen) > 100
    assert not wrong


def some_cases(site: Site) -> list[str]:
    """The pages of a case in each state, and of an agreement."""
    made, _colleague, _mediator = a_case(site)
    with site.session() as session:
        some = [session.scalars(select(Case.id).where(Case.status == s).limit(1)).first() for s in CaseStatus]
        agreed = Mediation(
            case_id=made,
            mediation_no="TJ-2026-000099",
            party_a="上官月英",
            party_b="慕容海天",
            dispute="外机",
            status=MediationStatus.AGREED,
            agreement="移机" * 40,
            perform_by=today(),
            performance=Performance.PENDING,
        )
        session.add(agreed)
        session.flush()
        paper = f"/admin/mediation/agreement/?id={agreed.id}"
    cases = [f"/admin/case/details/?id={id_}" for id_ in (made, *some) if id_ is not None]
    assert len(cases) > len(CaseStatus) - 2
    return [*cases, paper]
