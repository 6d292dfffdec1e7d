"""Every kind of page that a role can come to is whole and Chinese, and fits a phone and a desk: nothing is wider than
the screen, nothing keeps anybody out, and the browser complains of nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import BrowserType, Page
from sqlalchemy import select

from models import Case, CaseStatus, Mediation, MediationStatus, Performance
from panel.kinds import today
from tests.browser.conftest import Site, Visit, foreign_words, scrolls_sideways, sit_down, visitors
from tests.browser.test_dispute import a_case
from tests.browser.windows import DESKTOP, PHONE, Door, Windows
from tests.factories import ROLE_NAMES

pytestmark = pytest.mark.browser

#: What leads to a file or out of the panel; the figures have a test of their own.
ELSEWHERE = re.compile(r"/file\b|/attachments/|/download|/template|/export|/logout|^/report\b|/failed")
#: What a page is called besides its address: the step of a form, the register that is shown.
NAMED = ("step", "name")
#: What looks the same for every table, and that a form looks the same for a new record and a stored one.
SAME = ((r".*/(confirm|import)/", r"/\1/"), ("/(new|edit)/", "/form/"))
#: What is to be seen of a page, asked for at once: each question costs as much as the answers.
FACTS = """() => ({
  framed: Boolean(document.querySelector(".side")),
  headings: [...document.querySelectorAll("h1")].map((one) => one.checkVisibility()),
  lit: document.querySelectorAll(".side a.on").length,
  book: Boolean(document.querySelector(".book")),
  words: document.body.innerText + [...document.querySelectorAll("[title],[aria-label],[placeholder]")]
    .map((one) => [one.title, one.ariaLabel, one.placeholder].join(" ")).join(" "),
  links: [...document.querySelectorAll("a[href]")].map((one) => one.href).filter((one) => one.startsWith(origin))
    .map((one) => one.slice(origin.length)),
  wide: document.documentElement.scrollWidth > innerWidth,
})"""
#: The checks of WCAG 2 A and AA that a machine can make, once for pages of one template. Of rows, entries and choices
#: that stand side by side those are left out that are like two before them, a row in each of its cells: they would be
#: milliseconds each, and tell nothing new. The frame around a page is looked at with the first one.
FRAME = (".side", ".top", ".thumbs")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
CHECK = """async (without) => {
  const met = new Map();
  const like = (part) => part.outerHTML.replace(/>\\s*[^<\\s][^<]*/g, ">…")
    .replace(/ (?!class|role|style|type|fill|scope|aria-(?!label|desc|controls))([\\w-]+)="[^"]+"/g, " $1");
  for (const one of document.querySelectorAll("tr, li, option, svg *")) {
    const known = met.get(one.parentNode) || met.set(one.parentNode, new Map()).get(one.parentNode);
    const parts = Array.from(one.cells || [one]).map((part, n) => `${one.className} ${n} ${like(part)}`);
    if (parts.every((part) => known.get(part) > 1)) one.remove();
    else parts.forEach((part) => known.set(part, (known.get(part) || 0) + 1));
  }
  const how = {runOnly: ["wcag2a", "wcag2aa"], resultTypes: ["violations"], preload: false, selectors: false};
  return (await axe.run({exclude: without.map((one) => [one])}, how)).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
}"""
SAME_TEMPLATE = re.compile(r"^/admin/(?!case/|mediation/)[a-z]+/")
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


@pytest.fixture(scope="module")
def unpainted(browser_type: BrowserType, browser_type_launch_args: dict[str, Any], door: Door) -> Iterator[Windows]:
    """A browser that lays pages out and draws none, which is half of its work: nobody looks at all these."""
    arguments = [*browser_type_launch_args["args"], "--disable-threaded-compositing"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield Windows(browser, door.url)
    browser.close()


def menu(page: Page) -> set[str]:
    """Where the side bar leads."""
    found: list[str] = page.locator(".side li a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    return set(found)


def faults(page: Page, entry: bool) -> tuple[list[str], list[str]]:
    """What is wrong with a page, on a phone and on a desk, and where it leads; `entry`: the menu leads to it, and shows
    where one is. The page stays as wide as it was looked at last, for the next one to begin with."""
    facts, found = page.evaluate(FACTS), []
    if facts["framed"] and facts["headings"] != [True]:
        found.append("not one heading")
    if entry and facts["lit"] != 1:
        found.append("not one entry of the menu is lit")
    # The handbook names programs and kinds of file.
    for words in sorted(foreign_words(facts["words"])) if not facts["book"] else ():
        found.append(f"not Chinese: {words}")
    sizes = (DESKTOP, PHONE) if page.viewport_size == DESKTOP else (PHONE, DESKTOP)
    page.set_viewport_size(sizes[1])
    for size, wide in zip(sizes, (facts["wide"], scrolls_sideways(page)), strict=True):
        if wide:
            found.append(f"wider than a screen of {size['width']}")
    return found, facts["links"]


def barriers(page: Page, without: tuple[str, ...]) -> list[str]:
    """What keeps people out of a page who don't see well or have no mouse: the serious and critical findings of axe."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(CHECK, without)
    return found


def on_paper(page: Page) -> list[str]:
    """What a page prints that is of no use on paper: the panel around it, and its buttons."""
    page.emulate_media(media="print")
    found: list[str] = page.locator(".side, .top, .banner, .thumbs, .btn, button, .place").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => `printed: ${one.outerHTML.slice(0, 120)}`)"
    )
    page.emulate_media(media="screen")
    return found


def test_every_kind_of_page_is_whole_chinese_and_fits_a_phone_and_a_desk(site: Site, unpainted: Windows) -> None:
    with visitors(site, unpainted) as visit:
        crawl(site, visit)


def crawl(site: Site, visit: Visit) -> None:
    addresses = ["/", *some_cases(site)]
    seen: set[str] = set()
    checked: set[str] = set()
    wrong: dict[str, list[str]] = {}
    page = visit(phone=True)
    for role in ROLE_NAMES:
        sit_down(page, site, role, at="")
        own, entries = set[str](), set[str]()
        waiting = addresses if role in AT_WORK else ["/"]
        wanted = set(waiting)
        while waiting:
            address, *waiting = waiting
            known = own if kind(address) in ANEW else seen
            if ELSEWHERE.search(address) or (kind(address) in known and address not in wanted):
                continue
            known.add(kind(address))
            wanted.discard(address)
            answer = page.goto(urljoin(site.url, address))
            entries = entries or menu(page)
            if answer is None or (answer.status != 200 and address not in entries):
                continue
            assert answer.status == 200, f"{role} {address}"
            found, links = faults(page, address in entries)
            if found:
                wrong[f"{role} {address}"] = found
            template = SAME_TEMPLATE.sub("/admin/-/", kind(address))
            if template not in checked and page.viewport_size == DESKTOP:
                more = on_paper(page) + barriers(page, FRAME if "/" in checked else ())
                checked.add(template)
                wrong |= {f"{role} {address}": more} if more else {}
            waiting += links
        assert entries
    assert len(seen) > 100
    assert len(checked) > 30
    assert not wrong


def some_cases(site: Site) -> list[str]:
    """The pages of a case in each state, and of an agreement."""
    made = a_case(site)
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
        paper = f"/admin/mediation/paper/?paper=agreement&id={agreed.id}"
    cases = [f"/admin/case/details/?id={id_}" for id_ in (made, *some) if id_ is not None]
    assert len(cases) > len(CaseStatus) - 2
    return [*cases, paper]
