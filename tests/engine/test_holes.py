"""The holes of the stock views, pinned shut over HTTP for every generated table."""

from __future__ import annotations

import re
from typing import Any

import pytest

from panel.security.policy import Permission
from tests import factories
from tests.factories import MODELS, ROLE_NAMES, TABLES, Browser, Stage, granted, pairs

#: Who does everything with a table.
KEEPER = {table: next(role for role in ROLE_NAMES if granted(role, Permission.READ, table)) for table in TABLES}
WRITERS = [table for table in TABLES if granted(KEEPER[table], Permission.EDIT, table)]
EVIL = [
    "https://evil.com/",
    "//evil.com",
    "http:evil.com",
    "/\\evil.com",
    "\\\\evil.com",
    "/\tevil.com",
    "javascript:alert(1)",
    " /x",
]


def keeper(stage: Stage, table: str) -> Browser:
    return stage.browse(KEEPER[table])


# The token.


@pytest.mark.usefixtures("wordless")
def test_every_address_that_takes_a_post_wants_a_token(standing: Stage) -> None:
    """Whoever asks: the token is looked at before the right."""
    tried, askers = 0, (standing.visitor(), standing.browse("office"), standing.browse("administrator"))
    for rule in standing.app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()):
            continue
        address = standing.app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, 1))
        for data in ({}, {"csrf_token": "forged"}):
            assert askers[tried % 3].client.post(address, data=data).status_code == 400, rule
        tried += 1
    assert tried > 5 * len(TABLES)


def test_a_token_of_another_session_does_not_do(standing: Stage) -> None:
    given = {"csrf_token": standing.browse("office").token(), "name": "新街道"}
    assert standing.browse("viewer").client.post("/admin/street/new/", data=given).status_code == 400


def test_a_token_lives_as_long_as_the_session(standing: Stage) -> None:
    assert standing.app.config["WTF_CSRF_TIME_LIMIT"] is None


# Addresses with nonsense in them.


NO_IDS = ["", "0", "x", "-1", "1 OR 1=1", "9" * 30, "٣", "²", "1.0", "\x00"]


@pytest.mark.usefixtures("wordless")
@pytest.mark.parametrize(
    ("table", "id_"),
    # All addresses read ids by the same function: every table is tried with some, one with all of them.
    [(table, id_) for table in TABLES for id_ in (NO_IDS if table == "case" else ("0", "x", "9" * 30))],
)
def test_an_id_that_is_none_finds_nothing(standing: Stage, table: str, id_: str) -> None:
    browser = keeper(standing, table)
    pages = [("details", Permission.READ), ("edit", Permission.EDIT), ("confirm", Permission.DELETE)]
    for page, act in pages:
        if granted(KEEPER[table], act, table):
            answer = browser.client.get(f"/admin/{table}/{page}/", query_string={"id": id_})
            assert answer.status_code == 404
    if granted(KEEPER[table], Permission.DELETE, table):
        assert browser.post(f"/admin/{table}/delete/", {"id": id_}).status_code == 404
        assert browser.post(f"/admin/{table}/action/", {"action": "delete", "rowid": id_}).status_code == 404


#: Each argument is read by itself: several are tried at a time.
NONSENSE = [
    "page=99999999999999999999&size=100000&sort=nonsense&is=nonsense&q=%25_%5C'%22--",
    "page=-5&size=0&sort=password_hash&q=%00&nonsense=1&nonsense.from=2",
    "page=abc&size=-1&sort=-&id.from=1",
    "page=²&q=" + "x" * 3000,
    "page=1&page=2&is=nonsense",
]


@pytest.mark.parametrize("arguments", NONSENSE)
@pytest.mark.parametrize("table", TABLES)
def test_a_list_makes_the_best_of_nonsense(standing: Stage, table: str, arguments: str) -> None:
    assert keeper(standing, table).get(f"/admin/{table}/?{arguments}").status_code == 200


GARBAGE = ["x", "²", "-1", "9" * 40, "1e400", "NaN", "2026-02-30", "0001-01-01", "9999-12-31 23:59", "%", "' OR 1=1 --"]


@pytest.mark.parametrize("table", TABLES)
def test_a_filter_makes_the_best_of_garbage(standing: Stage, table: str) -> None:
    browser = keeper(standing, table)
    names = [field.name for field in standing.panel.views[table].declared]
    for given in GARBAGE:
        # Whether a text can be read depends on the field alone: what can be, is used for each of these.
        arguments = {name + suffix: given for name in names for suffix in ("", ".empty", ".from", ".to")}
        answer = browser.client.get(f"/admin/{table}/", query_string=arguments)
        assert answer.status_code == 200, given


@pytest.mark.parametrize("table", TABLES)
def test_a_form_makes_the_best_of_garbage(standing: Stage, table: str) -> None:
    """Values in the address of a new record, and posted ones."""
    if not granted(KEEPER[table], Permission.CREATE, table):
        return
    browser, address = keeper(standing, table), f"/admin/{table}/new/"
    names = [field.name for field in standing.panel.views[table].declared]
    before = standing.count(table)
    for given in GARBAGE:
        assert browser.client.get(address, query_string=dict.fromkeys(names, given)).status_code == 200
        values = {"user": given, "role": given} if table == "userrole" else dict.fromkeys(names, given)
        answer = browser.post(address, values)
        assert answer.status_code in (302, 422), given
        if answer.status_code == 302:
            before += 1
    assert standing.count(table) == before


@pytest.mark.parametrize(
    ("role", "page"),
    [
        ("office", "/attachments/{}"),
        ("office", "/attachments/{}/thumb"),
        ("office", "/duty/{}"),
        ("office", "/ledgers/kept/{}"),
        ("office", "/ledgers/draft/{}"),
        ("office", "/jobs/{}"),
        ("administrator", "/webhook/{}"),
    ],
)
def test_an_id_that_no_database_can_hold_is_no_page(standing: Stage, role: str, page: str) -> None:
    for id_ in (2**31 - 1, 2**31, 2**63, 10**30):
        assert standing.browse(role).get(page.format(id_)).status_code == 404


def test_a_page_number_is_clamped(standing: Stage) -> None:
    page = standing.browse("office").get("/admin/case/?page=99999999999999999999").text
    assert f"/admin/case/details/?id={standing.inside['case']}&" in page


# Cells that are edited in the list, and columns that are not the form's.


@pytest.mark.parametrize("table", WRITERS)
def test_nothing_is_edited_past_the_form(standing: Stage, table: str) -> None:
    answer = keeper(standing, table).post(
        f"/admin/{table}/ajax/update/", {"list_form_pk": standing.inside[table], "name": "x", "note": "x"}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("table", WRITERS)
def test_what_stands_in_no_form_cannot_be_posted(stage: Stage, table: str) -> None:
    """Columns set by the program, the version, the password."""
    browser, address = keeper(stage, table), f"/admin/{table}/edit/?id={stage.add(table)}"
    id_ = int(address.rpartition("=")[2])
    model, views = MODELS[table], stage.panel.views
    typed = {field.attr for field in views[table].declared if not field.readonly}
    others = [column.key for column in model.__mapper__.columns if column.key not in typed]
    before = stage.get(table, id_)
    given = browser.form(address) | dict.fromkeys([c for c in others if c != "version"], "1")
    assert browser.post(address, given).status_code == 302
    after = stage.get(table, id_)
    assert {name: getattr(after, name) for name in others} == {name: getattr(before, name) for name in others}


# Look-ups.


@pytest.fixture(scope="module")
def crowd(growing: Stage) -> Stage:
    """More records of every table than a look-up may give."""
    with growing.session() as session:
        for table in TABLES:
            for _n in range(25):
                factories.another(session, table, growing.inside)
    return growing


LIMITS = ("", "&limit=5", "&limit=100000", "&limit=-1", "&limit=x", "&limit=" + "9" * 30, "&limit=²")


@pytest.mark.parametrize("table", TABLES)
def test_a_lookup_gives_twenty_at_most_and_finds_by_name(crowd: Stage, table: str) -> None:
    browser = keeper(crowd, table)
    for field in crowd.panel.views[table].references:
        # Everybody, also who isn't offered for a new reference.
        address = f"/admin/{table}/ajax/lookup/?name={field.name}&every=1"
        if not any(granted(KEEPER[table], act, field.reference.table) for act in (Permission.READ, Permission.CHOOSE)):
            assert browser.get(address).json == []
            continue
        # The limit is read before the field: one field of a table is asked with all of them.
        for limit in LIMITS if field is crowd.panel.views[table].references[0] else LIMITS[:1]:
            assert len(browser.get(address + limit).json) == (5 if limit == "&limit=5" else 20)
        first, second = (browser.get(f"{address}&offset={offset}").json for offset in (0, 20))
        assert not {id_ for id_, _t in first} & {id_ for id_, _t in second}
        assert browser.get(f"{address}&offset={'9' * 30}").status_code == 200
        assert browser.get(f"{address}&query=%25").json == []
        assert browser.get(f"{address}&query=nobody+of+this+name").json == []


@pytest.mark.parametrize("table", TABLES)
def test_a_lookup_by_another_name_is_not_found(standing: Stage, table: str) -> None:
    browser = keeper(standing, table)
    plain = [field.name for field in standing.panel.views[table].declared if not field.target]
    for name in ("", "nonsense", "__class__", "created_by", "id", *plain):
        answer = browser.get(f"/admin/{table}/ajax/lookup/?name={name}")
        assert (answer.status_code, list(answer.json)) == (404, ["error"])


def test_a_lookup_finds_by_pinyin_and_its_initials(standing: Stage) -> None:
    browser, address = standing.browse("office"), "/admin/case/ajax/lookup/?name=community&query="
    for words in ("东栅", "dongzha", "dzsq", "DZSQ", " 东栅　社区 ", "ｄｚｓｑ"):
        assert [id_ for id_, _t in browser.get(address + words).json] == [standing.inside["community"]], words


def test_a_lookup_never_finds_by_a_telephone(standing: Stage) -> None:
    assert standing.browse("office").get("/admin/case/ajax/lookup/?name=liaison&query=1380000").json == []


# Where one is sent afterwards.


@pytest.mark.parametrize("target", EVIL)
def test_nobody_is_sent_elsewhere(stage: Stage, target: str) -> None:
    office = stage.browse("office")
    street = f"/admin/street/edit/?id={stage.inside['street']}"
    answers = [
        office.post("/admin/street/new/", {"name": "一街道", "url": target}),
        office.post("/admin/street/new/", {"name": "二街道", "url": target, "_add_another": "1"}),
        office.post(street, {**office.form(street), "url": target}),
        office.post("/admin/street/delete/", {"id": stage.add("street"), "url": target}),
        office.post("/admin/street/action/", {"action": "delete", "url": target}),
        office.post(
            "/admin/street/action/",
            {"action": "delete", "confirmed": "1", "rowid": stage.add("street"), "url": target},
        ),
        office.post("/language", {"locale": "zh_Hans_CN"}, headers={"Referer": target}),
        stage.visitor().log_in("office", next=target),
    ]
    for answer in answers:
        assert answer.status_code == 302
        assert re.match(r"/($|\w)", answer.location), answer.location
        assert "evil" not in answer.location
    for page in ("edit", "new", "confirm"):
        arguments = {"id": stage.inside["street"], "url": target}
        assert "evil" not in office.client.get(f"/admin/street/{page}/", query_string=arguments).text
    assert "evil" not in stage.visitor().client.get("/login", query_string={"next": target}).text


def test_one_is_sent_back_to_where_one_came_from(stage: Stage) -> None:
    office = stage.browse("office")
    answer = office.post("/admin/street/new/", {"name": "一街道", "url": "/admin/street/?q=街&page=2"})
    assert answer.location.startswith("/admin/street/?q=")
    assert stage.visitor().log_in("office", next="/admin/case/?is=open").location == "/admin/case/?is=open"


# Acts on many.


@pytest.mark.parametrize("table", [table for table in WRITERS if granted(KEEPER[table], Permission.DELETE, table)])
def test_deleting_is_asked_first_and_then_done(stage: Stage, table: str) -> None:
    browser, ids = keeper(stage, table), [stage.add(table), stage.add(table)]
    before = stage.count(table)
    asked = browser.post(f"/admin/{table}/action/", {"action": "delete", "rowid": ids})
    assert asked.status_code == 200
    assert stage.count(table) == before
    given: dict[str, Any] = {"action": "delete", "rowid": ids, "confirmed": "1"}
    if table == "case":  # its events keep it
        assert "note danger" in asked.text
        return
    assert browser.post(f"/admin/{table}/action/", given).status_code == 302
    assert stage.count(table) == before - 2


def test_an_act_on_many_is_done_to_all_or_none(stage: Stage) -> None:
    """One record outside the area among them, and nothing happens."""
    for ids in ([stage.add("action"), 999_999], [stage.add("action"), "x"]):
        before = stage.count("action")
        given = {"action": "delete", "rowid": ids, "confirmed": "1"}
        assert stage.browse("office").post("/admin/action/action/", given).status_code == 404
        assert stage.count("action") == before


@pytest.mark.usefixtures("wordless")
@pytest.mark.parametrize(("role", "table"), pairs())
def test_an_act_that_nobody_declared_is_not_found(standing: Stage, role: str, table: str) -> None:
    given = {"action": "__init__", "rowid": standing.inside[table]}
    assert standing.browse(role).post(f"/admin/{table}/action/", given).status_code == 404
