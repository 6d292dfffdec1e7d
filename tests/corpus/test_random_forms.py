"""Whatever the layout and the cells: what would be written is what is true, or the preview asks or refuses."""

from __future__ import annotations

from hypothesis import given, settings

from tests.corpus.judge import Judge
from tests.corpus.layouts import rosters
from tests.corpus.ledger_layouts import ledgers
from tests.corpus.sheets import Form


@settings(max_examples=15)
@given(form=rosters())
def test_a_roster_of_known_people_is_read_right_or_not_at_all(judge: Judge, form: Form) -> None:
    report = judge.judge("roster", form)
    assert not report.faults, report.faults


@settings(max_examples=15)
@given(form=ledgers())
def test_a_ledger_of_known_cases_is_read_right_or_not_at_all(judge: Judge, form: Form) -> None:
    report = judge.judge("ledger", form)
    assert not report.faults, report.faults
