"""The workbook of the figures as LibreOffice prints it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from bureau.calendar.periods import Span
from bureau.figures.groups import Grouping, ReportQuery
from bureau.figures.web import workbook
from tests import plain_figures
from tests.conftest import clock
from tests.factories import Stage
from tests.ledger.test_ledger_print import pages, run

SPAN = Span(date(2026, 4, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def printed(growing: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    with clock(), growing.session() as session:
        plain_figures.fill(session, growing.inside, growing.outside, seed=3, count=60)
        made = workbook.make(session, ReportQuery(SPAN), Grouping.COMMUNITY)
    (folder / "figures.xlsx").write_bytes(made.content)
    home = (folder / "profile").as_uri()
    run(folder, "soffice", f"-env:UserInstallation={home}", "--headless", "--convert-to", "pdf", "figures.xlsx")
    return folder / "figures.pdf"


def test_each_sheet_is_one_a4_page_wide_with_title_and_signatures(printed: Path) -> None:
    about = run(printed.parent, "pdfinfo", "-f", "1", "-l", "99", printed.name)
    sizes = [(float(w), float(h)) for w, h in re.findall(r"Page\s+\d+ size:\s+([\d.]+) x ([\d.]+)", about)]
    assert sizes
    assert all(abs(w - 842) < 2 and abs(h - 595) < 2 for w, h in sizes)
    whole, groups, numbers = pages(printed)
    for page in (whole, groups, numbers):
        assert "工作指标（2026年4月至6月）" in page
        assert "制表日期：2026年7月15日" in page
        assert "负责人（签字）" in page
    # The first figure and the last stand on the same page.
    for page in (groups, numbers):
        assert "结案率" in page
        assert "平均调解次" in page
        assert "合计" in page
    assert "应结案数：到期时间（含延期）在期内的案件" in whole


def test_nothing_is_cut_to_hashes(printed: Path) -> None:
    assert "##" not in "".join(pages(printed))
