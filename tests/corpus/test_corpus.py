"""Twenty workbooks in the layouts of forms that offices use: what is clear in them is taken, what is doubtful is asked
about or refused, and nothing is wrong in silence."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tests.corpus import ledgers, rosters
from tests.corpus.judge import Judge, Report, Verdict
from tests.factories import clock

#: Share of the rows that come in as they are meant without a question.
LEAST_RIGHT = 0.9
KINDS = [
    f"{package.__name__}.{module.name}"
    for package in (rosters, ledgers)
    for module in iter_modules(package.__path__)
    if module.name != "cases"
]


@pytest.fixture(scope="module")
def reports(judge: Judge) -> dict[str, Report]:
    with clock():
        return {kind: judge.judge(kind.removeprefix("tests.corpus."), import_module(kind).form()) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wrong_in_silence(reports: dict[str, Report], kind: str) -> None:
    assert not reports[kind].faults, "\n".join([str(reports[kind]), *reports[kind].faults])


def test_most_rows_come_in_as_they_are_meant_without_a_question(reports: dict[str, Report]) -> None:
    total = sum((report.verdicts for report in reports.values()), Counter[Verdict]())
    lines = [line for report in reports.values() for line in (str(report), *report.remarks)]
    assert total[Verdict.RIGHT] >= LEAST_RIGHT * total.total(), "\n".join(lines)
