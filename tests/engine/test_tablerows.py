"""The rows of a table as cells: whatever shortcut reads them, they are what the records say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

import models
from panel.base import UNSCOPED, name_in_files
from panel.exports import table_rows
from panel.kinds import ZONE, Choice, Flag, Moment
from tests.factories import MODELS, Stage

pytestmark = pytest.mark.database


def cell(record: Any, column: table_rows.Column) -> Any:
    """What a cell holds, by the record alone."""
    f = column.field
    if f is None:
        return record.id
    if f.reference:
        other = getattr(record, f.name)
        if other is None:
            return None
        return name_in_files(getattr(other, column.above.name) if column.above else other)
    value = getattr(record, f.attr)
    if value is None or value in ("", []):
        return None
    if isinstance(f.kind, Moment):
        return value.astimezone(ZONE).replace(tzinfo=None, microsecond=0)
    return f.kind.format(value) if isinstance(f.kind, Choice | Flag) or isinstance(value, str) else value


@pytest.mark.parametrize("name", sorted(MODELS))
def test_cells_are_what_the_records_say(standing: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also where the rows come in many parts."""
    monkeypatch.setattr(table_rows, "CHUNK", 2)
    model, shown = MODELS[name], table_rows.columns(MODELS[name])
    with standing.session() as session:
        records = session.execute(select(model)).unique().scalars()
        expected = [tuple(cell(record, column) for column in shown) for record in records]
        found = list(table_rows.rows(session, model, shown, [], clear=True))
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert [[type(value) for value in row] for row in sorted(found, key=str)] == [
        [type(value) for value in row] for row in sorted(expected, key=str)
    ]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_no_row_is_lost_between_two_parts(stage: Stage, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(table_rows, "CHUNK", 2)
    for _more in range(number):
        stage.add("volunteer")
    with stage.session() as session:
        found = list(table_rows.rows(session, models.Volunteer, table_rows.columns(models.Volunteer), []))
    assert len(found) == stage.count("volunteer")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-05-01T23:30:15.999999", "2026-05-02 07:30:15"),
        ("1992-01-01T00:00:00", "1992-01-01 08:00:00"),
        # The office's clock went an hour ahead in the summers before.
        ("1990-07-01T00:00:00", "1990-07-01 09:00:00"),
        ("1899-12-31T00:00:00", "1899-12-31 08:05:43"),
    ],
)
def test_moments_are_the_offices_time_to_the_second(stage: Stage, stored: str, shown: str) -> None:
    moment = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    column = next(c for c in table_rows.columns(models.Case) if c.name == "reported_at")
    with stage.session() as session:
        session.execute(update(models.Case).values(reported_at=moment), execution_options=UNSCOPED)
        ((value,), *_others) = table_rows.rows(session, models.Case, [column], [])
    assert str(value) == shown


def test_the_clock_is_steady_since_the_year_it_is_taken_to_be() -> None:
    day = table_rows.FIXED_OFFSET_SINCE.replace(tzinfo=UTC)
    while day.year < 2060:
        assert day.astimezone(ZONE).utcoffset() == table_rows.OFFSET
        day += timedelta(days=7)
