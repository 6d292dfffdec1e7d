"""Every page that a role can click its way to: it opens, it runs nothing inline, and no library speaks on it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from panel.web import assemble
from panel.web.guards import KEPT
from tests import factories
from tests.cases.test_refusals import LIBRARY
from tests.engine.test_words import forgotten
from tests.factories import ROLE_NAMES, TABLES, Stage

pytestmark = pytest.mark.framed

#: No script of another host, none inline, no style inline, no frame around it.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


class Clicked(dict[str, dict[str, TestResponse]]):
    """What each role finds by clicking, from when somebody asks for that role."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def __missing__(self, role: str) -> dict[str, TestResponse]:
        with factories.clock():
            self[role] = dict(self._stage.browse(role).crawl())
        return self[role]


@pytest.fixture(scope="module")
def clicked(growing: Stage) -> Clicked:
    """Some lists are long enough for a second page, some records have a history."""
    with growing.session() as session:
        for table in TABLES:
            for _n in range(25 if table in ("case", "street", "user") else 3):
                factories.another(session, table, growing.inside)
    with factories.clock():
        office = growing.browse("office")
        address = f"/admin/liaison/edit/?id={growing.inside['liaison']}"
        office.post(address, office.form(address) | {"post": "<script>alert(1)</script>", "mobile": "13800009999"})
    return Clicked(growing)


#: On PostgreSQL one role tries the statements of all pages.
EACH = [pytest.param(role, marks=pytest.mark.database) if role == "office" else role for role in ROLE_NAMES]


@pytest.mark.parametrize("role", EACH)
def test_every_link_leads_somewhere(clicked: Any, role: str) -> None:
    """One is shown no link that one may not follow."""
    pages = clicked[role]
    assert {a: p.status_code for a, p in pages.items() if p.status_code not in (200, 302)} == {}
    assert len(pages) > (20 if role != "auditor" else 8)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_page_runs_nothing_inline(clicked: Any, role: str) -> None:
    for address, page in clicked[role].items():
        if page.mimetype == "text/html" and page.status_code == 200:
            assert inline(page.text) == [], address


def inline(page: str) -> list[str]:
    """What a strict policy would stop: scripts without a source, styles, handlers, addresses that are scripts."""
    scripts = [tag for tag in re.findall(r"<script\b[^>]*>", page) if "src=" not in tag]
    tags = re.findall(r"<[a-zA-Z][^>]*>", re.sub(r'="[^"]*"', '=""', page))
    handlers = [tag for tag in tags if re.search(r"\s(style|on\w+)=", tag)]
    outside = re.findall(r'(?:src|href|action)="(?:https?:|//|javascript:)[^"]*"', page)
    return [*scripts, *re.findall(r"<style\b", page), *handlers, *outside]


def test_inline_things_would_be_found() -> None:
    assert len(inline('<script>x</script><style></style><a onclick="x" href="javascript:x">x</a><p style="">')) == 5
    assert inline('<p title="on fire: style=x">1 < 2 onclick="x"</p><script src="/a.js"></script>') == []


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_page_carries_a_strict_policy(clicked: Any, role: str) -> None:
    for address, page in clicked[role].items():
        given = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert given == POLICY, address
        assert page.headers["X-Content-Type-Options"] == "nosniff", address
        assert page.headers["X-Frame-Options"] == "DENY", address
        if page.mimetype == "text/html":
            assert page.headers["Cache-Control"] == "no-store", address


def test_every_file_has_a_name_in_ascii_beside_its_own(clicked: Any) -> None:
    """Old programs read only the first of the two."""
    headers = {a: page.headers.get("Content-Disposition", "") for a, page in clicked["office"].items()}
    files = {a: named for a, named in headers.items() if named.startswith("attachment") and "/attachments/" not in a}
    assert len(files) > 20
    assert [a for a, named in files.items() if not re.search(r"filename=[A-Za-z0-9-]", named)] == []


def test_a_file_of_a_page_is_asked_for_once_a_version(clicked: Any, standing: Stage) -> None:
    """What an address without its version gives may change, and no page is kept."""
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', clicked["office"]["/"].text)
    assert len(links) > 10
    for link in links:
        address, _mark, version = link.partition("?")
        assert version.startswith("v=")
        assert standing.visitor().get(link).headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert standing.visitor().get(address).headers["Cache-Control"] == "no-cache"
    assert standing.visitor().get("/static/panel/none.css?v=1").headers.get("Cache-Control") != KEPT
    assert standing.browse("office").get("/?v=1").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["cases.css", "panel/forms.css"])
def test_the_version_of_the_files_changes_with_any_of_them(path: str, tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copytree(assemble.ROOT / "static", tmp_path / "static")
    monkeypatch.setattr(assemble, "ROOT", tmp_path)
    before = assemble.static_version()
    (tmp_path / "static" / path).write_text("p {}")
    assert assemble.static_version() != before


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_no_page_speaks_like_a_library(clicked: Any, role: str) -> None:
    for address, page in clicked[role].items():
        if page.mimetype == "text/html":
            text = re.sub(r"<[^>]*>", " ", page.text)
            assert not [word for word in (*LIBRARY, "None", "NaN", "datetime.", "object at 0x") if word in text], (
                address
            )


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_no_page_shows_a_forgotten_sentence(clicked: Any, growing: Stage, role: str) -> None:
    browser, names = growing.browse(role), {*ROLE_NAMES, "Werkzeug", "script", "alert"}
    pages = dict(clicked[role])
    for address in ("/nowhere", *(f"/admin/{table}/?q=没有" for table in TABLES)):
        pages[address] = browser.get(address)
    shown = {a: p for a, p in pages.items() if p.mimetype == "text/html" and not p.location}
    assert {a: texts for a, page in shown.items() if (texts := forgotten(page.text, names))} == {}


def test_what_people_type_is_text_and_never_markup(clicked: Any) -> None:
    pages = [page.text for page in clicked["office"].values() if page.mimetype == "text/html"]
    shown = [page for page in pages if "alert(1)" in page]
    assert shown
    assert not [page for page in shown if "<script>alert" in page]


@pytest.mark.parametrize(
    ("address", "status"),
    [("/nowhere", 404), ("/admin/nowhere/", 404), ("/admin/user/", 403), ("/admin/case/details/?id=0", 404)],
)
@pytest.mark.parametrize("who", ["office", None])
def test_an_error_is_a_page_of_ours(standing: Stage, address: str, status: int, who: str | None) -> None:
    page = (standing.browse(who) if who else standing.visitor()).get(address)
    assert page.status_code == (status if who or address.endswith("nowhere") else 302) or not who
    assert page.headers["Content-Security-Policy"]
    assert "Not Found" not in page.text
    assert inline(page.text) == []


def test_a_defect_shows_no_trace_and_writes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(stage.panel.views["street"]), "quick_filters", broken)
    page = stage.browse("office").get("/admin/street/")
    assert page.status_code == 500
    assert "secret detail" not in page.text
    assert 'class="card say"' in page.text


@pytest.mark.parametrize(("address", "title"), [("/nothing", "页面不存在"), ("/admin/user/", "无权访问")])
def test_an_error_page_is_titled_by_what_happened(standing: Stage, address: str, title: str) -> None:
    assert f"<title>{title}" in standing.browse("officer").get(address).text
