"""What a list shows: filters of every kind, search, order, counts that keep their word, and masks that hold."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

import models
from panel.fields import Personal, fields
from panel.kinds import ZONE
from panel.search import extra_columns, filters, order
from panel.security.policy import Permission
from tests import factories
from tests.conftest import Staged
from tests.factories import MODELS, ROLE_NAMES, TABLES, Browser, Stage, granted, pairs

KEEPER = {table: next(role for role in ROLE_NAMES if granted(role, Permission.READ, table)) for table in TABLES}
#: On PostgreSQL some tables try every kind of column.
TRIED = ("case", "community", "liaison", "referral", "visit")
WIDE = [pytest.param(table, marks=pytest.mark.database) if table in TRIED else table for table in TABLES]


def rows(page: str) -> list[int]:
    """The ids of the records on a list page, in order."""
    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [int(id_) for id_ in re.findall(r'<tr[^>]*id="row-(\d+)"', table)]


def names(browser: Browser, table: str, **arguments: Any) -> list[str]:
    """What the first column of a list says."""
    address = f"/admin/{table}/?{urlencode(arguments, doseq=True)}"
    body = browser.get(address).text.partition("<tbody>")[2].partition("</tbody>")[0]
    found = re.findall(r'<a href="/admin/\w+/details/\?id=\d+[^"]*">(.*?)</a>', body, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found]


def total(page: str) -> int:
    """How many records a list says it found."""
    found = re.search(r'<p class="sub">\D*([\d,]+)', page)
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.fixture(scope="module")
def town(staged: Staged) -> Iterator[Stage]:
    """Communities and cases to look for."""
    with staged() as stage:
        with stage.session() as session:
            # Those that stand there already have no zone, so that filters of zones find the ones below alone.
            session.execute(sa.update(models.Community.__table__).values(noise_zone=None))
            street = models.Street(name="新嘉街道")
            session.add(street)
            for name, zone, households, closed, other in (
                ("百花社区", 1, 100, False, "百花园、花园里"),
                ("百年社区", 2, 200, True, None),
                ("柏树社区", None, 300, False, "100%_好"),
                ("abc社区", 4, None, False, None),
            ):
                session.add(
                    models.Community(
                        name=name,
                        street=street,
                        noise_zone=zone,
                        households=households,
                        status="closed" if closed else "active",
                        alias_names=other,
                        dog_key_zone=zone == 1,
                        squad_id=stage.inside["squad"] if zone else None,
                    )
                )
            session.flush()
            community = session.get_one(models.Community, stage.inside["community"])
            for day, hour in ((1, 0), (1, 23), (2, 0), (2, 12), (3, 0)):
                found = factories.case(session, community)
                found.reported_at = datetime(2026, 3, day, hour, 59 if hour == 23 else 0, tzinfo=ZONE)
                found.title = f"三月{day}日{hour}时"
        yield stage


# Filters.


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "百"}, ["百花社区", "百年社区"]),
    ({"name": ["百花", "柏"]}, ["百花社区", "柏树社区"]),
    ({"name": "ABC"}, ["abc社区"]),
    ({"alias_names": "%_"}, ["柏树社区"]),
    ({"alias_names": "花园"}, ["百花社区"]),
    ({"status": "closed"}, ["百年社区"]),
    ({"status": ["closed", "active"], "name": "百"}, ["百花社区", "百年社区"]),
    ({"status": "合并或撤销"}, []),
    ({"dog_key_zone": "1"}, ["百花社区"]),
    ({"dog_key_zone": "0", "name": "百"}, ["百年社区"]),
    ({"noise_zone": "2"}, ["百年社区"]),
    ({"noise_zone": ["1", "4"]}, ["abc社区", "百花社区"]),
    ({"noise_zone.from": "2"}, ["abc社区", "百年社区"]),
    ({"noise_zone.to": "1"}, ["百花社区"]),
    ({"households.from": "150", "households.to": "250"}, ["百年社区"]),
    ({"squad.empty": "1"}, ["柏树社区"]),
    ({"squad.empty": "0", "name": "百"}, ["百花社区", "百年社区"]),
    ({"noise_zone": "x"}, []),
    ({"status": "nonsense"}, []),
]


@pytest.mark.database
@pytest.mark.parametrize(("given", "expected"), FILTERS, ids=[urlencode(f[0], doseq=True) for f in FILTERS])
def test_a_filter_finds_what_it_says(town: Stage, given: dict[str, Any], expected: list[str]) -> None:
    if "合并或撤销" in given.values():
        given, expected = {"status": models.CommunityStatus.CLOSED.label}, ["百年社区"]
    assert names(town.browse("office"), "community", **given) == expected


@pytest.mark.database
def test_a_reference_is_filtered_by_its_record(town: Stage) -> None:
    office = town.browse("office")
    inside, outside = town.inside["street"], town.outside["street"]
    assert names(office, "community", street=inside) == ["东栅社区"]
    assert names(office, "community", street=[inside, outside]) == ["东栅社区", "西马桥社区"]
    page = office.get(f"/admin/community/?street={inside}").text
    assert "城东街道" in page
    assert "不可见" in office.get("/admin/community/?street=999999").text


@pytest.mark.database
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"reported_at.from": "2026-03-01", "reported_at.to": "2026-03-01"}, 2),
        ({"reported_at.from": "2026-03-01", "reported_at.to": "2026-03-02"}, 4),
        ({"reported_at.to": "2026年3月1日"}, 2),
        ({"reported_at.to": "2026年03月01日"}, 2),
        ({"reported_at.from": "2026-03-02 12:00", "reported_at.to": "2026-03-02T12:00"}, 1),
        ({"reported_at.from": "2026-03-03", "reported_at.to": "2026-04-01"}, 1),
        ({"reported_at.from": "2026-02-01", "reported_at.to": "2026-02-28"}, 0),
        ({"reported_at": "2026-03-02"}, 2),
    ],
)
def test_a_day_stands_for_all_its_moments(town: Stage, given: dict[str, str], found: int) -> None:
    """In the office's zone: midnight of the first is the day before in UTC."""
    given = {"reported_at.from": "2026-01-01", "reported_at.to": "2026-06-01"} | given
    if "reported_at" in given:
        given = {"reported_at": given["reported_at"]}
    assert len(names(town.browse("office"), "case", **given)) == found


def test_filters_in_force_are_shown_and_can_be_dropped(town: Stage) -> None:
    office = town.browse("office")
    page = office.get("/admin/community/?status=closed&noise_zone.from=1&q=年&size=20").text
    dropped = [html.unescape(a) for a in re.findall(r'<a class="chip on" href="([^"]*)" title', page)]
    assert len(dropped) == 3
    for address in dropped:
        assert len(re.findall("status=|noise_zone.from=|q=", address)) == 2
        assert "size=20" in address
        assert 1 in {len(rows(office.get(address).text)), 1}
    assert total(page) == 1


def test_a_page_keeps_its_filters(town: Stage) -> None:
    office = town.browse("office")
    with town.session() as session:
        for n in range(45):
            session.add(models.Street(name=f"甲{n:02}街道"))
    page = office.get("/admin/street/?name=甲&size=20&sort=-name").text
    links = {html.unescape(a) for a in re.findall(r'href="(/admin/street/\?[^"]*page=[^"]*)"', page)}
    assert links
    seen = rows(page)
    for number in (2, 3):
        seen += rows(office.get(f"/admin/street/?name=甲&size=20&sort=-name&page={number}").text)
    assert len(seen) == len(set(seen)) == 45
    found = names(office, "street", name="甲", size=50, sort="-name")
    assert found == sorted(found, reverse=True)


# Search.


@pytest.mark.database
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("百花", ["百花社区"]),
        ("社区 百", ["百花社区", "百年社区"]),
        ("bhsq", ["百花社区"]),
        ("baihua", ["百花社区"]),
        ("BAIHUA", ["百花社区"]),
        ("花园里", ["百花社区"]),
        ("100%_", ["柏树社区"]),
        ("Abc", ["abc社区"]),
        ("ａｂｃ", ["abc社区"]),
        ("%", ["柏树社区"]),
        ("百花 百年", []),
        ("没有", []),
    ],
)
def test_every_word_must_be_found_somewhere(town: Stage, words: str, expected: list[str]) -> None:
    assert names(town.browse("office"), "community", q=words) == expected


@pytest.mark.database
def test_a_case_number_is_found_in_any_letters(town: Stage) -> None:
    number = town.get("case", town.inside["case"]).case_no
    for words in (number, number.lower(), number[-6:]):
        assert number in names(town.browse("office"), "case", q=words)


# Order.


@pytest.mark.parametrize("table", WIDE)
def test_only_columns_whose_order_means_something_are_sorted_by(standing: Stage, table: str) -> None:
    """By every other one: none that is private, that the reader sees masked, or whose text is long."""
    model, browser = MODELS[table], standing.browse(KEEPER[table])
    masked = standing.panel.policy.roles[KEEPER[table]].masked
    page = browser.get(f"/admin/{table}/").text
    offered = {n.removeprefix("-") for n in re.findall(r'<th[^>]*><a href="[^"]*[?;]sort=(-?[\w.]+)', page)}
    by_name = {f.name: f for f in fields(model)}
    extra = {f.name for f in extra_columns.of(model) if f.extra.order is not None}
    for field in map(by_name.__getitem__, offered - extra):
        assert field.personal is Personal.NO or (field.personal is Personal.WORK and not masked)
        assert not field.encrypted
    # A sort that isn't offered is left out.
    for name in by_name.keys() - order.sortable(model, masked=masked):
        assert browser.get(f"/admin/{table}/?sort=-{name}").status_code == 200


@pytest.mark.parametrize("table", WIDE)
def test_pages_read_from_the_end_fit_those_from_the_start(growing: Stage, table: str) -> None:
    """However a column ties: every record stands on one page, once."""
    with growing.session() as session:
        for _n in range(25):
            factories.another(session, table, growing.inside)
    browser, count = growing.browse(KEEPER[table]), growing.count(table)
    names = sorted(order.sortable(MODELS[table]))
    some, size = names[:: max(1, len(names) // 4)], 20 if count < 100 else 100
    for sort in ["", *(turn + name for turn, name in zip(cycle(("-", "")), some, strict=False))]:
        seen: list[int] = []
        for number in range(1, -(-count // size) + 1):
            page = browser.get(f"/admin/{table}/?size={size}&sort={sort}&page={number}")
            assert page.status_code == 200
            seen += rows(page.text)
        assert len(seen) == len(set(seen)) == count, sort


@pytest.mark.database
def test_names_are_sorted_by_pinyin(town: Stage) -> None:
    expected = ["abc社区", "百花社区", "百年社区", "柏树社区", "东栅社区", "西马桥社区"]
    for sort in ("", "name", "-name"):
        found = [name for name in names(town.browse("office"), "community", sort=sort, size=200) if name in expected]
        assert found == (expected[::-1] if sort == "-name" else expected)


# Counts.


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_count_on_the_home_page_is_that_of_the_list_behind_it(town: Stage, role: str) -> None:
    browser = town.browse(role)
    with town.session() as session:
        session.execute(
            sa.update(models.Case).where(models.Case.id == 1).values(due_at=datetime(2026, 1, 1, tzinfo=ZONE))
        )
    page = browser.get("/").text
    tiles = re.findall(r'<a class="[^"]*" href="([^"]*)">[^<]*<b>([\d,]+)</b>', page.partition('class="tiles')[2])
    assert tiles
    for address, count in tiles:
        if address == "/backups":
            continue  # counts days and gigabytes
        assert total(browser.get(html.unescape(address)).text) == int(count.replace(",", "")), address
    for address, count in re.findall(r'<a href="([^"]*)"[^>]*>\s*<i[^>]*></i>[^<]*<b>([\d,]+)</b>', page):
        view = town.panel.views[address.split("/")[2]]
        assert total(browser.get(f"{address}?is={view.badge}").text) == int(count.replace(",", ""))


@pytest.mark.parametrize(("role", "table"), pairs())
def test_a_count_on_a_chip_is_that_of_its_list(town: Stage, role: str, table: str) -> None:
    browser = town.browse(role)
    page = browser.get(f"/admin/{table}/").text
    for address, count in re.findall(r'<a class="chip[^"]*" href="([^"]*\?is=\w+)"[^>]*>[^<]*<b>([\d,]+)</b>', page):
        assert total(browser.get(html.unescape(address)).text) == int(count.replace(",", "")), address
    assert all(f"?is={name}" in page for name in town.panel.views[table].quick)


# Personal data.


PERSONAL = [(t, f) for t in TABLES for f in fields(MODELS[t]) if f.personal is not Personal.NO]
SHOWN = {"mobile": "13612345678", "phone": "13612345678", "telephone": "0573-82712611"}


@pytest.fixture(scope="module")
def people(staged: Staged) -> Iterator[Stage]:
    """Somebody with every personal value in every table that has them."""
    with staged() as stage:
        with stage.session() as session:
            for table in {table for table, _field in PERSONAL}:
                found = session.get_one(MODELS[table], stage.inside[table])
                for field in fields(MODELS[table]):
                    if field.personal is not Personal.NO:
                        setattr(found, field.attr, SHOWN.get(field.attr, "欧阳修某某某某某"))
        yield stage


@pytest.fixture(scope="module")
def everywhere(people: Stage) -> Callable[[str, str], str]:
    """All that a role is shown of a record of a table: list, details, form, question before deletion."""

    @cache
    def shown(role: str, table: str) -> str:
        id_ = people.inside[table]
        pages = [f"/admin/{table}/", *(f"/admin/{table}/{p}/?id={id_}" for p in ("details", "edit", "confirm"))]
        return "".join(people.browse(role).get(page).text for page in pages)

    return shown


@pytest.mark.parametrize("role", ["viewer", "office", "leader", "officer", "liaison"])
@pytest.mark.parametrize(("table", "field"), PERSONAL, ids=[f"{t}-{f.name}" for t, f in PERSONAL])
def test_a_personal_value_is_shown_to_whom_it_may_be(
    everywhere: Callable[[str, str], str], role: str, table: str, field: Any
) -> None:
    if not granted(role, Permission.READ, table):
        return
    shown = everywhere(role, table)
    value = SHOWN.get(field.attr, "欧阳修某某某某某")
    hidden = field.personal is Personal.PRIVATE or role == "viewer"
    assert (html.escape(value) in shown) == (not hidden)
    if hidden:
        assert field.kind.mask(value) in shown


@pytest.mark.parametrize(("table", "field"), PERSONAL, ids=[f"{t}-{f.name}" for t, f in PERSONAL])
@pytest.mark.parametrize("role", ["viewer", "office"])
def test_nobody_finds_by_what_they_do_not_see(people: Stage, role: str, table: str, field: Any) -> None:
    """Neither by filter nor by search nor by order: the number found would tell."""
    hidden = field.personal is Personal.PRIVATE or role == "viewer"
    assert (field in filters.filterable(MODELS[table], masked=role == "viewer")) <= (not hidden)
    if not hidden:
        return
    browser, value = people.browse(role), SHOWN.get(field.attr, "欧阳修某某某某某")
    everything = total(browser.get(f"/admin/{table}/").text)
    for suffix in ("", ".from", ".to", ".empty"):
        page = browser.client.get(f"/admin/{table}/", query_string={field.name + suffix: value}).text
        assert total(page) == everything
        assert value not in page.partition("<tbody>")[2]
    plain = browser.get(f"/admin/{table}/").text
    assert f'name="{field.name}"' not in plain
    assert f"sort={field.name}" not in plain
    for part in (value, value[:3], value[-4:]):
        found = browser.client.get(f"/admin/{table}/", query_string={"q": part}).text
        has_search = 'name="q"' in plain.partition('id="filters"')[2]
        assert total(found) == (0 if has_search else everything)


def test_a_private_value_is_in_no_clear_column_beside_it(stage: Stage) -> None:
    """Of a private phone the last four digits and a keyed hash recognise it; the hash is none of the phone alone."""
    id_ = stage.add("caseparty", phone="13612345678")
    found = stage.get("caseparty", id_)
    assert (found.phone[-4:], len(found.phone_hash)) == ("5678", 64)
    with stage.session() as session:
        session.get_one(models.CaseParty, id_).phone = None
    found = stage.get("caseparty", id_)
    assert (found.phone, found.phone_hash) == (None, None)


# Empty.


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_list_says_so(standing: Stage, table: str) -> None:
    browser = standing.browse(KEEPER[table])
    page = browser.get(f"/admin/{table}/?q=zzzzzz").text
    if 'name="q"' in page.partition('id="filters"')[2]:
        assert rows(page) == []
        assert 'class="empty"' in page


def test_a_step_a_role_and_an_outcome_are_chosen_by_their_labels(standing: Stage) -> None:
    for role, table, field in (("office", "caseevent", "step"), ("security", "userrole", "role")):
        browser = standing.browse(role)
        page = browser.get(f"/admin/{table}/").text
        chosen = re.search(rf'<select[^>]*name="{field}".*?</select>|<div class="ticks">.*?</div>', page, re.S)
        assert chosen is not None
        options = re.findall(r'value="(\w+)"[^>]*>([^<]+)<', chosen[0])
        options = [(value, label.strip()) for value, label in options]
        assert ("report", "上报") in options or ("office", "内勤") in options
        for value, label in options[1:4]:
            counted = [total(browser.get(f"/admin/{table}/?{field}={given}").text) for given in (value, label)]
            assert counted[0] == counted[1]
    assert total(standing.browse("security").get("/admin/userrole/?role=office").text) == 1
