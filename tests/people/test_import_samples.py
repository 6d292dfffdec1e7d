"""The sample workbooks through the command line: what an office sends comes in, what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from models import Community, Liaison
from panel.imports.records import ImportBatch
from tests.factories import Stage
from tests.workbooks import SAMPLES, cells, changed

COMMUNITIES, LIAISONS = SAMPLES / "communities.xls", SAMPLES / "liaison-roster.xlsx"
KEYS = ["batch", "applied", "rows", "new", "updated", "unchanged", "failed"]
KEYS += ["ignored_columns", "skipped_sheets", "warnings", "errors", "left_out", "questions"]
CORRECTED = (("G2", "13805731234"), ("C3", "北板桥社区"))


def command(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=[str(one) for one in arguments])


def told(app: Flask, *arguments: object) -> dict[str, Any]:
    """What `--json` prints: one object and nothing else."""
    found: dict[str, Any] = json.loads(command(app, *arguments, "--json").stdout)
    assert list(found) == KEYS
    return found


def numbers(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[key] for key in ("rows", "new", "updated", "unchanged", "failed"))


@pytest.fixture
def counted(app: Flask) -> Any:
    """How many records of a table there are."""
    stage = Stage.__new__(Stage)
    stage.app, stage.panel = app, app.extensions["panel"]
    return stage.count


@pytest.fixture
def settled(app: Flask) -> Flask:
    """A panel with the sample's communities."""
    assert command(app, "import", "community", COMMUNITIES, "--create-missing").exit_code == 0
    return app


@pytest.mark.database
def test_communities_come_in_with_their_streets_and_squads(app: Flask, counted: Any) -> None:
    report = told(app, "import", "community", COMMUNITIES, "--create-missing")
    assert numbers(report) == (15, 15, 0, 0, 0)
    assert report["applied"]
    assert report["batch"] == 1
    assert (report["ignored_columns"], report["warnings"], report["errors"]) == (["序号"], [], [])
    assert [counted(table) for table in ("community", "street", "squad")] == [15, 3, 2]


def test_without_leave_nothing_is_created(app: Flask, counted: Any) -> None:
    report = told(app, "import", "community", COMMUNITIES)
    assert numbers(report) == (15, 0, 0, 0, 15)
    assert not report["applied"]
    assert report["errors"][0] | {"message": ""} == {
        "sheet": "社区名录",
        "row": 3,
        "column": "所属街道",
        "value": "城东街道",
        "message": "",
    }
    assert [counted(table) for table in ("community", "street", "squad", "importbatch")] == [0, 0, 0, 0]


def test_two_failures_name_their_cells_and_nothing_is_written(settled: Flask, counted: Any) -> None:
    result = command(settled, "import", "liaison", LIAISONS, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert numbers(report) == (15, 13, 0, 0, 2)
    assert (report["applied"], report["batch"], report["ignored_columns"]) == (False, None, ["序号"])
    assert [(e["sheet"], e["row"], e["column"], e["value"]) for e in report["errors"]] == [
        ("花名册", 10, "手机", "1380573"),
        ("花名册", 14, "社区", "北板乔社区"),
    ]
    assert "11" in report["errors"][0]["message"]
    assert "北板桥社区" in report["errors"][1]["message"]
    assert counted("liaison") == 0


@pytest.mark.database
def test_the_good_rows_come_in_alone_and_a_second_time_change_nothing(settled: Flask, counted: Any) -> None:
    first = told(settled, "import", "liaison", LIAISONS, "--good-rows")
    assert numbers(first) == (15, 13, 0, 0, 2)
    assert first["applied"]
    second = told(settled, "import", "liaison", LIAISONS, "--good-rows")
    assert numbers(second) == (15, 0, 0, 13, 2)
    assert counted("liaison") == 13
    assert second["warnings"][0].startswith("同一文件曾导入过")
    assert f"批次 {first['batch']}" in second["warnings"][0]


def test_one_sheet_is_asked_for_by_its_name(settled: Flask) -> None:
    report = told(settled, "import", "liaison", LIAISONS, "--dry-run", "--sheet", "花名册")
    assert (report["rows"], report["skipped_sheets"]) == (15, [])
    result = command(settled, "import", "liaison", LIAISONS, "--sheet", "三月", "--json")
    assert "没有工作表“三月”。文件中有：花名册" in json.loads(result.stdout)["errors"][0]["message"]


@pytest.mark.database
def test_what_came_in_is_clean(settled: Flask) -> None:
    command(settled, "import", "liaison", LIAISONS, "--good-rows")
    with settled.app_context(), settled.extensions["panel"].system_session() as session:
        statement = select(Community.name, Liaison.name, Liaison.mobile, Liaison.start_on).join(Community)
        found = {place: (name, mobile, str(day)) for place, name, mobile, day in session.execute(statement)}
    assert len(found) == 13
    assert found["东塔社区"] == ("赵建平", "18720251104", "2025-07-14")
    assert found["东栅社区"] == ("胡秀珍", "18704017408", "2025-09-03")
    assert found["百花社区"] == ("罗雅琴", "13536657184", "2025-08-18")
    assert found["清河社区"] == ("赵文斌", "13610114680", "2025-01-03")


def test_officers_of_the_roster_that_are_unknown_are_named(settled: Flask) -> None:
    report = told(settled, "import", "liaison", LIAISONS, "--dry-run")
    assert len(report["warnings"]) == 13
    assert "第 4 行" in report["warnings"][0]
    assert "胡国庆" in report["warnings"][0]


def test_a_dry_run_writes_nothing(settled: Flask, counted: Any) -> None:
    result = command(settled, "import", "liaison", LIAISONS, "--dry-run", "--good-rows", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["applied"], report["batch"], report["new"]) == (0, False, None, 13)
    assert (counted("liaison"), counted("importbatch")) == (0, 1)
    assert command(settled, "import", "liaison", LIAISONS, "--dry-run").exit_code == 1


def test_the_failed_rows_corrected_come_in_as_they_are(settled: Flask, tmp_path: Path, counted: Any) -> None:
    out = tmp_path / "errors.xlsx"
    told(settled, "import", "liaison", LIAISONS, "--good-rows", "--errors", out)
    header, *rows = cells(out)
    assert header == [*cells(LIAISONS)[2], "失败原因"]
    assert [row[0:4] for row in rows] == [
        [7, "城西街道", "西马桥社区", "林佳怡"],
        [11, "城西街道", "北板乔社区", "马晓燕"],
    ]
    assert rows[0][-1].startswith("手机：")
    assert rows[1][-1].startswith("社区：")
    out.write_bytes(changed(out.read_bytes(), *CORRECTED))
    report = told(settled, "import", "liaison", out)
    assert numbers(report) == (2, 2, 0, 0, 0)
    assert report["ignored_columns"] == ["序号", "失败原因"]
    assert counted("liaison") == 15


def test_one_line_says_what_happened(settled: Flask) -> None:
    result = command(settled, "import", "liaison", LIAISONS, "--good-rows")
    assert result.stdout.splitlines() == ["共 15 行：新增 13，变更 0，不变 0，失败 2。 已写入，批次 2。"]
    assert result.exit_code == 0
    told_apart = result.stderr.splitlines()
    assert "花名册" in told_apart[0]
    assert "10" in told_apart[0]
    assert "手机 · 1380573" in told_apart[0]
    again = command(settled, "import", "liaison", LIAISONS)
    assert again.stdout.splitlines() == ["共 15 行：新增 0，变更 0，不变 13，失败 2。 未写入任何数据。"]
    assert again.exit_code == 1


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("nothing.xlsx", "文件 nothing.xlsx 不存在"),
        (".", ""),
        (SAMPLES / "communities.xls", "缺少“姓名”列"),
        (SAMPLES.parent.parent / "docs" / "images" / "home.png", "这不是可以读取的表格"),
    ],
)
def test_a_file_that_is_none_of_this_table_is_one_sentence(settled: Flask, file: Any, sentence: str) -> None:
    if file == ".":
        assert command(settled, "import", "liaison", file).exit_code == 2
        return
    result = command(settled, "import", "liaison", file, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["applied"], report["rows"]) == (1, False, 0)
    assert len(report["errors"]) == 1
    assert sentence in report["errors"][0]["message"], report["errors"]
    plain = command(settled, "import", "liaison", file)
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert sentence in plain.stderr
    assert "Traceback" not in plain.stderr


def test_a_command_acts_with_the_rights_of_the_account_it_is_given(stage: Stage) -> None:
    app, before = stage.app, stage.count("liaison")
    for person in ("leader", "officer", "liaison", "viewer", "administrator"):
        result = command(app, "import", "liaison", LIAISONS, "--json", "--as", person)
        report = json.loads(result.stdout)
        assert (result.exit_code, report["applied"]) == (1, False)
        assert [error["message"] for error in report["errors"]] == ["您的角色无权进行此操作。"]
        assert command(app, "export", "user", "unused.xlsx", "--as", person).exit_code == 1
    nobody = command(app, "import", "liaison", LIAISONS, "--json", "--as", "nobody")
    assert "nobody" in json.loads(nobody.stdout)["errors"][0]["message"]
    assert stage.count("liaison") == before
    assert told(app, "import", "community", COMMUNITIES, "--create-missing", "--confirm", "all", "--as", "office")[
        "applied"
    ]
    with stage.session() as session:
        latest = select(ImportBatch.actor_name, ImportBatch.actor_id).order_by(ImportBatch.id.desc())
        batch = session.execute(latest).first()
    assert batch == ("office", stage.district.users["office"])


@pytest.mark.parametrize("table", ["user", "userrole", "importbatch", "importrow", "auditentry", "caseevent"])
def test_what_no_role_imports_is_not_imported_by_command_either(app: Flask, table: str) -> None:
    result = command(app, "import", table, LIAISONS)
    assert result.exit_code == 2
    assert f"'{table}' is not one of" in result.stderr


def test_the_failed_rows_never_overwrite_the_file_itself(settled: Flask, tmp_path: Path) -> None:
    own = tmp_path / "own.xlsx"
    own.write_bytes(LIAISONS.read_bytes())
    for out in (own, tmp_path / "no" / "folder.xlsx"):
        result = command(settled, "import", "liaison", own, "--good-rows", "--errors", out, "--json")
        assert (result.exit_code, json.loads(result.stdout)["applied"]) == (1, False)
    assert own.read_bytes() == LIAISONS.read_bytes()


def test_templates_and_exports_are_written_where_one_says(stage: Stage, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    assert command(stage.app, "template", "liaison", out).exit_code == 0
    assert cells(out)[0][:3] == ["姓名*", "性别", "街道"]
    result = command(stage.app, "export", "liaison", out, "--as", "leader")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert [row[0] for row in cells(out)] == ["姓名", "胡秀珍"]
    assert command(stage.app, "export", "liaison", tmp_path / "no" / "out.xlsx").exit_code == 1
    assert command(stage.app, "template", "liaison", tmp_path / "no" / "out.xlsx").exit_code == 1
