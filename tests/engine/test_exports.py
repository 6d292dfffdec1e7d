"""Exports by order: chosen columns, CSV, in clear with a reason, long ones as jobs; each is in the log."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from panel import sheets
from panel.exports import requests, table_rows, workbooks
from panel.exports.records import ExportLog
from panel.exports.requests import REASON_LENGTH
from panel.security.policy import OutOfScope
from panel.sheets import Page
from panel.sheets.write import fast, page
from tests.factories import MODELS, Browser, Stage, counted
from tests.people.test_import_samples import command
from tests.workbooks import Office, cells, counts, errors

DIRTY = '=HYPERLINK("http://example.com","x")'


def local(*parts: int) -> datetime:
    """A time as cells hold it: the office's, without a zone."""
    return datetime(*parts)  # type: ignore[arg-type, misc]  # noqa: DTZ001


def log(stage: Stage) -> list[ExportLog]:
    with stage.session() as session:
        found = sa.select(ExportLog).where(ExportLog.actor_name == "office").order_by(ExportLog.id)
        return list(session.execute(found).scalars())


def ask(browser: Browser, table: str, query: str = "", **given: Any) -> Any:
    return browser.post(f"/admin/{table}/export/{query}", {"format": "xlsx", **given})


def commas(data: bytes) -> list[list[str]]:
    assert data.startswith("\ufeff".encode())
    return list(csv.reader(StringIO(data.decode("utf-8-sig"), newline="")))


def test_chosen_columns_stand_in_the_order_of_their_numbers(stage: Stage) -> None:
    office = stage.browse("office")
    page = office.get("/admin/liaison/export/?pick=none").text
    assert 'value="mobile"' in page
    assert "checked" not in page.split("<ul")[1].split("</ul>")[0]
    given = {"column": ["name", "mobile", "community"], "at.mobile": "1", "at.name": "2", "at.community": "x"}
    header, *rows = cells(ask(office, "liaison", **given).data)
    assert header == ["手机", "姓名", "社区"]
    assert ["13800001111", "胡秀珍", "东栅社区"] in rows
    moved = {"column": ["name", "gender", "mobile"], "at.name": "1", "at.gender": "2", "at.mobile": "1"}
    assert cells(ask(office, "liaison", **moved).data)[0] == ["手机", "姓名", "性别"]
    linked = office.get("/admin/liaison/export/xlsx/?columns=name,mobile")
    assert cells(linked.data)[0] == ["姓名", "手机"]
    assert office.get("/admin/liaison/export/xlsx/?columns=shoe").status_code == 422
    assert "shoe" in office.get("/admin/liaison/export/xlsx/?columns=shoe").text


def test_a_csv_opens_in_excel_and_runs_nothing(stage: Stage) -> None:
    odd = {"name": DIRTY, "note": "0012345"}
    stage.add("liaison", start_on=date(2021, 1, 1), end_on=date(2021, 2, 1), **odd)
    answer = stage.browse("office").get("/admin/liaison/export/csv/")
    assert answer.headers["Content-Disposition"].endswith(".csv")
    header, *rows = commas(answer.data)
    assert header[:2] == ["姓名", "性别"] or "姓名" in header
    (row,) = [row for row in rows if "HYPERLINK" in "".join(row)]
    assert row[header.index("姓名")] == f"\t{DIRTY}"
    assert row[header.index("备注")] == "\t0012345"
    assert row[header.index("任职日期")] == "2021-01-01"


def test_numbers_typed_as_numbers_stay_numbers_in_a_csv() -> None:
    target = BytesIO()
    rows = [(-5, Decimal("-1.50"), "-5", "+86", "@x", "\tx", 13800001111, local(2026, 5, 1, 8, 30))]
    assert sheets.write_csv(target, Page("x", list("abcdefgh"), rows, ready=True)) == 1
    assert commas(target.getvalue())[1] == [
        "-5", "-1.50", "\t-5", "\t+86", "\t@x", "\t\tx", "13800001111", "2026-05-01 08:30",
    ]  # fmt: skip


def test_what_goes_out_as_csv_comes_back_unchanged(stage: Stage) -> None:
    stage.add("liaison", name=DIRTY, start_on=date(2021, 1, 1), end_on=date(2021, 2, 1), note="-1")
    data = stage.browse("office").get("/admin/liaison/export/csv/").data
    rows = [[cell.strip("\t") for cell in row] for row in commas(data)]
    found = {row[rows[0].index("姓名")] for row in rows[1:]}
    assert DIRTY in found


@pytest.mark.database
def test_every_export_is_in_the_log_with_its_filter_in_words(stage: Stage, tmp_path: Path) -> None:
    community = stage.inside["community"]
    stage.browse("office").get(f"/admin/liaison/export/xlsx/?community={community}&mobile=13800001111&end_on.empty=1")
    command(stage.app, "export", "street", tmp_path / "s.csv", "--csv", "--columns", "name", "--as", "office")
    page, told = log(stage)
    assert (page.actor_name, page.table_name, page.row_count, page.clear) == ("office", "liaison", 1, False)
    assert page.filter is not None
    assert "东栅社区" in page.filter
    assert "138****1111" in page.filter
    assert "13800001111" not in page.filter
    assert (told.table_name, told.format.value, told.columns, told.file_name[-4:]) == ("street", "csv", "名称", ".csv")
    auditor = stage.browse("auditor").get("/admin/exportlog/").text
    assert page.number in auditor
    assert stage.browse("office").get("/admin/exportlog/").status_code == 403


def test_a_refused_export_writes_no_file_and_no_entry(stage: Stage, tmp_path: Path) -> None:
    assert command(stage.app, "export", "case", tmp_path / "x.xlsx", "--as", "viewer").exit_code == 1
    assert ask(stage.browse("office"), "caseparty", column=["name"], clear="1").status_code == 422
    assert ask(stage.browse("leader"), "caseparty", column=["name"], clear="1", reason="回访").status_code == 403
    assert ask(stage.browse("office"), "liaison", column=["name"], clear="1", reason="回访").status_code == 403
    assert log(stage) == []
    assert not [file.name for file in tmp_path.iterdir() if "xlsx" in file.name]


@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_an_export_in_clear_carries_the_number_of_its_reason(stage: Stage, format: str) -> None:
    stage.add("caseparty", name="王小二", phone="13711112222")
    names = [column.name for column in table_rows.columns(MODELS["caseparty"])]
    answer = ask(stage.browse("office"), "caseparty", column=names, clear="1", reason="回访 投诉人", format=format)
    assert answer.status_code == 200
    rows = cells(answer.data) if format == "xlsx" else commas(answer.data)
    (entry,) = log(stage)
    assert (entry.clear, entry.reason, entry.row_count) == (True, "回访 投诉人", len(rows) - 2)
    assert "13711112222" in {cell for row in rows for cell in row}
    assert entry.number in str(rows[-1][0])
    assert "office" in str(rows[-1][0])
    assert entry.number in entry.file_name
    if format == "xlsx":
        book = load_workbook(BytesIO(answer.data)).worksheets[0]
        assert entry.number in str(book.oddFooter.left.text)
        office, stored = Office(stage, "office"), stage.count("caseparty")
        planned = office.plan("caseparty", answer.data)
        assert not errors(planned)
        # Whether a private value differs is decided when the file is imported; that of a locked column is left.
        assert set(counts(planned)) <= {"unchanged", "changed"}
        (locked,) = (row for row in planned.rows if row.number == 3)  # the complainant of an accepted case
        assert "姓名、电话、住址：导入不修改。" in "".join(map(str, locked.notes))
        assert counts(office.run("caseparty", answer.data)) == {"unchanged": stored}


@pytest.mark.database
def test_a_long_export_is_a_job_with_the_same_file(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    office = stage.browse("office")
    short = cells(office.get("/admin/liaison/export/xlsx/?columns=name,mobile").data)
    monkeypatch.setattr(requests, "MANY_ROWS", 1)
    answer = office.get("/admin/liaison/export/xlsx/?columns=name,mobile")
    assert answer.status_code == 303
    assert office.get("/admin/liaison/export/xlsx/?columns=name,mobile").location == answer.location
    assert stage.panel.jobs.run_pending()
    (file,) = stage.panel.jobs.files(int(answer.location.rpartition("/")[2]))
    assert cells(file) == short
    assert [entry.actor_name for entry in log(stage)] == ["office", "office"]


# The command.


def test_the_command_takes_filters_and_columns(stage: Stage, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    options = ["--filter", "name=胡秀珍", "--filter", "start_on.from=2000-01-01", "--columns", "mobile,name"]
    assert command(stage.app, "export", "liaison", out, *options, "--as", "office").exit_code == 0
    assert cells(out) == [["手机", "姓名"], ["13800001111", "胡秀珍"]]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--filter", "shoe=1", "name"),
        ("--filter", "name", "name"),
        ("--filter", "name.from=1", "start_on"),
        ("--filter", "start_on=2026-13-01", "13"),
        ("--columns", "name,shoe", "mobile"),
    ],
)
def test_a_field_that_is_not_there_is_named_with_those_that_are(
    stage: Stage, tmp_path: Path, option: str, value: str, said: str
) -> None:
    result = command(stage.app, "export", "liaison", tmp_path / "out.xlsx", option, value, "--as", "office")
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
    assert not [file.name for file in tmp_path.iterdir() if "xlsx" in file.name]


def test_the_command_takes_another_record_by_its_name_or_its_number(stage: Stage, tmp_path: Path) -> None:
    out, community = tmp_path / "out.xlsx", stage.inside["community"]
    for said in ("community=东栅社区", f"community={community}"):
        options = ["--filter", said, "--columns", "name,community", "--as", "office"]
        assert command(stage.app, "export", "liaison", out, *options).exit_code == 0
        assert {row[1] for row in cells(out)[1:]} == {"东栅社区"}
    result = command(stage.app, "export", "liaison", out, "--filter", "community=无此社区", "--as", "office")
    assert result.exit_code == 1
    assert "没有社区“无此社区”" in result.output


# The writers.

ODD = [
    ("=1+1", -5, local(2026, 5, 1, 8, 30, 15), date(2026, 5, 1), Decimal("200.10"), "13812345678", time(8, 30, 15)),
    (None, None, None, None, None, None, None),
    ("#N/A", 2_000_000_000, local(1900, 3, 1), date(2199, 12, 31), Decimal("0.00"), "甲\n乙 _x0041_", time(0, 0)),
    ("http://example.com", 0, None, None, Decimal("99999999999.99"), "  两侧空格 & <b> \"'", time(23, 59, 59)),
    ("@SUM(A1)", 7, None, None, None, "甲" * 2000, "***"),
]
FORMATS = ["@", "0", "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "0.00", "@", "hh:mm"]


def written(footnote: str = "") -> Any:
    target = BytesIO()
    made = Page(
        "甲/乙",
        list("编号时日额话钟"),
        list(ODD),
        [14, 14, 24, 14, 40, 14, 9],
        FORMATS,
        footnote,
        ready=True,
        filtered=True,
    )
    assert sheets.write(target, [made]) == len(ODD)
    return load_workbook(target).worksheets[0]


def looks(cell: Any) -> tuple[Any, ...]:
    return cell.alignment.horizontal, cell.alignment.vertical, bool(cell.alignment.wrap_text)


@pytest.mark.parametrize("footnote", ["", "导出编号：1 & 2"])
def test_the_faster_writer_writes_the_same_cells(monkeypatch: pytest.MonkeyPatch, footnote: str) -> None:
    monkeypatch.setattr(page, "PRINTED", 1)
    ours = written(footnote)
    monkeypatch.setattr(fast, "rust", None)
    plain = written(footnote)
    assert ours.title == plain.title
    assert ours.row_dimensions[1].height == plain.row_dimensions[1].height
    assert ours.freeze_panes == plain.freeze_panes == "A2"
    assert ours.dimensions == plain.dimensions
    assert plain.auto_filter.ref == f"A1:G{1 + len(ODD)}"
    assert ours.auto_filter.ref == (None if footnote else plain.auto_filter.ref)
    for mine, other in zip(ours.iter_rows(), plain.iter_rows(), strict=True):
        for a, b in zip(mine, other, strict=True):
            assert (a.value, a.font.b, a.fill.fgColor.rgb[-6:]) == (b.value, b.font.b, b.fill.fgColor.rgb[-6:])
            if b.value is not None:
                assert looks(a) == looks(b), a.coordinate
                assert (a.data_type, a.number_format) == (b.data_type, b.number_format), a.coordinate
    for letter in "ABCDEFG":
        assert ours.column_dimensions[letter].width == pytest.approx(plain.column_dimensions[letter].width, abs=0.01)
    for sheet in (ours, plain):
        assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToHeight, sheet.print_title_rows) == (0, "$1:$1")
        assert sheet.oddFooter.right.text == "&P / &N"
        assert sheet.print_options.gridLines
        assert (sheet.page_margins.left, sheet.page_margins.top) == (0.3, 0.6)
    assert ours.oddFooter.left.text == plain.oddFooter.left.text


def test_what_ends_the_reading_ends_the_faster_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PRINTED", 1)

    def rows() -> Any:
        yield from ODD
        raise LookupError("cancelled")

    with pytest.raises(LookupError, match="cancelled"):
        sheets.write(BytesIO(), [Page("x", list("abcdefg"), rows(), ready=True)])


def test_an_empty_table_has_its_header_still(stage: Stage) -> None:
    target = BytesIO()
    with stage.session() as session:
        assert workbooks.export(session, MODELS["street"], [sa.false()], target) == 0
    assert cells(target.getvalue())[0][0] == "名称"


@pytest.mark.database
@pytest.mark.parametrize("name", ["case", "liaison", "caseevent"])
def test_statements_do_not_grow_with_rows(stage: Stage, name: str) -> None:
    def sent() -> int:
        with stage.session() as session, counted(stage.panel.db.engine) as statements:
            workbooks.export(session, MODELS[name], [], BytesIO())
        return len(statements)

    before = sent()
    for _number in range(30):
        stage.add(name)
    assert sent() == before


def test_a_reason_is_kept_to_its_length(stage: Stage) -> None:
    ask(stage.browse("office"), "caseparty", column=["role"], clear="1", reason="查" * 900)
    (entry,) = log(stage)
    assert entry.reason == "查" * REASON_LENGTH


def test_ticked_rows_are_exported_as_the_list_shows_them(growing: Stage) -> None:
    """In its order, with its columns; the log says how many. All that is filtered goes the way of the list."""
    office = growing.browse("office")
    with growing.session() as session:
        rows = [MODELS["officer"](name=f"导出{i}", mobile="13800138000") for i in range(3)]  # type: ignore[call-arg]
        session.add_all(rows)
        session.flush()
        ids = [row.id for row in rows]
    url = "/admin/officer/?columns=mobile,name&sort=-name&q=导出"
    form = {"action": "export", "rowid": ids[:2], "url": url}
    assert cells(office.post("/admin/officer/action/", form).data) == [
        ["手机", "姓名"],
        ["13800138000", "导出1"],
        ["13800138000", "导出0"],
    ]
    assert (log(growing)[-1].row_count, log(growing)[-1].filter) == (2, "勾选的 2 条")
    everything = office.post("/admin/officer/action/", form | {"all": "1"})
    assert everything.status_code == 302
    assert [row[1] for row in cells(office.get(everything.location).data)] == ["姓名", "导出2", "导出1", "导出0"]
    assert 'value="export"' in office.get("/admin/officer/").text


def test_ticked_rows_are_exported_by_the_roles_that_grant_it(growing: Stage) -> None:
    """404 for a row outside the area, 403 without the right, also for whoever reads the row by another role."""
    inside, outside = growing.inside["case"], growing.outside["case"]
    form = {"action": "export", "url": "/admin/case/"}
    leader = growing.browse("leader")
    assert leader.post("/admin/case/action/", form | {"rowid": [inside]}).status_code == 200
    assert leader.post("/admin/case/action/", form | {"rowid": [inside, outside]}).status_code == 404
    assert growing.browse("viewer").post("/admin/case/action/", form | {"rowid": [inside]}).status_code == 403
    assert 'value="export"' not in growing.browse("viewer").get("/admin/case/").text
    with growing.acting("leader", "viewer") as session:
        for rows, refused in (((inside,), False), ((inside, outside), True)):
            wanted = requests.ExportRequest(MODELS["case"], {}, ids=rows)
            with pytest.raises(OutOfScope) if refused else nullcontext():
                assert requests.prepare(session, wanted, {}).filters == "勾选的 1 条"
