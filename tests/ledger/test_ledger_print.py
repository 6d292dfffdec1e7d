"""The monthly ledger as LibreOffice prints it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bureau.ledger.rows import COLUMNS
from bureau.ledger.web import files
from bureau.settings import settings
from tests.conftest import clock
from tests.factories import Stage
from tests.ledgers import MAY, Course, make

CASES = 45
MISSING = "{} is missing. Run .ci/office as root, or install the packages libreoffice-calc and poppler-utils."
DESCRIPTION = "居民反映楼下长期堆放杂物，占用消防通道，此前劝过一次，效果不好，希望尽快处理。"


def run(folder: Path, *arguments: str) -> str:
    program = shutil.which(arguments[0])
    if program is None:
        pytest.fail(MISSING.format(arguments[0]))
    made = subprocess.run(  # noqa: S603 - programs named here
        [program, *arguments[1:]], cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def printed(growing: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDF of a month with so many cases that they take more than one page."""
    folder = tmp_path_factory.mktemp("printed")
    with clock():
        with growing.session() as session:
            settings.put(session, "unit_name", "南湖区综合行政执法局")
        for i in range(CASES):
            make(growing, Course(f"05-{i % 28 + 1:02} 09:30", values={"description": f"第{i}件：{DESCRIPTION}"}))
        with growing.session() as session:
            made = files.make(session, files.checked_params(session, MAY, files.Basis.ACCEPTED, None))
    (folder / "ledger.xlsx").write_bytes(made.content)
    home = (folder / "profile").as_uri()
    run(folder, "soffice", f"-env:UserInstallation={home}", "--headless", "--convert-to", "pdf", "ledger.xlsx")
    return folder / "ledger.pdf"


def pages(printed: Path) -> list[str]:
    """The text of each page, without any space."""
    text = run(printed.parent, "pdftotext", "-layout", printed.name, "-")
    return [re.sub(r"\s", "", page) for page in text.split("\f") if page.strip()]


def test_it_is_a4_landscape_on_every_page(printed: Path) -> None:
    about = run(printed.parent, "pdfinfo", "-f", "1", "-l", "99", printed.name)
    sizes = [(float(w), float(h)) for w, h in re.findall(r"Page\s+\d+ size:\s+([\d.]+) x ([\d.]+)", about)]
    assert sizes
    assert all(abs(w - 842) < 2 and abs(h - 595) < 2 for w, h in sizes)


def test_rows_go_on_over_pages_that_are_one_sheet_wide(printed: Path) -> None:
    found = pages(printed)
    *ledger, summary, communities = found
    assert 2 <= len(ledger) <= 4
    # The chart stands below its table where there is room for it, in letters too.
    assert "统计汇总" in summary
    assert "各社区案件数" in summary
    assert "分社区" in communities
    assert "按期结案率" in communities
    for page in ledger:
        # Title rows repeat, the last column stands on the same page as the first.
        assert "案件台账（2026年5月）" in page
        assert all(label in page for label in ("序号", "案件编号", "处理结果", "满意度", "备注"))
        assert len(COLUMNS) == 22


def test_pages_are_numbered(printed: Path) -> None:
    found = pages(printed)
    for number, page in enumerate(found, 1):
        assert f"第{number}页/共{len(found)}页" in page


def test_no_case_and_no_word_is_cut_off(printed: Path) -> None:
    text = run(printed.parent, "pdftotext", "-layout", printed.name, "-")
    for number in re.findall(r"NH-2026-\d{6}", text):
        assert len(number) == 14
    assert len(set(re.findall(r"NH-2026-\d{6}", text))) == CASES
    assert "###" not in text
    # The end of every description is on paper.
    assert text.count("。") == CASES


def test_chinese_letters_are_letters(printed: Path) -> None:
    fonts = run(printed.parent, "pdffonts", printed.name).splitlines()[2:]
    assert fonts
    assert all(" yes " in font for font in fonts)
