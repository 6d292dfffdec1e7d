"""Files that look readable and aren't: an open quotation mark, other codes and kinds of files, formulas for nothing;
and control characters, which no file that is written may hold."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import Workbook, load_workbook

import models
from bureau.printing import register_sheet
from bureau.printing.paper import TEXT, Heading
from bureau.printing.register_sheet import Column
from panel import sheets
from panel.exports import workbooks
from panel.i18n import using_locale
from panel.kinds import today
from panel.sheets import FormColumn, MarkedCell, UnreadableFile
from panel.sheets import Page as WrittenPage
from panel.sheets.write import fast
from tests.engine.test_files_read import altered, document
from tests.factories import MODELS, Stage
from tests.people.test_import_samples import command
from tests.workbooks import Office, counts, errors, saved, table

HEAD = "社区,姓名,手机,备注\n"
#: What Word's manual line break becomes in a cell, and characters that no workbook may hold.
ODD = "第一行\v第二行\f\x1c\x1f\x00"


def refusal(data: bytes) -> str:
    with using_locale("en"), pytest.raises(UnreadableFile) as problem:
        sheets.read(data)
    with using_locale("en"):
        return str(problem.value.message)


def rows(data: bytes) -> list[list[Any]]:
    return [line.cells for line in sheets.read(data).sheets[0].lines]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('东栅社区,"张三,138,甲\n菱塘社区,李四,139,乙\n', 2),
        ('东栅社区,张三,138,"甲', 2),
        ('东栅社区,张三,138,甲\n菱塘社区,李四,139,"乙\n', 3),
        ('东栅社区,"张三,138,甲\n菱塘社区,李四,139,乙\n荷风社区,王五,136,"丙"\n', 2),
        ('东栅社区,"张三,138,甲\n' + "菱塘社区,李四,139,乙\n" * 3_000, 2),
    ],
)
def test_a_quotation_mark_that_is_not_closed_is_named_by_its_line(body: str, line: int) -> None:
    assert f"the quotation mark in line {line} isn't closed." in refusal((HEAD + body).encode())


@pytest.mark.parametrize(
    ("body", "cell"),
    [
        ('东栅社区,张三,138,"第一行\n第二行,又,一,行\n第三行"\n', "第一行\n第二行,又,一,行\n第三行"),
        ('东栅社区,张三,138,5" 管\n', '5" 管'),
        ('东栅社区,张三,138,"说""好"""', '说"好"'),
    ],
)
def test_other_quotation_marks_are_read(body: str, cell: str) -> None:
    assert rows((HEAD + body).encode())[1:] == [["东栅社区", "张三", "138", cell]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"name"\r\nE\r\n', "This is a SYLK file (.slk)"),
        (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n<table><tr><td>a",
            "This is a web archive (.mht)",
        ),
        ("社區,姓名\n東柵社區,張三\n菱塘社區,李四\n".encode("big5"), "This file is in Big5"),
    ],
)
def test_another_kind_of_file_is_refused_in_one_sentence(data: bytes, reason: str) -> None:
    said = refusal(data)
    assert said.startswith(reason)
    assert said.endswith("Open it in Excel or WPS and save it as .xlsx.")


@pytest.mark.parametrize("code", ["gbk", "gb18030", "utf-8"])
def test_traditional_characters_in_other_codes_are_read(code: str) -> None:
    text = "社区,姓名\n东栅社区,張喆堃\n菱塘社区,朱镕基\n荷风社区,李東柵\n"
    assert [line[1] for line in rows(text.encode(code))] == ["姓名", "張喆堃", "朱镕基", "李東柵"]


@pytest.mark.parametrize(
    "cells",
    [
        '<c r="A{n}" t="str"><f>IF(X{n}="","",X{n})</f><v></v></c><c r="B{n}" t="str"><f>T(Y1)</f><v/></c>',
        '<c r="A{n}"><f>""</f></c><c r="B{n}"><f>&quot;&quot;</f><v></v></c>',
        '<c r="A{n}" t="inlineStr"><is><t>\u200b</t></is></c><c r="B{n}" t="str"><f>T(Y1)</f><v>\u00a0</v></c>',
    ],
)
def test_formulas_filled_down_to_nothing_are_no_rows(standing: Stage, cells: str) -> None:
    filled = "".join(f'<row r="{n}">{cells.format(n=n)}</row>' for n in range(3, 30)).encode()
    data = table(("社区", "姓名"), ("东栅社区", "胡秀珍"))
    more = altered(
        data, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", filled + b"</sheetData>")
    )
    assert counts(Office(standing).plan("liaison", more)) == {"unchanged": 1}


def test_a_formula_for_nothing_is_nothing_in_an_open_document_too() -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    empty = "<table:table-cell table:formula='of:=\"\"'/>"
    data = document(
        f"<table:table-row>{cell.format('社区')}{cell.format('姓名')}</table:table-row>"
        f"<table:table-row>{empty}{empty}</table:table-row>"
    )
    assert [line.cells for line in sheets.read(data).sheets[0].lines if not line.blank] == [["社区", "姓名"]]


def values(data: bytes) -> list[Any]:
    book = load_workbook(BytesIO(data))
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]


def test_no_writer_of_workbooks_stops_at_a_control_character() -> None:
    clean = "第一行\n第二行\n"
    marked = WrittenPage(ODD, [ODD], [[MarkedCell(ODD, bad=True)], [ODD]], footnote=ODD)
    ready = WrittenPage(ODD, [ODD], [[sheets.text_cell(ODD)]], ready=True)
    for page in (marked, ready):
        target = BytesIO()
        sheets.write(target, [page])
        assert set(values(target.getvalue())) == {clean}
    if fast.fits([ODD]):
        target = BytesIO()
        many = WrittenPage("长表", ["列"], ([sheets.text_cell(ODD)] for _n in range(2_000)), ready=True)
        sheets.write(target, [many])
        assert set(values(target.getvalue())) == {"列", clean}
    target = BytesIO()
    sheets.form(target, ODD, [FormColumn(ODD, example=ODD, choices=[ODD])], author="x")
    assert clean in values(target.getvalue())
    target = BytesIO()
    sheets.write_csv(target, WrittenPage("x", ["列"], [[sheets.text_cell(ODD)]], ready=True))
    assert not any(mark in target.getvalue().decode() for mark in "\v\f\x1c\x1f\x00")
    target = BytesIO()
    heading = Heading(ODD, ODD, ODD, today(), ("", "", ""))
    register_sheet.write(target, "台账", heading, [Column(c, 20, TEXT) for c in "甲乙丙"], [[ODD] * 3], total=ODD)
    assert clean in values(target.getvalue())


def test_a_row_of_a_register_may_hold_nothing() -> None:
    target = BytesIO()
    heading = Heading("台账", "局", "6 月", today(), ("", "", ""))
    assert register_sheet.write(target, "台账", heading, [Column(c, 20, TEXT) for c in "甲乙丙"], [[None] * 3]) == 1


def test_stored_control_characters_end_no_export_and_no_ledger(stage: Stage, tmp_path: Path) -> None:
    """As an earlier version or another program may have stored them."""
    case = sa.update(models.Case).where(models.Case.id == stage.inside["case"])
    stored = "甲\v乙\x1c丙"
    with stage.session() as session:
        session.connection().execute(case.values(description=stored, place=stored, result=stored, title=stored))
        session.connection().execute(sa.update(models.Liaison).values(note=stored, post=stored))
        session.connection().execute(sa.update(models.Officer).values(name=stored))
        session.connection().execute(sa.update(models.Community).values(address=stored))
        for name in ("case", "liaison", "officer", "community"):
            target = BytesIO()
            workbooks.export(session, MODELS[name], [], target)
            assert any("甲\n乙丙" in str(value) for value in values(target.getvalue())), name
    month = f"{today():%Y-%m}"
    for number, words in enumerate(
        (["ledger", month], ["register", "roster", "-o"], ["register", "visits", "--month", month, "-o"])
    ):
        out = tmp_path / f"{number}.xlsx"
        result = command(stage.app, *words, out)
        assert result.exit_code == 0, result.output
        load_workbook(out)
    assert stage.browse("office").get("/admin/case/details/?id=" + str(stage.inside["case"])).status_code == 200


def with_tab(kind: str) -> bytes:
    row = ("东栅社区", "胡秀珍", "123", "第一行\v第二行")
    if kind == "csv":
        return (HEAD + ",".join(row)).encode()
    book = Workbook()
    for cells in (HEAD.strip().split(","), row):
        assert book.active is not None
        book.active.append([str(cell).replace("\v", "_x000B_") for cell in cells])
    return saved(book)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_failed_row_with_a_vertical_tab_is_written_for_correction(stage: Stage, tmp_path: Path, kind: str) -> None:
    made = Office(stage).plan("liaison", with_tab(kind))
    assert [(row, column) for row, column, _message in errors(made)] == [(2, "手机")]
    file, out = tmp_path / f"sent.{kind}", tmp_path / "errors.xlsx"
    file.write_bytes(with_tab(kind))
    result = command(stage.app, "import", "liaison", file, "--good-rows", "--errors", out, "--json")
    assert json.loads(result.stdout)["failed"] == 1
    assert "第一行\n第二行" in values(out.read_bytes())
