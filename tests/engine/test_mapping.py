"""Columns that nobody knows are offered to be told by hand, and that is remembered; nothing is dropped in silence."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models import Liaison
from panel.errors import UserError
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.layout import mapping
from panel.imports.plans import Options, Outcome, Plan
from tests import workbooks
from tests.factories import MODELS, Stage, form_values

HEADER = ("所在小区", "负责同志姓名", "电话联络", "爱好")
ROW = ("东栅社区", "王五", "13800001234", "下棋")
SAID = {"所在小区": "community", "负责同志姓名": "name", "电话联络": "mobile", "爱好": ""}


def planned(stage: Stage, session: Any, rows: list[tuple[Any, ...]], **options: Any) -> Plan:
    file = File("名单.xlsx", workbooks.table(("2026年名单",), *rows))
    return batches.plan(session, MODELS["liaison"], file, Options(**options), stage.panel.registry)


def test_a_missing_column_is_said_before_any_row_is_checked_with_a_best_guess_for_each(stage: Stage) -> None:
    with stage.session() as session, pytest.raises(mapping.UnmappedError) as refused:
        planned(stage, session, [HEADER, ("没有的社区", "王五", "坏号码", "")])
    (header,) = refused.value.headers
    assert header.labels == list(HEADER)
    assert {header.labels[doubt.index]: doubt.names[0] for doubt in header.doubts}["负责同志姓名"] == "name"


def test_a_column_is_guessed_by_what_stands_below_it(stage: Stage) -> None:
    with stage.session() as session, pytest.raises(mapping.UnmappedError) as refused:
        planned(stage, session, [("甲", "乙"), *[("某", f"138{n:08}") for n in range(5)]])
    (header,) = refused.value.headers
    assert [(doubt.index, doubt.names[0]) for doubt in header.doubts] == [(1, "mobile")]


def test_what_was_said_by_hand_is_read_and_remembered_for_files_with_the_same_headers(stage: Stage) -> None:
    with stage.session() as session:
        made = planned(stage, session, [HEADER, ROW], columns=SAID)
        assert [(row.outcome, row.values["mobile"]) for row in made.rows] == [(Outcome.NEW, "13800001234")]
        assert made.ignored_columns == ["爱好"]
        batches.run(session, made, File("名单.xlsx", b"1"), stage.panel.registry)
        again = planned(stage, session, [HEADER, ("东栅社区", "王五", "13800009999", "")])
        assert [row.outcome for row in again.rows] == [Outcome.CHANGED]
        with pytest.raises(UserError):
            planned(stage, session, [(*HEADER, "又一列"), (*ROW, "")])


def test_a_preview_alone_remembers_nothing(stage: Stage) -> None:
    with stage.session() as session:
        planned(stage, session, [HEADER, ROW], columns=SAID)
        with pytest.raises(mapping.UnmappedError):
            planned(stage, session, [HEADER, ROW])


def test_a_header_said_by_hand_takes_the_column_from_the_one_that_had_it(stage: Stage) -> None:
    with stage.session() as session:
        rows = [("社区", "姓名", "手机", "新手机"), ("东栅社区", "王五", "13800001234", "13800005678")]
        made = planned(stage, session, rows, columns={"新手机": "mobile"})
    assert made.rows[0].values["mobile"] == "13800005678"
    assert "手机" in made.ignored_columns


def test_an_empty_cell_clears_only_where_that_was_asked_for(stage: Stage) -> None:
    with stage.session() as session:
        rows = [("社区", "姓名", "手机", "职务"), ("东栅社区", "胡秀珍", "", "书记")]
        kept = planned(stage, session, rows)
        assert "mobile" not in kept.rows[0].values
        cleared = planned(stage, session, rows, clear=True)
        assert cleared.rows[0].values == {"mobile": None, "post": "书记"}
        batches.run(session, cleared, File("名单.xlsx", b"1"), stage.panel.registry)
    assert stage.get("liaison", stage.district.inside["liaison"]).mobile is None


def test_clearing_leaves_what_a_record_cannot_do_without(stage: Stage) -> None:
    with stage.session() as session:
        made = planned(stage, session, [("社区", "姓名", "起始时间"), ("东栅社区", "胡秀珍", "")], clear=True)
    assert made.rows[0].outcome is Outcome.UNCHANGED


def test_a_file_of_unknown_columns_leads_to_the_page_where_they_are_told(stage: Stage) -> None:
    browser = stage.browse("office")
    data = workbooks.table(HEADER, ROW)
    sent = browser.post("/admin/liaison/import/", {"file": (io.BytesIO(data), "名单.xlsx")})
    assert "/import/columns/" in sent.location
    page = browser.get(sent.location).text
    assert all(label in page for label in (*HEADER, "王五"))
    values = form_values(page)
    # The name of a community tells its column, whatever its header.
    assert [values[f"column.{n}"] for n in range(4)] == ["community", "name", "mobile", ""]
    wrong = browser.post("/admin/liaison/import/columns/", {**values, "column.0": "name", "column.1": "name"})
    assert (wrong.status_code, "不能" in wrong.text or "只保留一列" in wrong.text) == (422, True)
    told = browser.post("/admin/liaison/import/columns/", {**values, "column.0": "community", "column.1": "name"})
    shown = browser.get(told.location).text
    assert "王五" in shown
    assert "字段对应" in shown
    done = re.findall(r'name="(token|digest)" value="([^"]+)"', shown)
    assert browser.post("/admin/liaison/import/apply/", dict(done)).status_code == 302
    again = browser.post("/admin/liaison/import/", {"file": (io.BytesIO(data), "名单.xlsx")})
    assert "/import/preview/" in again.location


@pytest.mark.parametrize(("said", "sentence"), [("电话联络=没有这列", "没有“没有这列”这一列"), ("电话联络", "--map")])
def test_the_command_says_what_it_cannot_map(stage: Stage, tmp_path: Path, said: str, sentence: str) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(HEADER, ROW))
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file), "--map", said])
    assert (answer.exit_code, sentence in answer.output) == (1, True)


@pytest.mark.parametrize("header", [HEADER, workbooks.ROSTER])
def test_the_command_says_which_header_is_not_in_the_file(
    stage: Stage, tmp_path: Path, header: tuple[str, ...]
) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(header, ROW))
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file), "--map", "说明=note"])
    assert answer.exit_code == 1
    assert f"“说明”，表头有：{'、'.join(header)}" in answer.output


def test_the_command_names_the_columns_that_it_leaves_out(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table((*workbooks.ROSTER, "血型"), ("城东街道", "东栅社区", "王五", "", "", "A")))
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file), "--dry-run"])
    assert "未导入的列：血型" in answer.output


def test_the_command_takes_labels_and_names_for_headers(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(HEADER, ROW))
    wanted = ["--map", "所在小区=社区", "--map", "负责同志姓名=name", "--map", "爱好=", "--json"]
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file), *wanted])
    assert json.loads(answer.stdout)["new"] == 1


def asked(stage: Stage, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file), "--json", *options])
    return answer.exit_code, json.loads(answer.stdout)


TWO_PHONES = (("社区", "姓名", "联系电话", "联系电话"), ("东栅社区", "王五", "13800001234", "13900001234"))


def test_the_command_asks_and_writes_nothing_until_it_is_answered(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(*TWO_PHONES))
    before = stage.count("importbatch")
    status, report = asked(stage, file)
    (question,) = report["questions"]
    assert (status, report["applied"], stage.count("importbatch")) == (2, False, before)
    assert {key: question[key] for key in ("sheet", "row", "column", "header", "about")} == {
        "sheet": "Sheet1",
        "row": None,
        "column": "D",
        "header": "联系电话",
        "about": "column",
    }
    assert [offer["option"] for offer in question["offers"]] == ["--map Sheet1!D=", "--map Sheet1!D=mobile"]
    for answer in ("D=mobile", "Sheet1!D=手机", "D="):
        status, report = asked(stage, file, "--dry-run", "--map", answer)
        assert (status, report["questions"], report["new"]) == (0, [], 1)
    status, report = asked(stage, file, "--map", "D=mobile")
    assert (status, report["applied"]) == (0, True)
    with stage.session() as session:
        mobiles = session.execute(select(Liaison.mobile).where(Liaison.name == "王五")).scalars().all()
    assert mobiles == ["13900001234"]


def test_the_command_prints_what_is_in_doubt_with_the_options_that_answer(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(*TWO_PHONES, ("合计", "1人", "", "")))
    answer = stage.app.test_cli_runner().invoke(args=["import", "liaison", str(file)])
    assert answer.exit_code == 2
    assert "--map Sheet1!D=mobile" in answer.stderr
    assert "未读取的行：3（合计）" in answer.stderr
    assert "未写入任何数据" in answer.stdout


def test_the_command_reads_the_header_where_it_is_told(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "名单.xlsx"
    rows = (
        ("社区", "姓名", "手机", "职务"),
        ("小区", "联络人", "电话", "备注"),
        ("东栅社区", "王五", "13800001234", "新"),
    )
    file.write_bytes(workbooks.table(*rows))
    status, report = asked(stage, file, "--dry-run", "--header-row", "2", "--map", "小区=社区")
    assert (status, report["new"], report["rows"]) == (0, 1, 1)


@pytest.mark.parametrize("option", ["Z=name", "二月!C=name", "没有=name"])
def test_the_command_refuses_a_column_that_is_not_there(stage: Stage, tmp_path: Path, option: str) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(workbooks.table(*TWO_PHONES))
    status, report = asked(stage, file, "--map", option)
    assert (status, report["applied"]) == (1, False)
    assert option.partition("=")[0] in report["errors"][0]["message"]


def test_an_answer_counts_for_its_sheet_alone(stage: Stage) -> None:
    pages = {name: workbooks.Page(TWO_PHONES) for name in ("一月", "二月")}
    file = File("名单.xlsx", workbooks.workbook(pages))
    with stage.session() as session:
        options = Options(columns={"二月!D": ""})
        made = batches.plan(session, MODELS["liaison"], file, options, stage.panel.registry)
    assert [question.key for question in made.questions] == ["一月!D"]
