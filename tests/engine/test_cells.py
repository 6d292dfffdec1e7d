"""Cells of lists as markup, and what a row of a list costs besides its statements."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from werkzeug.routing import MapAdapter

from panel.i18n import _
from panel.web.pages import Cell, Column, Row
from panel.web.tables.cells import cell, cells
from tests.factories import Stage

HOSTILE = '"><script>alert(1)</script>'


def test_a_cell_is_plain_a_tag_a_link_or_a_dash() -> None:
    assert cell(Cell("甲")) == "甲"
    assert cell(Cell("甲", tone="good", light="g")) == (
        '<span class="light g" aria-hidden="true"></span><span class="tag good">甲</span>'
    )
    assert cell(Cell("甲", url="/x?a=1&b=2")) == '<a href="/x?a=1&amp;b=2">甲</a>'
    assert cell(Cell("甲", url="http://a.cn", outside=True)).startswith('<a href="http://a.cn" rel="noopener')
    assert cell(Cell("甲", url="/own"), "/row") == '<a href="/row">甲</a>'
    assert cell(Cell("甲、乙", links=[("甲", "/1"), ("乙", None)])) == '<a href="/1">甲</a>、乙'
    assert cell(Cell()) == ""
    assert cell(Cell(), "/row") == '<a href="/row">—</a>'
    assert cell(Cell(), dash=True) == '<span class="none">—</span>'
    assert cell(Cell("甲", below=["乙", ""])) == '甲<span class="below">乙</span>'
    assert cell(Cell("字" * 25), clip=True) == f'<span class="clip" title="{"字" * 25}">{"字" * 25}</span>'


def test_no_part_of_a_cell_is_taken_for_markup() -> None:
    every = Cell(HOSTILE, url=HOSTILE, tone=HOSTILE, light=HOSTILE, below=[HOSTILE], links=[(HOSTILE, HOSTILE)])
    row = Row(1, HOSTILE, [every, Cell(HOSTILE * 3)], edit_url=HOSTILE)
    columns = [Column("a", HOSTILE, inline=HOSTILE), Column("b", HOSTILE)]
    for markup in (cell(every), cell(every, HOSTILE, clip=True), cells(columns)(row)):
        assert "<script" not in markup
        assert not re.search(r'""|"[^ =>]*"[^ >/]', markup)


def test_a_row_says_what_a_card_shows_at_its_corner_and_what_falls_away() -> None:
    columns = [Column("name", _("Name"), inline="name"), *(Column(name, "", number=name == "n") for name in "abcn")]
    row = Row(7, "/7", [Cell("甲"), Cell("是", tone="good"), Cell("办理中", tone="brand"), Cell(), Cell("3")])
    looks = re.findall(r'class="([a-z ]+)"', cells(columns)(row))
    assert looks == ["first", "tag good", "status", "tag brand", "void", "number"]
    assert "data-edit" not in cells(columns)(row)
    row.edit_url = "/7/edit"
    assert 'data-edit="name"' in cells(columns)(row)
    assert '<a class="row-edit" href="/7/edit"' in cells(columns)(row)


def test_a_list_builds_no_address_for_a_row(standing: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    built = Counter[str]()
    build: Any = MapAdapter.build

    def counted(self: MapAdapter, endpoint: str, *args: Any, **options: Any) -> str:
        built[endpoint] += 1
        return str(build(self, endpoint, *args, **options))

    monkeypatch.setattr(MapAdapter, "build", counted)
    page = standing.browse("office").get("/admin/community/").text
    assert page.count('<tr id="row-') > 1
    assert built["community.details_view"] == built["community.edit_view"] == 1
    built.clear()
    assert standing.browse("office").get("/admin/liaison/").status_code == 200
    # Once for the rows, once for the records that they name.
    assert max(n for endpoint, n in built.items() if endpoint.endswith(".details_view")) <= 2
