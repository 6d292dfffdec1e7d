"""Accounts of people: made in one act with slips, linked, given the role that fits, shown on the person's page."""

from __future__ import annotations

import datetime
import html
import re

import pytest
import sqlalchemy as sa

import models
from bureau.people import accounts
from panel.security.accounts import User, UserRole
from panel.security.policy import AccessDenied
from panel.security.records import AuditEntry
from tests import factories
from tests.factories import PASSWORD, ROLE_NAMES, Stage

EVERYBODY = {"person": ["liaison:1"], "account": ["1"]}


def without(stage: Stage) -> list[str]:
    """The keys of the people whom the page offers accounts."""
    page = stage.browse("administrator").get("/accounts").text
    return re.findall(r'name="person" value="([^"]+)"', page)


def slips(page: str) -> dict[str, tuple[str, str]]:
    """User name and password by the name on the slip."""
    found = {}
    for slip in re.findall(r'<section class="slip">(.*?)</section>', page, re.S):
        _address, username, password = re.findall(r"<dd>(.*?)</dd>", slip)
        found[html.unescape(re.findall(r"<h2>(.*?)</h2>", slip)[0])] = (username, password)
    return found


def account_of(stage: Stage, table: str, id_: int) -> User | None:
    with stage.session() as session:
        person = session.get_one(accounts.KINDS[table], id_)
        return person.user


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role not in ("administrator", "security")])
def test_who_neither_makes_accounts_nor_grants_roles_opens_none_of_it(standing: Stage, role: str) -> None:
    browser, before = standing.browse(role), standing.count("user")
    assert browser.get("/accounts").status_code == 403
    assert browser.post("/accounts/new", EVERYBODY).status_code == 403
    assert browser.post("/accounts/roles", EVERYBODY).status_code == 403
    assert browser.get(f"/accounts/link?person=liaison:{standing.inside['liaison']}").status_code == 403
    assert standing.count("user") == before


def test_each_of_the_two_administrators_does_their_own_part(standing: Stage) -> None:
    administrator, security = standing.browse("administrator"), standing.browse("security")
    assert "未授予角色的账号" not in administrator.get("/accounts").text
    assert "在任但没有账号的人员" not in security.get("/accounts").text
    assert administrator.post("/accounts/roles", EVERYBODY).status_code == 403
    assert security.post("/accounts/new", EVERYBODY).status_code == 403
    assert security.get(f"/accounts/link?person=liaison:{standing.inside['liaison']}").status_code == 403


@pytest.mark.database
def test_accounts_for_all_who_have_none_are_made_in_one_act_and_log_in(stage: Stage) -> None:
    keys = without(stage)
    assert f"liaison:{stage.outside['liaison']}" in keys
    assert f"liaison:{stage.inside['liaison']}" not in keys
    administrator = stage.browse("administrator")
    answer = administrator.post("/accounts/new", {"person": keys, "address": "http://10.0.0.8:8000"})
    assert answer.status_code == 200
    assert "http://10.0.0.8:8000" in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    made = slips(answer.text)
    assert len(made) == len(keys)
    username, password = made["马晓燕 · 西马桥社区"]
    assert username == "maxiaoyan"
    assert without(stage) == []
    user = account_of(stage, "liaison", stage.outside["liaison"])
    assert user is not None
    assert (user.username, user.must_change) == ("maxiaoyan", True)
    visitor = stage.visitor()
    assert visitor.log_in(username, password).status_code == 302
    assert visitor.get("/").location == "/password"
    again = administrator.post("/accounts/new", {"person": keys})
    assert again.location == "/accounts"
    with stage.session() as session:
        trail = session.execute(sa.select(AuditEntry.note, AuditEntry.changes)).all()
    assert not any(secret in str(trail) for _name, secret in made.values())
    assert any("maxiaoyan" in str(changes) for _note, changes in trail)


def test_more_people_than_one_act_makes_accounts_for_wait_on_the_page_of_slips(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.session() as session:
        squad, names = stage.inside["squad"], ("顾新", "孙卫国", "李娜")
        session.add_all(models.Officer(name=name, squad_id=squad) for name in names)
    monkeypatch.setattr(accounts, "MOST", 2)
    keys, administrator = without(stage), stage.browse("administrator")
    assert "每次最多开 2 个账号" in administrator.get("/accounts").text
    made: dict[str, tuple[str, str]] = {}
    chosen, address = keys[1:], "http://10.0.0.8:8000"
    while chosen:
        page = administrator.post("/accounts/new", {"person": chosen, "address": address}).text
        made |= slips(page)
        rest = re.findall(r'name="person" value="([^"]+)"', page)
        assert rest == chosen[2:]
        assert (f"还有 {len(rest)} 人未开账号" in page) == bool(rest)
        assert page.count(address) == len(slips(page)) + bool(rest)
        chosen = rest
    assert len(made) == len(keys) - 1
    assert without(stage) == keys[:1], "nobody who wasn't chosen"


def test_two_people_of_one_name_get_two_user_names(stage: Stage) -> None:
    with stage.session() as session:
        factories.account(session, stage.panel, "lina")
        for _n in range(2):
            session.add(models.Officer(name="李娜", squad_id=stage.inside["squad"]))
    answer = stage.browse("administrator").post("/accounts/new", {"person": without(stage)})
    assert {"lina2", "lina3"} <= set(re.findall(r"<dd>(\w+)</dd>", answer.text))


def test_whoever_left_gets_no_account(stage: Stage) -> None:
    stage.put("officer", stage.outside["officer"], active=False)
    stage.put("liaison", stage.outside["liaison"], end_on=stage.get("liaison", stage.outside["liaison"]).start_on)
    gone = [f"officer:{stage.outside['officer']}", f"liaison:{stage.outside['liaison']}"]
    assert not set(gone) & set(without(stage))
    before = stage.count("user")
    stage.browse("administrator").post("/accounts/new", {"person": gone})
    assert stage.count("user") == before


def test_security_grants_the_roles_that_fit_and_they_work(stage: Stage) -> None:
    made = slips(stage.browse("administrator").post("/accounts/new", {"person": without(stage)}).text)
    visitor = stage.visitor()
    username, password = made["马晓燕 · 西马桥社区"]
    visitor.log_in(username, password)
    visitor.post("/password", {"current": password, "new": "Another-pass-2", "again": "Another-pass-2"})
    assert visitor.get("/admin/community/").status_code == 403
    security = stage.browse("security")
    page = security.get("/accounts").text
    assert "马晓燕" in page
    answer = security.post("/accounts/roles", {"account": re.findall(r'name="account" value="(\d+)"', page)})
    assert answer.location == "/accounts"
    assert "西马桥社区" in visitor.get("/admin/community/").text
    with stage.session() as session:
        statement = sa.select(User.username, UserRole.role).join(User, UserRole.user_id == User.id)
        roles = {row.username: row.role for row in session.execute(statement)}
    assert (roles["maxiaoyan"], roles["hezhiyuan"]) == ("liaison", "officer")
    assert 'name="account"' not in security.get("/accounts").text


def test_no_role_is_granted_that_conflicts_or_fits_nobody(stage: Stage) -> None:
    with stage.session() as session:
        nobody = factories.account(session, stage.panel, "nobody").id
    security = stage.browse("security")
    assert "nobody" in security.get("/accounts").text
    before = stage.count("userrole")
    assert security.post("/accounts/roles", {"account": [nobody, stage.district.users["viewer"]]}).status_code == 302
    assert stage.count("userrole") == before


def test_the_administrator_links_an_account_to_a_person_and_to_one_of_a_kind(stage: Stage) -> None:
    administrator = stage.browse("administrator")
    address = f"/accounts/link?person=liaison:{stage.outside['liaison']}"
    assert "马晓燕" in administrator.get(address).text
    taken = administrator.post(address, {"user": stage.district.users["liaison"]})
    assert taken.status_code == 422
    assert "该账号已关联胡秀珍" in administrator.complaints(taken.text)
    assert administrator.post(address, {"user": "99999"}).status_code == 422
    assert administrator.post(address, {"user": stage.district.users["viewer"]}).location == "/accounts"
    user = account_of(stage, "liaison", stage.outside["liaison"])
    assert user is not None
    assert user.username == "viewer"
    for wrong in ("liaison:99999", "case:1", "liaison", ""):
        assert administrator.get(f"/accounts/link?person={wrong}").status_code == 404
    page = administrator.get(f"/admin/user/details/?id={user.id}").text
    assert "马晓燕 · 西马桥社区" in page
    assert administrator.get(f"/admin/liaison/details/?id={stage.outside['liaison']}").status_code == 403


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role not in ("administrator", "office")])
def test_below_the_pages_linking_is_refused_to_whoever_may_edit_neither(standing: Stage, role: str) -> None:
    with standing.acting(role) as session:
        with pytest.raises(AccessDenied):
            accounts.link(session, models.Liaison, standing.inside["liaison"], None)
        if role != "security":
            assert accounts.people(session) == [] or not accounts.may_make(session)
        with pytest.raises(AccessDenied):
            accounts.make(session, {"liaison:1"}, [])


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role != "security"])
def test_below_the_pages_granting_is_refused_to_all_but_security(standing: Stage, role: str) -> None:
    with standing.acting(role) as session, pytest.raises(AccessDenied):
        list(accounts.grant(session, {1}))


@pytest.mark.parametrize("table", ["liaison", "officer"])
def test_the_page_of_a_person_shows_the_account_and_its_last_log_in(stage: Stage, table: str) -> None:
    address = f"/admin/{table}/details/?id={stage.inside[table]}"
    office = stage.browse("office")
    assert "从未登录" in office.get(address).text
    assert stage.visitor().log_in(table, PASSWORD).status_code == 302
    page = office.get(address).text
    assert "从未登录" not in page
    assert "最近登录" in page
    assert 'value="reset"' not in page
    assert "请系统管理员重置密码" in page
    assert "请系统管理员在“账号与人员”中开设" in office.get(f"/admin/{table}/details/?id={stage.outside[table]}").text
    for reader in ("viewer", "leader"):
        assert not {words for words in ("最近登录", "重置密码") if words in stage.browse(reader).get(address).text}


def test_who_may_edit_accounts_and_read_people_resets_on_the_persons_page(stage: Stage) -> None:
    """Where administration isn't kept apart, as in a small office."""
    with stage.session() as session:
        session.add(UserRole(user_id=stage.district.users["administrator"], role="office"))
    browser = stage.browse("administrator")
    page = browser.get(f"/admin/liaison/details/?id={stage.inside['liaison']}").text
    assert "重置密码" in page
    answer = browser.post(
        "/admin/liaison/action/", {"action": "accounts", "rowid": [stage.inside["liaison"], stage.outside["liaison"]]}
    )
    assert list(slips(answer.text)) == ["马晓燕 · 西马桥社区"]


def test_only_who_makes_accounts_is_offered_the_bulk_act(standing: Stage) -> None:
    browser = standing.browse("office")
    assert 'value="accounts"' not in browser.get("/admin/liaison/").text
    given = {"action": "accounts", "rowid": standing.outside["liaison"]}
    assert browser.post("/admin/liaison/action/", given).status_code == 403


@pytest.mark.parametrize("role", ["office", "liaison", "viewer"])
@pytest.mark.parametrize("table", ["officer", "liaison", "community"])
def test_the_card_says_what_the_lists_say_and_no_more(standing: Stage, table: str, role: str) -> None:
    """Open cases lead to a list of that many; a telephone is as on its own page; who is out of scope isn't named."""
    browser, id_ = standing.browse(role), standing.inside[table]
    page = browser.get(f"/admin/{table}/details/?id={id_}")
    assert page.status_code == 200
    card = html.unescape(page.text.partition("<h2>概览</h2>")[2].partition("</section>")[0])
    number, address = re.findall(r"未结案件</dt><dd>(?:<a href=\"([^\"]+)\">)?(\d+)", card)[0][::-1]
    if address:
        listed = browser.get(f"{address}&size=200").text
        assert len(re.findall(r'<tr[^>]*id="row-', listed)) == int(number)
    else:
        assert number == "0"
    assert "下次走访" in card
    for other, linked in re.findall(r'href="/admin/(officer|liaison|community|visit)/details/\?id=(\d+)"', card):
        assert browser.get(f"/admin/{other}/details/?id={linked}").status_code == 200
    if table == "community":
        mobile = standing.get("liaison", standing.inside["liaison"]).mobile
        own = browser.get(f"/admin/liaison/details/?id={standing.inside['liaison']}").text
        assert mobile is not None
        assert (mobile in card) == (mobile in own)


def test_the_card_names_those_before(stage: Stage) -> None:
    """Each once, with links: earlier liaisons on the community's page, the successor on the predecessor's."""
    with stage.session() as session:
        liaison = session.get_one(models.Liaison, stage.inside["liaison"])
        day = liaison.start_on - datetime.timedelta(days=1)
        terms = {"community_id": liaison.community_id, "start_on": day, "end_on": day}
        before = models.Liaison(name="阿大", **terms)
        session.add_all([before, models.Liaison(name="阿二", **terms | {"start_on": day.replace(year=2010)})])
        session.flush()
        ids = (before.id, liaison.id, liaison.community_id)
    browser = stage.browse("office")
    text = browser.get(f"/admin/community/details/?id={ids[2]}").text
    assert re.search(
        rf'历任联络员</dt><dd><a href="/admin/liaison/details/\?id={ids[0]}">阿大</a>、<a [^>]*>阿二<', text
    )
    text = browser.get(f"/admin/liaison/details/?id={ids[0]}").text
    assert re.search(rf'继任</dt><dd><a href="/admin/liaison/details/\?id={ids[1]}">', text)
    assert re.search(r"前任</dt><dd><a [^>]*>阿二<", text)
