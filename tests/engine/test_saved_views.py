"""Saved views, the choice of columns, and what the filters of a list understand, over HTTP."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

import models
from panel.kinds import today
from panel.search import periods, saved_views
from panel.search.listing import Query
from panel.search.view_records import DefaultView, SavedView
from panel.security.accounts import User
from panel.security.policy import Permission
from tests import factories, steps
from tests.conftest import Staged
from tests.factories import MODELS, Browser, Stage

LIST = "/admin/community/"


@pytest.fixture(scope="module")
def town(staged: Staged) -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture(autouse=True)
def no_views(town: Stage) -> Iterator[None]:
    yield
    with town.session() as session:
        session.execute(sa.delete(DefaultView))
        session.execute(sa.delete(SavedView))


def act(browser: Browser, act: str, query: str = "", table: str = "community", **given: Any) -> TestResponse:
    """Post an act on a view, and return the list that it leads to."""
    answer = browser.post(f"/admin/{table}/views/", {"act": act, "arguments": query, **given})
    if answer.status_code != 302:
        return answer
    page = browser.get(answer.location)
    return browser.get(page.location) if page.status_code == 302 else page


def stored(stage: Stage, name: str) -> SavedView:
    with stage.session() as session:
        return session.execute(sa.select(SavedView).where(SavedView.name == name)).scalar_one()


def opened(browser: Browser, id_: int, table: str = "community") -> TestResponse:
    answer = browser.get(f"/admin/{table}/?view={id_}")
    return browser.get(answer.location) if answer.status_code == 302 else answer


def heads(page: str) -> list[str]:
    """The labels of a list's columns."""
    cells = re.findall(r'<th scope="col".*?</th>', page, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells]


def said(page: str) -> str:
    found = re.findall(r'<div class="note [^"]*"[^>]*>(.*?)</div>', page, re.S)
    return html.unescape(" ".join(found))


def count(browser: Browser, table: str, **arguments: Any) -> int:
    page = browser.get(f"/admin/{table}/?{urlencode(arguments, doseq=True)}").text
    found = re.search(r'<p class="sub">\D*([\d,]+)', page)
    assert found is not None
    return int(found[1].replace(",", ""))


# Views.


def test_a_view_is_saved_opened_and_exported(town: Stage) -> None:
    office = town.browse("office")
    saved = act(office, "save", "status=active&columns=name,squad&sort=-name&size=20&page=2", view_name=" 在管 ")
    assert "视图“在管”已保存。" in saved.text
    view = stored(town, "在管")
    assert parse_qs(view.query) == {
        "status": ["active"],
        "columns": ["name,squad"],
        "sort": ["-name"],
        "size": ["20"],
    }
    answer = office.get(f"{LIST}?view={view.id}")
    address = parse_qs(urlparse(answer.location).query)
    assert address["columns"] == ["name,squad"], "all of it stands in the address"
    page = office.get(answer.location).text
    assert heads(page) == ["名称", "分队"]
    link = re.search(r'href="(/admin/community/export/xlsx/[^"]*)"', page)
    assert link is not None
    file = office.get(html.unescape(link[1]).replace("/xlsx/", "/csv/")).text
    assert file.lstrip("\ufeff").splitlines()[0] == "名称,分队"
    choice = office.get(html.unescape(link[1]).replace("/xlsx/", "/")).text
    ticked = re.findall(r'name="column" value="(\w+)" checked', choice)
    assert ticked == ["name", "squad"], "the page that chooses columns begins with them"
    # What is changed then can be saved in it.
    changed = office.get(f"{answer.location}&noise_zone=1").text
    assert "（已改动）" in changed
    act(office, "replace", f"{view.query}&noise_zone=1", view=view.id)
    assert parse_qs(stored(town, "在管").query)["noise_zone"] == ["1"]
    assert "视图“在管”已删除。" in act(office, "delete", view=view.id).text
    assert f"view={view.id}" not in office.get(LIST).text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"view_name": "  "}, "请填写视图名称。"),
        ({"view_name": "长" * 41}, "最多 40 个字符"),
        ({"view_name": "多", "query": urlencode({"name": ["甲" * 60] * 20}, doseq=True)}, "过多"),
    ],
)
def test_a_view_that_cannot_be_saved_is_refused_in_a_sentence(town: Stage, given: dict[str, str], why: str) -> None:
    assert why in act(town.browse("office"), "save", **given).text
    assert town.browse("office").get(LIST).text.count("?view=") == 0


def test_a_view_of_somebody_else_is_neither_opened_nor_touched(town: Stage) -> None:
    act(town.browse("office"), "save", "status=active", view_name="自己的")
    view, leader = stored(town, "自己的"), town.browse("leader")
    for address in (f"{LIST}?view={view.id}", f"{LIST}?view=999999", f"{LIST}?view=nonsense", f"{LIST}?view=-1"):
        answer = leader.get(address)
        assert answer.status_code == 302
        assert "没有这个视图" in leader.get(answer.location).text
    assert "没有这个视图" in leader.get(f"{LIST}?view={view.id}&status=active").text
    for name in ("delete", "replace", "prefer"):
        assert "没有这个视图" in act(leader, name, view=view.id).text
    assert "自己的" not in leader.get(LIST).text
    assert stored(town, "自己的").query == "status=active"
    # Nor is one of another list.
    assert "没有这个视图" in opened(town.browse("office"), view.id, "liaison").text


def test_sharing_is_a_right_denied_granted_and_allowed(town: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, officer = town.browse("leader"), town.browse("officer")
    assert "view_role" in town.browse("office").get(LIST).text
    assert 'name="view_role"><option' not in leader.get(LIST).text
    assert act(leader, "save", "status=active", view_name="共用", view_role="officer").status_code == 403
    role = town.panel.policy.roles["leader"]
    grants = {**role.grants, models.Community: role.grants[models.Community] | {Permission.SHARE}}
    monkeypatch.setitem(town.panel.policy.roles, "leader", replace(role, grants=grants))
    assert "共用" in act(leader, "save", "status=active", view_name="共用", view_role="officer").text
    view = stored(town, "共用")
    assert "共用" in opened(officer, view.id).text
    assert "共用" not in town.browse("viewer").get(LIST).text, "it is shared with one role"
    assert "共用" in town.browse("office").get(LIST).text, "whoever may share keeps what is shared"
    # Whom it is shared with reads it, and may make it theirs; but not change or delete it.
    assert act(officer, "delete", view=view.id).status_code == 403
    assert act(officer, "replace", "status=closed", view=view.id).status_code == 403
    assert act(officer, "prefer", view=view.id, view_role="officer").status_code == 403
    assert "默认" in act(officer, "prefer", view=view.id).text
    # A role that doesn't read the list, or that there isn't.
    for other in ("auditor", "nobody"):
        refused = act(town.browse("office"), "save", view_name="无人", view_role=other)
        assert "视图只能共享给可查看此列表的角色。" in refused.text


def test_a_list_opens_with_the_view_of_the_account_or_else_of_the_role(town: Stage) -> None:
    office, officer = town.browse("office"), town.browse("officer")
    act(office, "save", "status=active", view_name="队员默认", view_role="officer", view_default="1")
    assert "status=active" in officer.get(LIST).location
    menu = office.get(LIST)
    assert menu.status_code == 200
    assert "执法队员默认" in menu.text
    assert officer.get(f"{LIST}?view=none").status_code == 200
    assert f'href="{LIST}?view=none"' in officer.get(f"{LIST}?status=closed").text, "the way out of it"
    act(officer, "save", "", view_name="全看", view_default="1")
    answer = officer.get(LIST)
    assert answer.location.endswith(f"?view={stored(town, '全看').id}")
    assert officer.get(answer.location).status_code == 200, "a view of everything leads nowhere else"
    act(officer, "prefer_not", view=stored(town, "全看").id)
    assert "status=active" in officer.get(LIST).location
    act(office, "delete", view=stored(town, "队员默认").id)
    assert officer.get(LIST).status_code == 200


def test_a_view_is_opened_without_what_its_reader_may_not_see(town: Stage) -> None:
    """Nor does the address that it leads to tell the value of a filter."""
    office, viewer = town.browse("office"), town.browse("viewer")
    query = "mobile=13812345678&sort=mobile&columns=name,mobile,nonsense&community.street=1"
    act(office, "save", query, table="liaison", view_name="按手机", view_role="viewer")
    with town.session() as session:
        session.execute(sa.update(SavedView).values(query=query))
    view = stored(town, "按手机")
    answer = viewer.get(f"/admin/liaison/?view={view.id}")
    assert "138" not in answer.location
    page = viewer.get(answer.location).text
    assert "视图“按手机”中以下列或筛选不存在或您无权查看，已略去：手机、nonsense" in said(page)
    assert heads(page)[-2:] == ["姓名", "手机"], "a masked column stays, masked"
    assert "13812345678" in office.get(f"/admin/liaison/?view={view.id}").location


@pytest.mark.framed("/")
def test_a_list_is_found_as_it_was_left_and_not_by_the_next_account(town: Stage) -> None:
    seat = town.visitor()

    def menu() -> list[str]:
        return [html.unescape(address) for address in re.findall(rf'<a href="({LIST}[^"]*)"', seat.get("/").text)]

    seat.log_in("office")
    seat.get(f"{LIST}?status=closed&sort=-name")
    assert menu() == [f"{LIST}?sort=-name&status=closed"]
    seat.get(LIST)
    assert menu() == [LIST]
    # What was searched for may be somebody's name, which no browser keeps.
    seat.get(f"{LIST}?q=张三&status=active")
    assert menu() == [f"{LIST}?status=active"]
    seat.get(f"{LIST}?status=closed")
    seat.post("/logout")
    seat.log_in("leader")
    assert menu() == [LIST]


# Columns.


def test_columns_are_chosen_in_order_without_a_script(town: Stage) -> None:
    office = town.browse("office")
    sent = office.get(f"{LIST}?status=active&column=squad&column=name&column=street&up=street")
    assert parse_qs(urlparse(sent.location).query) == {"status": ["active"], "columns": ["squad,street,name"]}
    assert heads(office.get(sent.location).text) == ["分队", "街道", "名称"]
    assert parse_qs(urlparse(office.get(f"{LIST}?column=name&column=squad&down=name").location).query) == {
        "columns": ["squad,name"]
    }


def test_what_stands_below_a_column_does_so_right_after_it(town: Stage) -> None:
    office = town.browse("office")
    assert heads(office.get(f"{LIST}?columns=name,street,squad").text) == ["名称", "分队"]
    assert heads(office.get(f"{LIST}?columns=street,name,squad").text) == ["街道", "名称", "分队"]


def test_a_column_that_there_is_not_is_told_in_a_sentence(town: Stage) -> None:
    office = town.browse("office")
    page = office.get(f"{LIST}?columns=name,password_hash,%3Cb%3E,name_key").text
    assert "此列表没有列 password_hash、<b>、name_key" in said(page)
    assert heads(page) == ["名称"]
    assert "没有列" in office.get(f"{LIST}?columns=nothing").text


def test_a_column_is_not_offered_to_whom_its_table_is_closed(town: Stage) -> None:
    """A liaison's table is no liaison's of accounts: neither the column nor the filter."""
    liaison = town.browse("liaison")
    page = liaison.get("/admin/liaison/").text
    assert 'name="column" value="user"' not in page
    assert 'name="user"' not in page
    assert "没有列 user" in said(liaison.get("/admin/liaison/?columns=name,user").text)
    assert 'name="column" value="user"' in town.browse("office").get("/admin/liaison/").text


def test_names_that_are_only_chosen_cost_one_statement(town: Stage) -> None:
    office = town.browse("office")
    with town.app.app_context():
        engine = town.panel.db.engine

    def cost() -> int:
        with factories.counted(engine) as sent:
            assert office.get("/admin/officer/?columns=name,user&size=200").status_code == 200
        return len([one for one in sent if not one.startswith("UPDATE loginsession")])

    def add(*names: str) -> int:
        with town.session() as session:
            for name in names:
                user = User(username=name, name=f"某{name}", password_hash="x", must_change=False)
                session.add(user)
                session.flush()
                session.add(models.Officer(name=f"队员{name}", user_id=user.id))
        return cost()

    assert add("own1") == add("own2", "own3", "own4")


# Filters.


def test_a_record_is_filtered_by_the_street_of_its_community(town: Stage) -> None:
    office, inside = town.browse("office"), town.inside
    assert count(office, "case", **{"community.street": inside["street"]}) >= 1
    both = [inside["street"], town.outside["street"]]
    assert count(office, "case", **{"community.street": both}) > count(office, "case", **{"community.street": both[:1]})
    assert count(office, "case", **{"community.street": 999999}) == 0
    assert count(office, "case", **{"community.street": "nonsense"}) == 0
    assert count(office, "referral", **{"case.community.street": inside["street"]}) >= 1
    assert "城东街道" in office.get(f"/admin/case/?community.street={inside['street']}").text
    names = [one["label"] if isinstance(one, dict) else one[1] for one in lookup(office, "case", "community.street")]
    assert any("城东街道" in name for name in names)


def lookup(browser: Browser, table: str, name: str, more: str = "") -> Any:
    return browser.get(f"/admin/{table}/ajax/lookup/?name={name}&query={more}").json


def test_a_look_up_of_a_filter_is_narrowed_by_the_others(town: Stage) -> None:
    """A street leaves its communities, a squad its officers; what the reader may not read narrows nothing."""
    office, inside, outside = town.browse("office"), town.inside, town.outside

    def offered(browser: Browser, name: str, *beside: str) -> set[int]:
        more = "".join(f"&beside={one}" for one in beside)
        return {id_ for id_, _label in lookup(browser, "case", name, f"&every=1{more}")}

    street = f"community.street:{inside['street']}"
    assert {inside["community"], outside["community"]} <= offered(office, "community")
    assert inside["community"] in offered(office, "community", street)
    assert outside["community"] not in offered(office, "community", street)
    assert outside["community"] in offered(office, "community", street, f"community.street:{outside['street']}")
    squad = f"community.squad:{inside['squad']}"
    assert outside["officer"] in offered(office, "handler")
    assert outside["officer"] not in offered(office, "handler", squad)
    assert offered(office, "community", "nonsense", "status:1", f"x.y:{inside['street']}") == offered(
        office, "community"
    )
    liaison = town.browse("liaison")
    assert offered(liaison, "community", "community.squad:999") == offered(liaison, "community")


def test_a_filter_through_a_reference_tells_nothing_of_what_is_invisible(town: Stage) -> None:
    """A liaison reads no squads: no number of one finds their own community's cases."""
    liaison = town.browse("liaison")
    assert count(liaison, "case") >= 1
    with town.session() as session:
        squads = list(session.execute(sa.select(models.Squad.id)).scalars())
    for squad in squads:
        assert count(liaison, "case", **{"community.squad": squad}) == 0
    assert 'name="community.squad"' not in liaison.get("/admin/case/").text


def test_alternatives_are_joined_by_or_in_groups(town: Stage) -> None:
    office = town.browse("office")
    named = {"name": "东栅", "name.or": "1", "street": town.outside["street"], "street.or": "1"}
    either = count(office, "community", **named)
    assert either == count(office, "community", name="东栅") + count(office, "community", street=town.outside["street"])
    assert count(office, "community", **named, status="closed") == 0, "what isn't in the group must be met too"
    two = {**named, "status": "closed", "status.or": "2", "noise_zone.empty": "1", "noise_zone.or": "2"}
    assert count(office, "community", **two) <= either
    page = office.get(f"{LIST}?{urlencode(named)}").text
    assert re.search(r'class="either">.*?名称：东栅.*?>或<.*?街道：', page, re.S)
    assert count(office, "community", **{"name": "东栅", "name.or": "9"}) == count(office, "community", name="东栅")
    assert count(office, "community", **{"name.or": "1"}) == count(office, "community")


def test_periods_move_with_the_calendar(town: Stage) -> None:
    office = town.browse("office")
    with town.session() as session:
        session.execute(sa.update(models.Liaison).values(start_on=today() - timedelta(days=3 * 366)))
        ids = list(session.execute(sa.select(models.Liaison.id)).scalars())
        session.execute(sa.update(models.Liaison).where(models.Liaison.id == ids[0]).values(start_on=today()))
    for name in periods.PERIODS:
        expected = 0 if name.startswith("last_") and name != "last_30_days" else 1
        assert count(office, "liaison", **{"start_on.in": name}) == expected, name
    assert count(office, "liaison", **{"start_on.in": ["last_week", "today"]}) == 1
    assert count(office, "liaison", **{"start_on.in": "nonsense"}) == 0
    assert "任职日期：本月" in office.get("/admin/liaison/?start_on.in=this_month").text


@pytest.mark.parametrize(
    ("name", "day", "first", "last"),
    [
        ("this_week", date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 29)),
        ("last_week", date(2026, 1, 1), date(2025, 12, 22), date(2025, 12, 28)),
        ("last_month", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("this_month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
        ("this_month", date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        ("last_30_days", date(2026, 3, 1), date(2026, 1, 31), date(2026, 3, 1)),
    ],
)
def test_a_period_has_its_days(name: str, day: date, first: date, last: date) -> None:
    assert periods.PERIODS[name].days(day) == (first, last)


# Order.


@pytest.mark.database
def test_references_are_sorted_by_name_and_choices_by_their_list(town: Stage) -> None:
    office = town.browse("office")

    def column(table: str, sort: str, name: str) -> list[str]:
        file = office.get(f"/admin/{table}/export/csv/?sort={sort}&columns={name}").text
        return file.lstrip("\ufeff").splitlines()[1:]

    streets = column("community", "street", "street")
    assert (
        streets == sorted(streets, key=lambda street: ("城东", "城西").index(street[:2]) if street else -1) or streets
    )
    with town.session() as session:
        keys = dict(session.execute(sa.select(models.Street.name, models.Street.name_key)).all())
    assert [keys[one] for one in streets] == sorted(keys[one] for one in streets)
    assert column("community", "-street", "street") == streets[::-1]
    labels = [str(choice.label) for choice in models.CaseStatus]
    found = column("case", "status", "status")
    assert found == sorted(found, key=labels.index)


def test_the_name_of_an_invisible_record_gives_no_order(town: Stage) -> None:
    """In the scope of the statement it has none, like an empty reference."""
    assert "squad" in MODELS["community"].__mapper__.relationships
    liaison = town.browse("liaison")
    assert liaison.get(f"{LIST}?sort=squad").status_code == 200
    assert "sort=squad" not in liaison.get(LIST).text


@pytest.mark.database
def test_of_two_views_that_a_role_gets_at_the_same_moment_one_stays(stage: Stage) -> None:
    with steps.acting(stage, "office") as session:
        views = [saved_views.save(session, models.Community, Query(), name, "officer") for name in ("甲", "乙")]
        session.flush()
        ids = [view.id for view in views]
    first_has_set = threading.Event()

    def give(id_: int, first: bool) -> None:
        first or first_has_set.wait()
        with steps.acting(stage, "office") as session:
            saved_views.set_default(session, models.Community, session.get_one(SavedView, id_), "officer")
            session.flush()
            first_has_set.set()
            time.sleep(0.3 if first else 0)

    threads = [threading.Thread(target=give, args=(id_, id_ == ids[0])) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stage.session() as session:
        assert list(session.scalars(sa.select(DefaultView.view_id))) == [ids[1]]


def test_widths_of_columns_stand_in_the_address_and_are_kept_in_a_view(town: Stage) -> None:
    """Typed in the choice of columns, within bounds; forgotten with the usual columns; for columns that there are."""
    office = town.browse("office")
    asked = office.get(f"{LIST}?column=name&column=squad&width.name=120&width.squad=9999&width.kind=")
    assert parse_qs(urlparse(asked.location).query) == {"columns": ["name,squad"], "widths": ["name-120,squad-800"]}
    page = office.get(asked.location).text
    assert re.findall(r'data-column="(\w+)" width="(\d+)"', page) == [("name", "120"), ("squad", "800")]
    assert page.count('class="first sized"') > 1
    assert 'name="width.name" value="120"' in page
    assert "widths" not in re.findall(r'href="(/admin/community/export/xlsx/[^"]*)"', page)[0]
    act(office, "save", urlparse(asked.location).query, view_name="窄列")
    assert 'width="120"' in opened(office, stored(town, "窄列").id).text
    hostile = office.get(f"{LIST}?widths=name-x,nobody-90,squad-1,-5,name")
    assert re.findall(r'data-column="\w+" width="(\d+)"', hostile.text) == ["40"]
