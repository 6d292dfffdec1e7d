"""What other importers get wrong on the files that an office sends: each mistake is a test, through the pages and
commands that people use. Speed is held by numbers of statements, sizes and memory, never by a clock."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

import models
from panel.fields import field_named
from panel.security.records import AuditEntry
from tests.engine.test_exports import DIRTY
from tests.engine.test_files_hostile import made
from tests.engine.test_files_read import altered
from tests.engine.test_import_pages import confirm, preview, upload
from tests.engine.test_import_speed import cost, roster
from tests.factories import Browser, Stage
from tests.people.test_import_samples import told
from tests.workbooks import ROSTER, cells, opened, saved, table
from tests.workbooks import roster as liaisons

HEAD = ("城东街道", "东栅社区")
ROOT = Path(__file__).parents[2]
#: Megabytes that an export or a refusal may take at most, however large the file.
ADDED, REFUSED = 40, 300


@pytest.fixture
def office(stage: Stage) -> Browser:
    return stage.browse("office")


def bring(browser: Browser, name: str, data: bytes) -> None:
    """Upload, look, confirm."""
    assert confirm(browser, name, preview(browser, name, data)[1]).status_code == 302


def liaison(stage: Stage, name: str) -> Any:
    with stage.session() as session:
        return session.execute(sa.select(models.Liaison).where(models.Liaison.name == name)).scalar_one()


def test_a_renamed_column_is_named_and_can_be_told_by_hand(office: Browser) -> None:
    data = table((*ROSTER[:3], "随身电话机"), (*HEAD, "李新", "13805730001"))
    page = preview(office, "liaison", data)[1]
    assert "随身电话机" in page
    assert "/import/columns/" in page
    sent = upload(office, "liaison", table(("随身电话机", "何处", "何人"), ("13805730001", "东栅社区", "李新")))
    assert "/import/columns/" in sent.location
    assert "社区、姓名" in office.get(sent.location).text or "必须" in office.get(sent.location).text


@pytest.mark.parametrize(("word", "value"), [("是", True), ("√", True), ("Y", True), ("否", False), ("×", False)])
def test_yes_and_no_are_stored_as_what_they_mean(stage: Stage, office: Browser, word: str, value: bool) -> None:
    declared = field_named(models.Squad, "is_pilot")
    assert declared is not None
    bring(office, "squad", table(("分队", str(declared.label)), ("新桥分队", word)))
    with stage.session() as session:
        statement = sa.select(models.Squad.is_pilot).where(models.Squad.name == "新桥分队")
        assert session.execute(statement).scalar_one() is value


def test_a_day_in_chinese_is_a_day(stage: Stage, office: Browser) -> None:
    bring(office, "liaison", liaisons((*HEAD, "李新", "13805730001", "2026年5月1日")))
    assert liaison(stage, "李新").start_on == date(2026, 5, 1)


def test_a_telephone_in_a_number_cell_keeps_its_digits(stage: Stage, office: Browser) -> None:
    data = liaisons((*HEAD, "李新", 13800000031, None))
    data = altered(
        data, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"<v>13800000031<", b"<v>1.3800000031E10<")
    )
    bring(office, "liaison", data)
    assert liaison(stage, "李新").mobile == "13800000031"


def test_a_name_with_a_space_behind_it_is_the_same_person(stage: Stage, office: Browser) -> None:
    before = stage.count("liaison")
    bring(office, "liaison", liaisons((*HEAD, "胡秀珍 \u3000", "13905730009", None)))
    assert stage.count("liaison") == before
    assert liaison(stage, "胡秀珍").mobile == "13905730009"


def test_the_same_file_again_writes_no_row_and_says_so(stage: Stage, office: Browser) -> None:
    data = liaisons((*HEAD, "李新", "13805730001", "2026-05-01"))
    bring(office, "liaison", data)

    def written() -> tuple[int, int]:
        with stage.session() as session:
            about = AuditEntry.table_name == "liaison"
            entries = session.execute(sa.select(sa.func.count()).select_from(AuditEntry).where(about)).scalar_one()
        return liaison(stage, "李新").version, entries

    before = written()
    page = preview(office, "liaison", data)[1]
    assert "以前导入过" in page or "曾导入" in page or "导入过" in page
    assert 'name="digest"' not in page or confirm(office, "liaison", page).status_code == 302
    assert written() == before


def test_titles_above_the_header_block_nothing(stage: Stage, office: Browser) -> None:
    above = (("城东街道社区联络员花名册",), ("填报单位：街道办", None, "2026年5月"), ())
    bring(office, "liaison", table(*above, ROSTER, (*HEAD, "李新", "13805730001", None), ("合计", 1)))
    assert liaison(stage, "李新").mobile == "13805730001"


def test_one_bad_row_of_a_thousand_leaves_a_way_on(stage: Stage, office: Browser) -> None:
    before = stage.count("community")
    rows = [("城东街道", f"新社区{i:04}") for i in range(999)]
    page = preview(office, "community", table(("街道", "社区名称"), *rows, ("城申街道", "坏社区")))[1]
    assert "导入 999 行，跳过 1 行" in page
    failed = re.search(r'href="([^"]+/import/failed/[^"]+)"', page)
    assert failed is not None
    header, row = cells(office.get(html.unescape(failed[1])).data)
    assert (header[:2], row[:2]) == (["街道", "社区名称"], ["城申街道", "坏社区"])
    assert "城东街道" in row[2] or "没有" in row[2]
    none = re.search(r'href="([^"]+)"[^>]*>\s*全部不写入', page)
    assert none is not None
    refused = office.get(html.unescape(none[1])).text
    assert "先改正 1 行" in refused
    assert 'name="digest"' not in refused
    assert confirm(office, "community", page).status_code == 302
    stage.panel.jobs.run_pending()
    assert stage.count("community") == before + 999


def test_the_same_key_twice_is_announced_at_the_later_row(stage: Stage, office: Browser) -> None:
    before = stage.count("liaison")
    twice = [(*HEAD, "李新", "13805730001", None), (*HEAD, "李 新", "13805730002", None)]
    page = preview(office, "liaison", liaisons(*twice))[1]
    assert "第 2 行" in page
    assert "导入 1 行，跳过 1 行" in page
    assert stage.count("liaison") == before


def test_a_wrong_dimension_loses_no_row(office: Browser, stage: Stage, tmp_path: Path) -> None:
    rows = [("城东街道", f"新社区{i:03}") for i in range(100)]
    data = table(("街道", "社区名称"), *rows)
    name = "xl/worksheets/sheet1.xml"
    file = tmp_path / "社区.xlsx"
    file.write_bytes(
        altered(data, name, lambda part: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"', part))
    )
    assert b'ref="A1:B2"' in load_part(file, name)
    assert told(stage.app, "import", "community", file)["new"] == 100


def load_part(file: Path, name: str) -> bytes:
    with ZipFile(file) as archive:
        return archive.read(name)


#: The peak of a program's own memory in MB; what the system counts begins with that of the program that started it.
PEAK = """
import re
def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
"""
READ = """
import resource, sys
from panel import sheets
try:
    sheets.read(open(sys.argv[1], "rb").read())
except sheets.UnreadableFile:
    print(peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def measured(script: str, *arguments: object) -> list[int]:
    """What a program of its own prints: numbers."""
    command = [sys.executable, "-c", PEAK + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own program
    return [int(float(word)) for word in done.stdout.split()]


def test_a_zip_bomb_is_one_sentence_and_takes_no_memory(standing: Stage, tmp_path: Path) -> None:
    data = made("bomb")
    answer = upload(standing.browse("office"), "liaison", data)
    assert (answer.status_code, "解压" in answer.text) == (422, True)
    file = tmp_path / "bomb.xlsx"
    file.write_bytes(data)
    assert max(measured(READ, file)) < REFUSED


def test_a_stored_formula_leaves_as_text(stage: Stage, office: Browser) -> None:
    book = opened(table(("部门",), ("某",)))
    book.worksheets[0]["A2"].value, book.worksheets[0]["A2"].data_type = DIRTY, "s"
    bring(office, "department", saved(book))
    sheet = load_workbook(BytesIO(office.get("/admin/department/export/xlsx/").data)).worksheets[0]
    found = [cell for row in sheet.iter_rows() for cell in row if cell.value == DIRTY]
    assert [cell.data_type for cell in found] == ["s"]


def test_thousands_of_rows_cost_few_statements_and_a_small_page(stage: Stage, office: Browser) -> None:
    few, many = cost(stage, roster(0, 200)), cost(stage, roster(10_000, 2_000))
    assert many[0] == few[0]
    assert many[1] - few[1] <= 6
    rows = [("城东街道", f"新社区{i:05}") for i in range(1_900)]
    page = preview(office, "community", table(("街道", "社区名称"), *rows))[1]
    assert "1,900" in page or "1900" in page
    assert len(page.encode()) < 200_000


EXPORT = """
import json, sys
from admin_app import create_app
import models
from panel.config import Config
from panel.exports import workbooks
from pathlib import Path

given = json.loads(sys.argv[1])
place = Path(given["instance"])
app = create_app(Config(instance=place, database_url=given["url"], secret_key="x" * 32, password_cost=1))
panel = app.extensions["panel"]
with app.app_context(), panel.system_session() as session:
    for name in ("few", "many"):
        where = [models.Liaison.post == "少"] if name == "few" else []
        workbooks.export(session, models.Liaison, where, Path(given["out"]) / f"{name}.xlsx")
        print(peak())
"""


def test_memory_does_not_grow_with_exported_rows(stage: Stage, tmp_path: Path) -> None:
    terms = [
        {"community_id": stage.inside["community"], "name": f"旧人{i}", "name_key": f"jiuren{i}", "post": "多"}
        | {"start_on": date(1900, 1, 1), "end_on": date(1900, 1, 2), "mobile": f"138{i:08}"}
        for i in range(40_000)
    ]
    for one in terms[:50]:
        one["post"] = "少"
    with stage.session() as session:
        session.connection().execute(sa.insert(models.Liaison.__table__), terms)  # type: ignore[arg-type]
    with stage.app.app_context():
        url = stage.panel.db.engine.url.render_as_string(hide_password=False)
    few, many = measured(EXPORT, json.dumps({"instance": str(tmp_path), "url": url, "out": str(tmp_path)}))
    assert many - few < ADDED
    assert (tmp_path / "many.xlsx").stat().st_size > 500_000
