"""Every kind of workbook that leaves the panel, as LibreOffice prints it: across, legible, the header on each page, no
number without room, Chinese intact. One run of LibreOffice prints them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from sqlalchemy import update

import models
from bureau.calendar.month import Month
from bureau.ledger.web import files as ledgerfile
from bureau.registers import registers
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from models import Basis
from panel.base import UNSCOPED
from panel.exports import workbooks
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options
from panel.security.policy import Permission
from panel.sheets.write import page as sheet_page
from panel.web.cli import acting
from panel.web.panel import Panel
from seed import demo
from tests.conftest import clock
from tests.factories import MODELS, PASSWORD, Browser, granted
from tests.ledger.test_ledger_print import run
from tests.workbooks import table

CASES = 90
JUNE = Month(2026, 6)
EXPORTED = sorted(name for name in MODELS if granted("office", Permission.EXPORT, name))
TEMPLATES = sorted(name for name in MODELS if granted("office", Permission.IMPORT, name))
#: The last letter of a long remark, which stands nowhere else.
LAST = "龘"
#: What figures are broken down by, as the address says it.
FIGURES = ("none", "squad", "community", "item", "month", "pilot")
KINDS = [
    *(f"figures-{by}" for by in FIGURES),
    *(f"export-{name}" for name in EXPORTED),
    *(f"template-{name}" for name in TEMPLATES),
    *(f"ledger-{basis.value}" for basis in Basis),
    *(f"register-{name}" for name in REGISTERS),
    "export-long",
    "export-clear",
    "failed",
    "draft",
    "rota",
]


def fill(panel: Panel) -> None:
    with panel.system_session() as session:
        demo.build(session, cases=CASES, password_hash=panel.passwords.hash(PASSWORD), secret="x")
        note = "兼任网格长，联系时请先打办公电话。" * 8 + LAST
        session.execute(update(models.Liaison).values(note=note), execution_options=UNSCOPED)


def write(panel: Panel, folder: Path) -> None:
    """A workbook of each kind, by the way that makes it for people."""
    with acting(panel, "office") as session:
        for name in EXPORTED:
            workbooks.export(session, MODELS[name], [], folder / f"export-{name}.xlsx")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sheet_page, "PRINTED", 1)
            workbooks.export(session, models.Case, [], folder / "export-long.xlsx")
        for name in TEMPLATES:
            workbooks.template(session, MODELS[name], folder / f"template-{name}.xlsx", panel.registry)
        for basis in Basis:
            made = ledgerfile.make(session, ledgerfile.checked_params(session, JUNE, basis, None))
            (folder / f"ledger-{basis.value}.xlsx").write_bytes(made.content)
        for name, register in REGISTERS.items():
            filled = workbook.make(session, register, registers.checked_params(session, JUNE, None, None, None))
            (folder / f"register-{name}.xlsx").write_bytes(filled.content)
    with panel.system_session() as session:
        draft = ledgerfile.draw_up(session, JUNE, Basis.ACCEPTED)
        assert draft is not None
        (folder / "draft.xlsx").write_bytes(draft.file)
        wrong = table(("姓名", "社区", "手机", "起始时间"), *[("张三", "没有的社区", "13812", "2026-13-01")] * 30)
        plan = batches.plan(session, models.Liaison, File("a.xlsx", wrong), Options(), panel.registry)
        assert workbooks.write_failed_rows(plan, folder / "failed.xlsx") == 30


def fetch(office: Browser, folder: Path) -> None:
    """What is made for a page alone."""
    asked = {"column": ["case", "role", "name", "phone", "address"], "format": "xlsx", "clear": "1", "reason": "回访"}
    (folder / "export-clear.xlsx").write_bytes(office.post("/admin/caseparty/export/", asked).data)
    for by in FIGURES:
        address = f"/figures/file?by={by}&from=2026-05-01&to=2026-07-31"
        (folder / f"figures-{by}.xlsx").write_bytes(office.get(address).data)
    (folder / "rota.xlsx").write_bytes(office.get("/duty/rota/file?month=2026-07").data)


@pytest.fixture(scope="module")
def printed(empty_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workbooks and what LibreOffice has printed of them."""
    folder = tmp_path_factory.mktemp("printed")
    with clock(), using_locale(DEFAULT_LOCALE):
        panel = empty_app.extensions["panel"]
        with empty_app.app_context():
            fill(panel)
            write(panel, folder)
        office = Browser(empty_app)
        office.log_in("office", PASSWORD)
        fetch(office, folder)
    home = (folder / "profile").as_uri()
    files = sorted(file.name for file in folder.glob("*.xlsx"))
    run(folder, "soffice", f"-env:UserInstallation={home}", "--headless", "--convert-to", "pdf", *files)
    return folder


def pages(printed: Path, kind: str) -> list[str]:
    """The text of each page, without any space."""
    text = run(printed, "pdftotext", "-layout", f"{kind}.pdf", "-")
    return [re.sub(r"\s", "", page) for page in text.split("\f") if page.strip()]


def sheets(printed: Path, kind: str) -> list[Any]:
    return [sheet for sheet in load_workbook(printed / f"{kind}.xlsx").worksheets if sheet.sheet_state == "visible"]


def test_no_kind_is_left_out(printed: Path) -> None:
    assert {file.stem for file in printed.glob("*.xlsx")} == {file.stem for file in printed.glob("*.pdf")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_set_up_for_a4_across_with_its_header_on_each_page(printed: Path, kind: str) -> None:
    for sheet in sheets(printed, kind):
        assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert int(sheet.page_setup.fitToHeight) == 0
        assert sheet.print_title_rows
        assert sheet.freeze_panes
        widths = sum(sheet.column_dimensions[get_column_letter(n + 1)].width for n in range(sheet.max_column))
        # Beyond that nobody could read it.
        assert widths / int(sheet.page_setup.fitToWidth) <= sheet_page.PAGE_WIDTH
        assert int(sheet.page_setup.fitToWidth) == 1 or sheet.print_title_cols == "$A:$A"
    about = run(printed, "pdfinfo", "-f", "1", "-l", "99", f"{kind}.pdf")
    sizes = [(float(w), float(h)) for w, h in re.findall(r"size:\s+([\d.]+) x ([\d.]+)", about)]
    assert sizes
    assert all(abs(w - 842) < 2 and abs(h - 595) < 2 for w, h in sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_printed_is_whole(printed: Path, kind: str) -> None:
    found = pages(printed, kind)
    assert not [page for page in found if "###" in page]
    firsts = {
        re.sub(r"\s", "", str(sheet.cell(int(sheet.print_title_rows.rpartition("$")[2]), 1).value or "序号"))
        for sheet in sheets(printed, kind)
    }
    firsts = {"序号" if first == "None" else first for first in firsts}
    for page in found:
        assert any(first in page for first in firsts), page[:80]
        assert re.search(r"[\u4e00-\u9fff]{2}", page)


def test_long_words_stand_on_paper_to_their_last_letter(printed: Path) -> None:
    assert LAST in "".join(pages(printed, "export-liaison"))
    # A table that is too long for that keeps one line a row.
    assert len(pages(printed, "export-long")) < len(pages(printed, "export-case"))


def test_what_is_in_clear_says_so_on_each_page(printed: Path) -> None:
    for page in pages(printed, "export-clear"):
        assert "导出编号" in page
        assert "不得外传" in page


def test_the_chart_is_printed_with_its_table(printed: Path) -> None:
    for basis in Basis:
        assert "各社区案件数" in "".join(pages(printed, f"ledger-{basis.value}"))
