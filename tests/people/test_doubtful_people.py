"""The sample workbooks about people and words, by the command: what is doubtful is asked about, with the option that
answers it; what is clear asks nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from models import Case, Liaison, Officer, OfficerKind
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options
from panel.kinds import today
from seed import district, reference
from tests.factories import PASSWORD, clock
from tests.workbooks import SAMPLES

DOUBTFUL, CLEAR = SAMPLES / "doubtful", SAMPLES / "clear"


@pytest.fixture(scope="module")
def made_up(empty_app: Flask) -> Flask:
    """The made-up district without cases. Every test leaves it as it was."""
    panel = empty_app.extensions["panel"]
    with clock(), using_locale(DEFAULT_LOCALE), empty_app.app_context(), panel.system_session() as session:
        reference.load(session)
        rng = random.Random(20260112)  # noqa: S311 - made-up data, nothing to keep secret
        district.build(session, rng, today(), panel.passwords.hash(PASSWORD))
    return empty_app


def told(app: Flask, table: str, file: Path, *options: str) -> dict[str, Any]:
    arguments = ["import", table, str(file), "--json", "--dry-run", "--as", "office", *options]
    result = app.test_cli_runner().invoke(args=arguments)
    report: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code == 2) == bool(report["questions"]), result.output
    return report


def numbers(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("new", "updated", "unchanged", "failed") if report[name]}


def options(report: dict[str, Any], question: int = 0) -> list[str]:
    return [offer["option"] for offer in report["questions"][question]["offers"]]


def test_common_words_mean_their_choices_and_two_in_one_are_asked_about(made_up: Flask) -> None:
    file = DOUBTFUL / "words-of-a-ledger.xlsx"
    report = told(made_up, "case", file)
    (question,) = report["questions"]
    assert (question["about"], question["row"], question["header"]) == ("value", 4, "处置方式")
    assert (numbers(report), [error["row"] for error in report["errors"]]) == ({"new": 2, "failed": 1}, [4])
    assert "--value outcome:劝导、教育=education" in options(report)
    assert numbers(told(made_up, "case", file, "--value", "outcome:劝导、教育=批评教育")) == {"new": 3}


def test_old_cases_keep_the_words_of_items_that_nobody_knows(made_up: Flask) -> None:
    report = told(made_up, "case", DOUBTFUL / "items-nobody-knows.xlsx")
    assert (numbers(report), report["questions"]) == ({"new": 3}, [])
    assert "噪音扰民、僵尸车、其他" in report["warnings"][-1]


def test_one_mobile_and_two_names_ask_whether_the_name_was_corrected(made_up: Flask) -> None:
    file = DOUBTFUL / "one-person-misspelt.xlsx"
    report = told(made_up, "liaison", file)
    assert options(report) == ["--confirm Sheet1!2", "--confirm Sheet1!2=corrected", "--confirm Sheet1!2=skip"]
    assert report["questions"][0]["text"] == "盛慧英的手机与盛惠英相同，是否为更正姓名？"
    assert numbers(told(made_up, "liaison", file, "--confirm", "2=corrected")) == {"updated": 1}
    assert numbers(told(made_up, "liaison", file, "--confirm", "2")) == {"new": 1}
    assert numbers(told(made_up, "liaison", file, "--confirm", "Sheet1!2=skip")) == {"failed": 1}


def test_a_street_that_nobody_knows_is_asked_about(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "unknown-street.xlsx")
    assert [question["row"] for question in report["questions"]] == [2]
    assert "不存在街道" in report["questions"][0]["text"]


def test_helpers_come_in_as_auxiliary(made_up: Flask) -> None:
    file = DOUBTFUL / "officers-kind.xlsx"
    report = told(made_up, "officer", file)
    assert (numbers(report), report["questions"], report["ignored_columns"]) == ({"new": 1}, [], [])
    panel = made_up.extensions["panel"]
    with made_up.app_context(), panel.system_session() as session:
        plan = batches.plan(session, Officer, File(file.name, file.read_bytes()), Options(), panel.registry)
    assert plan.rows[0].values["kind"] is OfficerKind.AUXILIARY


@pytest.mark.parametrize("name", ["vacancy-as-name.xlsx", "two-tier-officer-first.xlsx", "name-with-title.xlsx"])
def test_nobody_is_ended_by_a_misreading(made_up: Flask, name: str) -> None:
    report = told(made_up, "liaison", DOUBTFUL / name)
    assert report["new"] == 0 or report["questions"]


def test_a_succession_among_many_rows_is_only_listed(made_up: Flask) -> None:
    report = told(made_up, "liaison", DOUBTFUL / "two-row-header-with-phones.xlsx")
    assert numbers(report) == {"new": 1, "updated": 1, "failed": 4}
    assert [question["header"] for question in report["questions"]] == ["男/女"]
    assert {error["row"] for error in report["errors"]} == {7, 8, 9, 10}


@pytest.mark.parametrize("file", sorted(CLEAR.iterdir()), ids=lambda file: file.name)
def test_a_clear_file_asks_nothing(made_up: Flask, file: Path) -> None:
    table = "case" if file.name in {"prescribed-ledger-by-hand.xlsx", "times-of-a-ledger.xlsx"} else "liaison"
    assert told(made_up, table, file)["questions"] == []


def test_nothing_was_written(made_up: Flask) -> None:
    panel = made_up.extensions["panel"]
    with made_up.app_context(), panel.system_session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Case)) == 0
        assert session.scalar(sa.select(sa.func.count()).where(Liaison.name == "盛惠英", Liaison.end_on.is_(None))) == 1
