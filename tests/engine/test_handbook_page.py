"""The handbook inside the panel: for everybody who is logged in, and linked from each page to its section."""

from __future__ import annotations

import re

import pytest

from bureau.cases.steps import registry
from panel.web.features import Feature, Route, Screen, Site, sections
from panel.web.system import handbook_pages
from tests.factories import MODELS, ROLE_NAMES, Stage


def ids(page: str) -> set[str]:
    return set(re.findall(r'<h[23] id="([^"]+)"', page))


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_everybody_who_is_logged_in_reads_it(role: str, standing: Stage) -> None:
    answer = standing.browse(role).get("/help/")
    assert answer.status_code == 200
    assert {"start", "routine", "cases", "excel"} <= ids(answer.text)
    assert 'src="/help/home.png"' in answer.text
    assert standing.browse(role).get("/help/home.png").mimetype == "image/png"


def test_nobody_else_does_and_no_other_file_is_served(standing: Stage) -> None:
    assert standing.visitor().get("/help/").location == "/login?next=/help/"
    assert standing.visitor().get("/help/home.png").status_code == 302
    office = standing.browse("office")
    assert {office.get(f"/help/{name}").status_code for name in ("list.png", "..%2fhandbook.zh-CN.md", "x.png")} == {
        404
    }


def test_every_page_leads_to_a_section_that_is_there(standing: Stage) -> None:
    """No page is without one: neither those of a feature nor those of a table."""
    known = ids(standing.browse("office").get("/help/").text)
    with standing.app.test_request_context():
        named = {
            rule.endpoint: handbook_pages.section_of(rule.endpoint)
            for rule in standing.app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and not rule.endpoint.endswith(".static")
        }
    others = {"admin.index", "static", "handbook.show", "handbook.picture"}
    assert {endpoint for endpoint, section in named.items() if not section} - others == set()
    assert set(filter(None, named.values())) <= known


def test_every_step_has_a_section_that_is_there(standing: Stage) -> None:
    known = ids(standing.browse("office").get("/help/").text)
    assert set(registry.SECTIONS) == set(registry.STEPS)
    assert {name: section for name, section in registry.SECTIONS.items() if section not in known} == {}


@pytest.mark.framed
@pytest.mark.parametrize(
    ("address", "section"),
    [
        ("/", "home"),
        ("/admin/case/", "cases"),
        ("/admin/case/new/", "forms"),
        ("/admin/liaison/", "people"),
        ("/admin/liaison/import/", "excel"),
        ("/ledgers", "ledger"),
        ("/admin/case/step/?step=supervise&id={case}", "more-steps"),
        ("/nowhere", ""),
    ],
)
def test_a_page_links_to_its_section(address: str, section: str, standing: Stage) -> None:
    page = standing.browse("office").get(address.format_map(standing.inside)).text
    assert f'href="/help/{"#" + section if section else ""}"' in page


def test_a_feature_declares_its_section_and_its_pages_may_have_their_own() -> None:
    feature = Feature(
        handbook="work", screens=(Screen(MODELS["case"], "", ""), Screen(MODELS["street"], "", "", handbook="places"))
    )
    site = Site(routes=(Route("/a", "a", str), Route("/b", "b", str, handbook="other")))
    assert sections([feature, Feature()], [site, Site(routes=(Route("/c", "c", str),))]) == {
        "case": "work",
        "street": "places",
        "a": "work",
        "b": "other",
    }
