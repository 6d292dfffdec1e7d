"""Every page that a role can click its way to: it opens, it runs nothing inline, and no library speaks on it."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from panel.web.serving import compression
from panel.web.serving.assets import KEPT
from tests import factories
from tests.cases.test_refusals import LIBRARY
from tests.engine.test_words import forgotten
from tests.factories import ROLE_NAMES, TABLES, Stage

#: The menu is the same on every page: home has it.
pytestmark = pytest.mark.framed("/")

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


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_form_that_is_posted_has_tokens_of_its_own(clicked: Any, role: str) -> None:
    """That of the session, and one by which the form is carried out once. Of two buttons of a form with addresses of
    their own each says which it is: the content alone tells their acts apart. A search is posted for what may be typed
    there, and changes nothing."""
    tokens = []
    for address, page in clicked[role].items():
        for form in posted(page.text) if page.mimetype == "text/html" else ():
            assert re.search(r'name="csrf_token" value="[^"]+"', form), (address, form)
            if re.search(r'<form[^>]* (?:role="search"|id="search")', form):
                continue
            tokens += re.findall(r'name="form_token" value="([^"]{20,})"', form)[:1] or pytest.fail(f"{address} {form}")
            assert all(" name=" in button for button in re.findall(r"<button[^>]*formaction[^>]*>", form)), address
    assert len(set(tokens)) == len(tokens) > 0


def posted(page: str) -> list[str]:
    return re.findall(r'<form\b[^>]*method="post".*?</form>', page, re.S)


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
        assert page.headers["Cache-Control"] == "no-store", address


def test_every_file_has_a_name_in_ascii_beside_its_own(clicked: Any) -> None:
    """Old programs read only the first of the two."""
    headers = {a: page.headers.get("Content-Disposition", "") for a, page in clicked["office"].items()}
    files = {a: named for a, named in headers.items() if named.startswith("attachment") and "/attachments/" not in a}
    assert len(files) > 20
    assert [a for a, named in files.items() if not re.search(r"filename=[A-Za-z0-9-]", named)] == []


LINKED = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def test_a_file_of_a_page_is_asked_for_once_a_version(clicked: Any, standing: Stage) -> None:
    """Its address names its content. What an address of another content gives may change, and no page is kept."""
    visitor, links = standing.visitor(), set()
    for page in clicked["office"].values():
        named = LINKED.findall(page.text) if page.mimetype == "text/html" else []
        assert len(named) <= 4, named
        links |= {*named}
    assert len(links) > 8
    for link in links:
        answer = visitor.get(link)
        address = re.fullmatch(r"(.+)\.([0-9a-f]{12})(\.(?:css|js))", link)
        assert address, link
        assert answer.headers["Cache-Control"] == KEPT
        assert sha256(answer.data).hexdigest().startswith(address[2])
        for other in (address[1] + address[3], f"{address[1]}.{'0' * 12}{address[3]}"):
            assert visitor.get(other).headers["Cache-Control"] == "no-cache"
    assert visitor.get("/static/panel/none.css").status_code == 404
    assert visitor.get("/static/../models.py").status_code == 404


def test_a_first_visit_costs_less_than_120_kb(standing: Stage) -> None:
    """The page of log-in, then the home page, with all that they name, as they go over the network."""
    packed = {"Accept-Encoding": "gzip, deflate"}
    total, browser, seen = 0, standing.browse("office"), set[str]()
    for who, address in ((standing.visitor(), "/login"), (browser, "/")):
        page = who.get(address, headers=packed)
        assert page.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in page.headers["Vary"]
        named = {*LINKED.findall(gzip.decompress(page.data).decode())} - seen
        seen |= named
        total += len(page.data) + sum(len(who.get(link, headers=packed).data) for link in named)
    assert len(seen) >= 2
    assert 20_000 < total < 120_000


def test_an_answer_has_no_length_to_learn_from(standing: Stage) -> None:
    """Of the same content each answer is longer by a random number of bytes; a file comes as it is."""
    assert len({len(compression.packed(b"the same" * 400)) for _ in range(20)}) > 5
    browser = standing.browse("office")
    sheet = browser.get("/admin/liaison/template/", headers={"Accept-Encoding": "gzip"})
    assert sheet.status_code == 200
    assert "Content-Encoding" not in sheet.headers
    assert "Content-Encoding" not in browser.get("/").headers


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_icon_of_a_page_has_a_drawing(clicked: Any, standing: Stage, role: str) -> None:
    """One that is named in the code alone is entered in BUTTONS of panel/web/serving/icons.py."""
    drawn = set(re.findall(r"\.fa-([a-z0-9-]+) \{", standing.visitor().get("/static/panel.css").text))
    pages = (page.text for page in clicked[role].values() if page.mimetype == "text/html")
    assert {name for page in pages for name in re.findall(r'class="fa fa-([a-z0-9-]+)', page)} <= drawn


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
    # The handbook is written, not translated, and names programs and kinds of file.
    shown = {a: p for a, p in pages.items() if p.mimetype == "text/html" and not p.location and a != "/help/"}
    # The pages of backups and archives say in which folder they are.
    folder = re.compile(re.escape(growing.app.instance_path) + "/(backups|archive)")
    texts = {a: folder.sub("", page.text) for a, page in shown.items()}
    assert {a: found for a, text in texts.items() if (found := forgotten(text, names))} == {}


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


#: Each status by what its page says happened, and what there is to do.
SAID = {
    400: ("请求有误", "请返回后重试"),
    403: ("无权访问", "请联系管理员"),
    404: ("页面不存在", "不在您的管辖范围内"),
    405: ("不支持此操作", "用页面上的按钮办理"),
    409: ("已被他人修改", "请返回并刷新页面"),
    413: ("文件过大", "请拆分后再导入"),
    429: ("请求过于频繁", "请过一分钟再试"),
    503: ("数据库正忙", "请稍后重试"),
    507: ("磁盘已满", "请告知系统管理员"),
}


@pytest.mark.parametrize("status", SAID)
def test_an_error_page_says_what_happened_and_what_to_do(
    standing: Stage, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    class Refused(HTTPException):
        code = status

    def refuse(**_values: object) -> None:
        raise Refused

    monkeypatch.setitem(standing.app.view_functions, "jobs.index", refuse)
    said_of(standing.browse("officer").get("/jobs/"), status, *SAID[status])


def test_real_refusals_say_so_too(standing: Stage) -> None:
    """What is nowhere, what one may not see, a form that was open too long, an act at an address that has none."""
    officer = standing.browse("officer")
    said_of(officer.get("/nothing"), 404, *SAID[404])
    said_of(officer.get("/admin/user/"), 403, *SAID[403])
    said_of(officer.post("/"), 405, *SAID[405])
    said_of(officer.client.post("/password", data={"csrf_token": "old"}), 400, "页面已过期", "请返回并刷新页面后重试")


def said_of(page: TestResponse, status: int, title: str, advice: str) -> None:
    assert page.status_code == status
    assert f"<title>{title}" in page.text
    assert f"<h1>{title}</h1>" in page.text
    assert advice in page.text
