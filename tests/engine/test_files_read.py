"""Any file is read for what it holds, not for what it is called; what nobody sees or nobody calculated is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.filters import FilterColumn, Filters
from openpyxl.worksheet.table import Table

from panel import sheets
from panel.i18n import using_locale
from panel.sheets import Book, UnreadableCell, UnreadableFile
from tests.factories import Stage
from tests.workbooks import ROSTER, Office, Page, counts, errors, opened, outcomes, saved, sentences, table, workbook

pytestmark = pytest.mark.usefixtures("reader_apart")
FILES = Path(__file__).parents[1] / "samples"
ROW = ("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01")
CSV = '街道,社区,姓名,手机,起始时间,备注\r\n城东街道,东栅社区,李四,13811112222,2026-08-01,"第一行\n第二行,同上"\r\n'


@pytest.fixture
def office(standing: Stage) -> Office:
    return Office(standing)


def altered(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A zipped workbook with one of its parts changed."""
    target = BytesIO()
    with ZipFile(BytesIO(data)) as old, ZipFile(target, "w") as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(ZipInfo(entry.filename), change(part) if entry.filename == name else part, ZIP_DEFLATED)
    return target.getvalue()


def document(rows: str, styles: str = "") -> bytes:
    """An .ods workbook of one sheet with these rows."""
    target = BytesIO()
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    with ZipFile(target, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {spaces} xmlns:calcext="urn:calcext">{styles}'
            f'<office:body><office:spreadsheet><table:table table:name="名单">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return target.getvalue()


def line(*cells: str, given: str = "") -> str:
    text = "".join(c if c.startswith("<") else _cell(c) for c in cells)
    return f"<table:table-row {given}>{text}</table:table-row>"


def _cell(text: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def rows(book: Book, sheet: int = 0) -> list[list[Any]]:
    return [found.cells for found in book.sheets[sheet].lines]


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("gb18030"),
        CSV.encode("utf-16"),
        CSV.replace(",", ";").replace("第二行;", "第二行,").encode(),
        CSV.replace(",", "\t").replace("第二行\t", "第二行,").encode("gb18030"),
        CSV.replace("13811112222", '="13811112222"').encode(),
    ],
    ids=["utf-8", "mark", "gb18030", "utf-16", "semicolons", "tabs", "quoted number"],
)
def test_a_csv_in_any_encoding_with_any_delimiter(office: Office, data: bytes) -> None:
    (row,) = office.plan("liaison", data).rows
    assert not row.errors
    assert (row.number, row.values["name"], row.values["mobile"]) == (2, "李四", "13811112222")
    assert row.values["note"] == "第一行 第二行,同上" or row.values["note"] == "第一行\n第二行,同上"


def test_a_web_page_that_is_called_xls(office: Office) -> None:
    """As many a system exports: merged cells, breaks, its own character set; a table in a cell is text of that cell."""
    page = """<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"></head><body>
    <table border=1><tr><td colspan=5><b>社区联络员花名册</b></td></tr>
    <tr><th>街道</th><th>社<br>区</th><th>姓名</th><th>手机</th><th>备注</th></tr>
    <tr><td rowspan=2>城东街道</td><td>东栅社区</td><td>李&nbsp;四</td><td>13811112222</td>
      <td><table><tr><td>内</td></tr></table></td></tr>
    <tr><td>东栅社区</td><td>王五</td><td>13811113333</td><td>&lt;b&gt;</td></tr>
    <tr style="display: none"><td>城西街道</td><td>西马桥社区</td><td>赵六</td><td>1</td><td></td></tr>
    </table></body></html>"""
    made = office.plan("liaison", page.encode("gb18030"))
    first = made.rows[0]
    assert (first.number, first.values["name"], first.values["note"]) == (3, "李四", "内")
    assert made.rows[1].cells[:3] == ["城东街道", "东栅社区", "王五"]
    assert sentences(made.warnings)[0] == "Sheet “Sheet1”: 1 hidden rows are not read."


def test_an_xls_an_xlsx_and_an_xlsm_are_told_by_their_content(office: Office) -> None:
    assert len(rows(sheets.read((FILES / "communities.xls").read_bytes()))) > 10
    macro = altered(
        table(ROSTER, ROW),
        "[Content_Types].xml",
        lambda part: part.replace(
            b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
            b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        ),
    )
    assert counts(office.plan("liaison", macro)) == {"new": 1}


def test_an_open_document_with_merged_hidden_and_faulty_cells(office: Office) -> None:
    error = (
        '<table:table-cell table:formula="of:=NA()" office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    )
    data = document(
        line("街道", "社区", "姓名", "手机", "备注")
        + line(
            '<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>城东街道</text:p>'
            "</table:table-cell>",
            "东栅社区",
            "李四",
            "13811112222",
        )
        + line("<table:covered-table-cell/>", "东栅社区", "王五", error)
        + line("城东街道", "东栅社区", "赵六", "13811114444", given='table:visibility="collapse"')
        + line("城东街道", "东栅社区", "孙七", "13811115555", given='table:visibility="filter"')
        + line("城东街道", "东栅社区", "周八", '<table:table-cell table:formula="of:=[.A1]"/>')
    )
    made = office.plan("liaison", data)
    assert [row.number for row in made.rows] == [2, 3, 5, 6]
    assert made.rows[1].cells[0] == "城东街道"
    told = errors(made)
    assert [(row, column) for row, column, message in told if "error #N/A" in message] == [(3, "手机")]
    assert [(row, column) for row, column, message in told if "no value" in message] == [(6, "手机")]
    assert "1 hidden rows" in sentences(made.warnings)[0]


def test_days_count_from_1900_or_1904(office: Office) -> None:
    data = table(ROSTER, (*ROW[:4], date(2026, 8, 1)))
    mac = altered(data, "xl/workbook.xml", lambda part: part.replace(b"<workbookPr", b'<workbookPr date1904="1"'))
    found = [office.plan("liaison", file).rows[0].values["start_on"] for file in (data, mac)]
    assert found == [date(2026, 8, 1), date(2030, 8, 2)]


@pytest.mark.parametrize("place", ["A1:A1", "A1:XFD1048576"])
def test_a_false_dimension_loses_nothing(office: Office, place: str) -> None:
    data = table(ROSTER, ROW, *[("城东街道", "东栅社区", f"李{c}", None, None) for c in "甲乙丙丁"])
    wrong = altered(
        data,
        "xl/worksheets/sheet1.xml",
        lambda part: re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{place}"'.encode(), part),
    )
    assert b"dimension" in ZipFile(BytesIO(wrong)).read("xl/worksheets/sheet1.xml")
    assert len(office.plan("liaison", wrong).rows) == 5


def test_a_cell_without_a_value_is_a_named_failure(office: Office) -> None:
    data = table(ROSTER, ROW, (*ROW[:2], "王五", "#N/A", "=TODAY()"), (*ROW[:2], "=A1", None, None))
    made = office.plan("liaison", data)
    told = {(row, column): message for row, column, message in errors(made)}
    assert set(told) == {(3, "手机"), (3, "起始时间"), (4, "姓名")}
    assert "error #N/A" in told[3, "手机"]
    assert "no value" in told[3, "起始时间"]
    assert made.rows[1].errors[-1].value == "=TODAY()"


@pytest.mark.parametrize("written", ["&#30328;", "&#x7678;", "癸"])
def test_a_formula_is_shown_as_it_was_typed(office: Office, written: str) -> None:
    data = table(ROSTER, (*ROW[:2], '="NAME"&""', None, None))
    sent = altered(data, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"NAME", written.encode()))
    assert office.plan("liaison", sent).rows[0].errors[0].value == '="癸"&""'


def test_a_formula_without_a_value_is_named_in_the_last_row_and_column_too(office: Office) -> None:
    made = office.plan("department", table(("部门", "联系人"), ("园林所", "李四"), ("城管科", "=A2"), ("=A1&A2", None)))
    assert [(row, column) for row, column, _why in errors(made)] == [(3, "联系人"), (4, "部门")]
    alone = office.plan("department", table(("部门",), ("=A1",)))
    assert [(row, column) for row, column, _why in errors(alone)] == [(2, "部门")]


def test_a_formula_counts_by_the_value_that_it_was_saved_with(office: Office) -> None:
    data = altered(
        table(ROSTER, ROW, (*ROW[:2], "=A1", "=A1", None)),
        "xl/worksheets/sheet1.xml",
        lambda part: re.sub(
            rb'<c r="C3"[^>]*>.*?</c><c r="D3"[^>]*>.*?</c>',
            '<c r="C3" t="str"><f>A1</f><v>王五</v></c><c r="D3" t="str"><f>A1</f><v></v></c>'.encode(),
            part,
        ),
    )
    made = office.plan("liaison", data)
    row = made.rows[1]
    assert (row.values["name"], row.values.get("mobile")) == ("王五", None)
    assert made.part_of(row).text(row, "community") == "东栅社区"
    assert [error.column for error in row.errors] == [""]  # two liaisons of one community, nothing of a formula


def test_a_fault_in_a_column_that_is_not_read_is_no_failure(office: Office) -> None:
    assert counts(office.plan("liaison", table((*ROSTER, "年龄"), (*ROW, "=1+1")))) == {"new": 1}


@pytest.mark.parametrize("as_table", [False, True])
def test_hidden_rows_are_left_out_and_named_but_not_those_of_a_filter(office: Office, as_table: bool) -> None:
    made = opened(table(ROSTER, ROW, *[(*ROW[:2], f"李{c}", None, None) for c in "甲乙丙丁"]))
    sheet = made.worksheets[0]
    for number in (3, 5):
        sheet.row_dimensions[number].hidden = True
    plain = office.plan("liaison", saved(made))
    assert [row.number for row in plain.rows] == [2, 4, 6]
    assert sentences(plain.warnings) == ["Sheet “Sheet1”: 2 hidden rows are not read."]
    filtering = FilterColumn(colId=2, filters=Filters(filter=["李乙"]))
    if as_table:
        listing = Table(displayName="T", ref="A1:E4")
        sheet.add_table(listing)
        listing._initialise_columns()
        listing.autoFilter.filterColumn = [filtering]
        for column, label in zip(listing.tableColumns, ROSTER, strict=True):
            column.name = label
    else:
        sheet.auto_filter.ref = "A1:E4"
        sheet.auto_filter.filterColumn = [filtering]
    filtered = office.plan("liaison", saved(made))
    assert [row.number for row in filtered.rows] == [2, 3, 4, 6]


def test_a_filter_that_hides_nothing_excuses_no_hidden_row(office: Office) -> None:
    made = opened(table(ROSTER, ROW, (*ROW[:2], "李甲", None, None)))
    made.worksheets[0].auto_filter.ref = "A1:E3"
    made.worksheets[0].row_dimensions[3].hidden = True
    assert [row.number for row in office.plan("liaison", saved(made)).rows] == [2]


def test_a_column_that_stands_twice_is_named(office: Office) -> None:
    made = office.plan("liaison", table((*ROSTER, "手机"), (*ROW, "13899998888")))
    assert made.ignored_columns == ["手机"]
    assert made.rows[0].values["mobile"] == "13811112222"


def test_one_sheet_by_its_name(office: Office) -> None:
    data = workbook(
        {"一": Page([ROSTER, ROW]), "二": Page([ROSTER, (*ROW[:2], "王五")]), "旧": Page([ROSTER], hidden=True)}
    )
    made = office.plan("liaison", data, sheet="二")
    assert ([row.sheet for row in made.rows], made.skipped_sheets) == (["二"], ["一", "旧"])
    book = sheets.read(data)
    for name, sentence in (("三", "The file has: 一, 二."), ("旧", "is hidden")):
        with using_locale("en"), pytest.raises(UnreadableFile) as problem:
            book.only(name)
        with using_locale("en"):
            assert sentence in str(problem.value.message)


def test_rows_keep_their_numbers_below_and_beside_empty_ones() -> None:
    made = Workbook()
    made.active["C4"] = "右"  # type: ignore[index]
    made.active["D2400"] = "#REF!"  # type: ignore[index]
    found = sheets.read(saved(made)).sheets[0].lines
    assert len(found) == 2400
    assert (found[3].number, found[3].cells) == (4, [None, None, "右", None])
    assert (found[2399].number, found[2399].cells[3]) == (2400, "#REF!")
    assert isinstance(found[2399].cells[3], UnreadableCell)


def test_control_characters_and_blank_text_are_dropped() -> None:
    data = table(("a", "b"), ("x_x0001_y", "\u3000 "), ("p_x001F_q", "z_x000B_z"))
    assert rows(sheets.read(data)) == [["a", "b"], ["xy", None], ["pq", "z\nz"]]


def test_outcomes_of_a_csv_are_those_of_the_same_workbook(office: Office) -> None:
    lines = [ROSTER, ROW, ("合计", "", "1", "", ""), (*ROW[:2], "王五", "1380573", "2026-13-01")]
    text = "\n".join(",".join(cells) for cells in lines)
    csv, book = office.plan("liaison", text.encode()), office.plan("liaison", table(*lines))
    assert outcomes(csv) == outcomes(book) == {2: "new", 4: "failed"}
    assert errors(csv) == errors(book)
