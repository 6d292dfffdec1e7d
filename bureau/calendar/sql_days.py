"""SQL functions over stored moments, equal on SQLite and PostgreSQL: seconds, local days, and steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from panel.kinds import ZONE
from panel.kinds.base import Moments

#: Offset of the office's zone from UTC in seconds. Constant: the zone has had no summer time since 1991.
OFFSET = int((datetime(2000, 1, 1, tzinfo=ZONE).utcoffset() or timedelta()).total_seconds())
DAY = 86_400


class seconds(FunctionElement[int]):  # noqa: N801 - reads like a function of SQL
    """Whole seconds of a stored moment since 1970, rounded down."""

    type = BigInteger()
    inherit_cache = True


class local_day(FunctionElement[int]):  # noqa: N801
    """The local day of a stored moment, in days since 1970-01-01."""

    type = BigInteger()
    inherit_cache = True


@compiles(seconds, "sqlite")
def _seconds_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **kw)}) AS INTEGER)"


@compiles(seconds)
def _seconds(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **kw)})) AS BIGINT)"


@compiles(local_day, "sqlite")
def _local_day_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(({_seconds_sqlite(element, compiler, **kw)} + {OFFSET}) / {DAY})"


@compiles(local_day)
def _local_day(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(({_seconds(element, compiler, **kw)} + {OFFSET}) / {DAY})"


def within_days(later: Any, earlier: Any, days: int) -> ColumnElement[bool]:
    """The condition that `later` is at most `days` times 24 hours after `earlier`, and not before it."""
    condition: ColumnElement[bool] = (later >= earlier) & (seconds(later) - seconds(earlier) <= days * DAY)
    return condition


def stepwise(moment: Any, steps: Sequence[tuple[datetime, datetime]]) -> ColumnElement[Any]:
    """A step function as nested CASE: `steps` are sorted pairs of (before this moment, value); later moments get the
    last value. Binary search: a year of days takes nine comparisons."""
    if len(steps) == 1:
        return literal(steps[0][1], Moments())
    middle = len(steps) // 2
    earlier, later = steps[:middle], steps[middle:]
    before = moment < literal(earlier[-1][0], Moments())
    expression: ColumnElement[Any] = case((before, stepwise(moment, earlier)), else_=stepwise(moment, later))
    return expression


def merged(steps: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The steps without those whose value equals that of the next step."""
    reduced: list[tuple[datetime, datetime]] = []
    for step in steps:
        if reduced and reduced[-1][1] == step[1]:
            reduced.pop()
        reduced.append(step)
    return reduced
