"""Columns of lists that a table doesn't have: chosen, ordered and exported like its own, and imported never."""

from __future__ import annotations

import re

import pytest

import models
from panel.exports.table_rows import columns
from panel.search import extra_columns
from panel.search.columns import usual
from tests.factories import MODELS, Stage
from tests.workbooks import cells

#: Table and name of each.
EXTRA = [(table, field.name) for table, model in MODELS.items() for field in extra_columns.of(model)]


def headers(page: str) -> list[str]:
    head = page.partition("<thead>")[2].partition("</thead>")[0]
    return [re.sub(r"<[^>]+>|\s", "", cell) for cell in re.findall(r"<th scope.*?</th>", head, re.S)]


def test_the_lists_have_them_behind_their_columns(growing: Stage) -> None:
    names = usual(models.Liaison).names
    assert names[names.index("community") :][:4] == ["community", "street", "assigned_officer", "predecessor"]
    assert {table for table, _name in EXTRA} >= {"liaison", "referral", "mediation", "user"}
    assert "地点" in headers(growing.browse("office").get("/admin/referral/").text)


@pytest.mark.parametrize(("table", "name"), EXTRA)
def test_each_is_chosen_moved_and_ordered_by_where_that_means_something(growing: Stage, table: str, name: str) -> None:
    browser = growing.browse("security" if table == "user" else "office")
    model, label = MODELS[table], str(next(f.label for f in extra_columns.of(MODELS[table]) if f.name == name))
    own = usual(model).columns[0].name
    page = browser.get(f"/admin/{table}/?columns={name},{own}").text
    assert headers(page)[0] == label
    assert f'name="column" value="{name}" checked' in page
    ordered = extra_columns.named(model, name)
    assert ordered is not None
    assert (f"sort={name}" in page) == (ordered.order is not None)
    if ordered.order is not None:
        for sort in (name, f"-{name}"):
            shown = browser.get(f"/admin/{table}/?columns={own},{name}&sort={sort}")
            assert "aria-sort" in shown.text
            record = re.search(r"/details/\?id=\d+[^\"]+within=[^\"]+", shown.text)
            assert record is not None
            assert browser.get(f"/admin/{table}{record[0].replace('&amp;', '&')}").status_code == 200
    assert browser.get(f"/admin/{table}/?columns={own}").text.count("<th scope") == 1


def test_they_are_exported_where_they_are_shown_by_choice_as_the_list_says(growing: Stage) -> None:
    office, id_ = growing.browse("office"), growing.inside["liaison"]
    chosen = "?columns=name,street,assigned_officer"
    header, *rows = cells(office.get(f"/admin/liaison/export/xlsx/{chosen}").data)
    assert header == ["姓名", "街道", "执法队员"]
    liaison = growing.get("liaison", id_)
    page = office.get(f"/admin/liaison/{chosen}").text
    line = page.partition(f'id="row-{id_}"')[2].partition("</tr>")[0]
    exported = next(row for row in rows if row[0] == liaison.name)
    assert all(value in line for value in exported if value)
    ticked = {
        "action": "export",
        "rowid": [growing.inside["referral"]],
        "url": "/admin/referral/?columns=case_place,case_matter",
    }
    header, row = cells(office.post("/admin/referral/action/", ticked).data)
    assert header == ["地点", "事项"]
    assert "社区" in str(row[0])
    assert cells(office.get("/admin/liaison/export/xlsx/").data)[0] == [str(c.label) for c in columns(models.Liaison)]


def test_no_more_is_told_than_the_reader_sees(growing: Stage) -> None:
    """A liaison's role reads no substitute of another community; who reads no roles has no column of them."""
    officer = growing.browse("officer").get("/admin/referral/?columns=case,case_place&sort=case_place").text
    outside = growing.get("community", growing.outside["community"]).name
    assert outside not in officer.partition("<tbody>")[2]
    assert (
        "roles" not in growing.browse("office").get("/admin/liaison/?columns=name,roles").text.partition("<thead>")[2]
    )
