"""The sample workbooks about columns and rows, by the command and on the page of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options, Plan
from tests.people.test_doubtful_people import CLEAR, DOUBTFUL, made_up, numbers, told
from tests.workbooks import table

__all__ = ["made_up"]

SAME = {"unchanged": 1}


def planned(app: Flask, name: str, file: Path, **options: Any) -> Plan:
    panel = app.extensions["panel"]
    with app.app_context(), panel.system_session() as session:
        upload = File(file.name, file.read_bytes())
        return batches.plan(session, panel.tables[name], upload, Options(**options), panel.registry)


def read_as(app: Flask, name: str, file: str, **options: Any) -> dict[str, str]:
    """What the columns of a file are read as, by letter."""
    (part,) = planned(app, name, DOUBTFUL / file, **options).parts
    return {chr(65 + index): column for index, column in part.columns.items()}


def test_groups_tell_the_liaison_from_the_officer(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "two-tier-officer-first.xlsx")
    assert (numbers(report), report["questions"]) == ({"unchanged": 2}, [])
    assert read_as(made_up, "liaison", "two-tier-officer-first.xlsx") == {
        "B": "community", "E": "name", "F": "mobile", "G": "note"
    }  # fmt: skip


def test_the_telephone_of_the_neighbour_is_not_written(made_up: Flask) -> None:
    columns = read_as(made_up, "liaison", "phone-of-the-neighbour.xlsx")
    assert columns == {"B": "community", "C": "officer", "E": "name", "F": "mobile"}
    (row,) = planned(made_up, "liaison", DOUBTFUL / "phone-of-the-neighbour.xlsx").rows
    assert "mobile" not in row.values


def test_both_halves_of_a_sheet_are_read(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "left-and-right-halves.xlsx")
    assert (report["rows"], numbers(report), report["questions"]) == (5, {"new": 1, "unchanged": 4}, [])
    assert "F–H" in report["warnings"][0]


def test_columns_are_chosen_by_their_place(made_up: Flask) -> None:
    clear = read_as(made_up, "liaison", "mapping-by-position.xlsx")
    assert clear == {"E": "community", "F": "name", "G": "post", "H": "mobile"}
    said = {"B": "name", "D": "mobile", "F": "", "H": ""}
    assert read_as(made_up, "liaison", "mapping-by-position.xlsx", columns=said) == {
        "B": "name", "D": "mobile", "E": "community", "G": "post"
    }  # fmt: skip


@pytest.mark.parametrize("file", ["ledger-other-time-labels.xlsx", "ledger-through-the-columns-page.xlsx"])
def test_old_ledgers_are_known_by_other_words_too(made_up: Flask, file: str) -> None:
    report = told(made_up, "case", DOUBTFUL / file)
    assert (set(numbers(report)), report["questions"], report["ignored_columns"]) == ({"new"}, [], [])
    for row in planned(made_up, "case", DOUBTFUL / file).rows:
        assert (row.values["historic"], row.values["status"].value) == (True, "closed")


def test_day_and_clock_of_a_ledger_are_one_moment(made_up: Flask) -> None:
    (row,) = planned(made_up, "case", DOUBTFUL / "day-and-clock-apart.xlsx").rows
    assert row.values["accepted_at"].strftime("%Y-%m-%d %H:%M") == "2025-05-03 09:30"


def test_rows_that_begin_like_footers_are_all_read(made_up: Flask) -> None:
    report = told(made_up, "case", DOUBTFUL / "rows-that-begin-like-footers.xlsx")
    assert (report["rows"], numbers(report), report["left_out"]) == (11, {"new": 11}, [])


def test_footers_are_left_out_by_name_and_can_be_taken_in(made_up: Flask) -> None:
    file = DOUBTFUL / "footers.xlsx"
    report = told(made_up, "liaison", file)
    assert numbers(report) == SAME
    assert [left["row"] for left in report["left_out"]] == list(range(3, 15))
    assert all(left["why"] and left["sheet"] == "Sheet1" for left in report["left_out"])
    taken = told(made_up, "liaison", file, "--confirm", "8")
    assert (numbers(taken), [left["row"] for left in taken["left_out"]]) == (
        {"unchanged": 1, "failed": 1},
        [3, 4, 5, 6, 7, *range(9, 15)],
    )
    assert numbers(told(made_up, "liaison", file, "--confirm", "all")) == SAME


def test_headers_of_other_tables_are_known_in_other_words(made_up: Flask) -> None:
    assert set(read_as(made_up, "officer", "officers-kind.xlsx").values()) == {
        "name", "squad", "badge_no", "badge_until", "kind", "active"
    }  # fmt: skip
    assert read_as(made_up, "checklistitem", "limits-with-units.xlsx")["D"] == "limit_value"
    assert list(read_as(made_up, "referral", "referral-register.xlsx").values()) == [
        "case", "department", "document_no", "sent_at", "request", "signed_at", "replied_at", "reply"
    ]  # fmt: skip


def test_a_header_of_two_rows_with_telephones(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "two-row-header-with-phones.xlsx")
    assert (report["skipped_sheets"], report["ignored_columns"]) == (["说明"], ["序号"])
    assert [(left["row"], left["why"]) for left in report["left_out"]] == [(12, "合计"), (13, "签字")]
    columns = read_as(made_up, "liaison", "two-row-header-with-phones.xlsx")
    assert list(columns.values()) == ["community", "name", "gender", "mobile", "telephone", "start_on", "note"]


def saved(folder: Path, *rows: Any) -> Path:
    file = folder / "来件.xlsx"
    file.write_bytes(table(*rows))
    return file


def test_a_row_that_names_only_a_street_heads_those_below(made_up: Flask, tmp_path: Path) -> None:
    rows = [("社区", "姓名", "手机"), ("一、鹤湖街道",), ("东栅社区", "邵翠芳", "15400010000"), ("望河街道（1人）",)]
    report = told(made_up, "liaison", saved(tmp_path, *rows, ("听雨社区", "新人甲", None), ("小计", "1人", None)))
    assert [(left["row"], left["why"]) for left in report["left_out"]] == [
        (2, "分组标题"), (4, "分组标题"), (6, "小计")
    ]  # fmt: skip
    # 听雨社区 lies in another street than the heading says.
    assert [question["row"] for question in report["questions"]] == [5]
    assert "望河街道" in report["questions"][0]["text"]


def test_a_street_above_the_header_heads_the_rows_too(made_up: Flask, tmp_path: Path) -> None:
    rows = [("望河街道",), ("社区", "姓名"), ("听雨社区", "新人甲")]
    assert len(told(made_up, "liaison", saved(tmp_path, *rows))["questions"]) == 1


def test_communities_are_listed_below_their_street_and_officers_below_their_squad(
    made_up: Flask, tmp_path: Path
) -> None:
    communities = saved(tmp_path, ("社区名称", "户数"), ("鹤湖街道",), ("东栅社区", None), ("新桥社区", 2130))
    assert numbers(told(made_up, "community", communities)) == {"new": 1, "unchanged": 1}
    officers = saved(tmp_path, ("姓名", "执法证号"), ("南湖分队",), ("新队员", "YS999999"))
    (row,) = planned(made_up, "officer", officers).rows
    assert row.values["squad_id"] is not None


def test_a_row_with_its_community_alone_is_no_heading(made_up: Flask, tmp_path: Path) -> None:
    report = told(made_up, "liaison", saved(tmp_path, ("社区", "姓名"), ("东栅社区", None), ("荷风社区", "陆立群")))
    assert numbers(report) == {"unchanged": 1, "failed": 1}


CLEAR_NUMBERS = {
    "strict.xlsx": {"new": 1},
    "backslashes.xlsx": {"new": 1},
    "prefixed.xlsx": {"new": 1},
    "no-places.xlsx": {"new": 1},
    "shared-strings-in-capitals.xlsx": {"new": 1},
    "phonetic.xlsx": {"new": 1},
    "escapes.xlsx": {"new": 1},
    "iso-dates.xlsx": {"new": 1},
    "chinese-day-formats.xlsx": {"new": 8},
    "days-since-1904.xlsx": {"new": 1},
    "used-range-to-the-end.xlsx": {"new": 1},
    "collapsed-group.xlsx": {"new": 2},
    "rare-characters.xlsx": {"new": 2},
    "phones.xlsx": {"new": 6, "failed": 3},
    "two-tier-liaison-first.xlsx": {"unchanged": 1},
    "one-sheet-a-street.xlsx": {"unchanged": 3},
    "prescribed-ledger-by-hand.xlsx": {"new": 2},
    "times-of-a-ledger.xlsx": {"new": 1, "failed": 2},
    "titles-above-gbk.csv": {"updated": 1},
    "commas-in-semicolons.csv": {"updated": 2},
}


@pytest.mark.parametrize("name", CLEAR_NUMBERS)
def test_a_clear_file_comes_in_as_it_should(made_up: Flask, name: str) -> None:
    report = told(made_up, "case" if "ledger" in name else "liaison", CLEAR / name)
    assert numbers(report) == CLEAR_NUMBERS[name]


def test_every_clear_file_is_tried() -> None:
    assert set(CLEAR_NUMBERS) == {file.name for file in CLEAR.iterdir()}
