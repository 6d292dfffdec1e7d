"""The sample workbooks whose cells hold no plain values, and those that are clear: by the command, in the made-up
district."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options, Plan
from tests.factories import MODELS
from tests.people.test_doubtful_people import DOUBTFUL, made_up, numbers, told
from tests.workbooks import outcomes, sentences

__all__ = ["made_up"]


def planned(app: Flask, table: str, file: Path) -> Plan:
    with app.app_context(), app.extensions["panel"].system_session() as session:
        sent = File(file.name, file.read_bytes())
        return batches.plan(session, MODELS[table], sent, Options(), app.extensions["panel"].registry)


def notes(plan: Plan) -> dict[int, str]:
    return {row.number: " ".join(sentences(row.notes)) for row in plan.rows}


def test_a_vacant_post_ends_nobody(made_up: Flask) -> None:
    plan = planned(made_up, "liaison", DOUBTFUL / "vacancy-as-name.xlsx")
    failed = dict.fromkeys((4, 5, 7), "failed")
    assert outcomes(plan) == {2: "unchanged", **dict.fromkeys((3, 6, 8, 9, 10), "skipped"), **failed}
    assert not any(row.edits or row.adds for row in plan.rows)
    assert "As in row 8 above: 姓名“待定”" in notes(plan)[9]


def test_a_title_behind_a_name_changes_nobody(made_up: Flask) -> None:
    plan = planned(made_up, "liaison", DOUBTFUL / "name-with-title.xlsx")
    assert outcomes(plan) == {2: "unchanged", 3: "unchanged", 4: "failed", 5: "failed", 6: "failed", 7: "unchanged"}
    assert not any(row.edits for row in plan.rows)


@pytest.mark.parametrize(("file", "rows"), [("invisible-marks", 5), ("nothing-words", 4)])
def test_marks_and_words_for_nothing_change_nobody(made_up: Flask, file: str, rows: int) -> None:
    report = told(made_up, "liaison", DOUBTFUL / f"{file}.xlsx")
    assert (numbers(report), report["questions"]) == ({"unchanged": rows}, [])


def test_what_says_nothing_is_noted(made_up: Flask) -> None:
    made = notes(planned(made_up, "liaison", DOUBTFUL / "nothing-words.xlsx"))
    assert made[2] == "Read as empty: 性别“无”、职务“〃”、手机“/”、办公电话“-”、起始时间“-”、备注“同上”."
    assert made[3] == "Read as empty: 职务“无”、手机“无”、办公电话“无”、起始时间“/”、备注“无”."


def test_chinese_and_short_days_are_read(made_up: Flask) -> None:
    plan = planned(made_up, "liaison", DOUBTFUL / "day-missing-and-chinese-days.xlsx")
    assert {str(row.values["start_on"]) for row in plan.rows} == {"2026-05-01"}
    noted = [number for number, note in notes(plan).items() if "read as 2026-05-01" in note]
    assert noted == [2, 3, 5, 7]


def test_ditto_marks_stand_for_the_cell_above(made_up: Flask) -> None:
    first, second = planned(made_up, "case", DOUBTFUL / "ditto-in-a-ledger.xlsx").rows
    assert [row.outcome.value for row in (first, second)] == ["new", "new"]
    for attr in ("source", "item_id", "outcome", "result"):
        assert second.values[attr] == first.values[attr]


def test_a_closing_by_its_day_and_a_day_and_clock_apart_are_moments(made_up: Flask) -> None:
    (closed,) = planned(made_up, "case", DOUBTFUL / "closed-on-the-day.xlsx").rows
    assert (closed.outcome.value, f"{closed.values['closed_at']:%Y-%m-%d %H:%M}") == ("new", "2025-05-03 17:30")
    (apart,) = planned(made_up, "case", DOUBTFUL / "day-and-clock-apart.xlsx").rows
    assert (apart.outcome.value, f"{apart.values['accepted_at']:%Y-%m-%d %H:%M}") == ("new", "2025-05-03 09:30")


def test_limits_are_read_with_their_units(made_up: Flask) -> None:
    plan = planned(made_up, "checklistitem", DOUBTFUL / "limits-with-units.xlsx")
    limits: list[Any] = [(row.values["limit_value"], row.values["limit_unit"].value) for row in plan.rows]
    assert limits == [(1, "d"), (24, "eh")]


def test_a_roster_with_every_mess_comes_out_cell_by_cell(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "two-row-header-with-phones.xlsx")
    assert {(error["row"], error["column"]) for error in report["errors"]} == {
        (7, "手机"),
        (8, "手机"),
        (9, "社区（村）"),
        (10, "男/女"),
    }


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_vertical_tab_ends_nothing(made_up: Flask, kind: str, tmp_path: Path) -> None:
    out = tmp_path / "errors.xlsx"
    report = told(made_up, "liaison", DOUBTFUL / f"vertical-tab.{kind}", "--errors", str(out))
    assert (numbers(report), out.exists()) == ({"failed": 1}, True)
