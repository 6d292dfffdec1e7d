"""Moments as whole numbers inside a statement, alike on SQLite and PostgreSQL: to count days and hours between two of
them, and to look a moment up in a list of days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from panel.kinds import ZONE
from panel.kinds.base import Moments

#: Of the office's zone against UTC: it has known no summer time since 1991, long before the first record.
OFFSET = int((datetime(2000, 1, 1, tzinfo=ZONE).utcoffset() or timedelta()).total_seconds())
DAY = 86_400


class seconds(FunctionElement[int]):  # noqa: N801 - reads like a function of SQL
    """Whole seconds of a stored moment since 1970, rounded down."""

    type = BigInteger()
    inherit_cache = True


class local_day(FunctionElement[int]):  # noqa: N801
    """The day of a stored moment in the office's zone, counted from 1 January 1970."""

    type = BigInteger()
    inherit_cache = True


class minute(FunctionElement[Any]):  # noqa: N801
    """A stored moment without its seconds: what is typed has none."""

    type = Moments()
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


@compiles(minute, "sqlite")
def _minute_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 16)"


@compiles(minute)
def _minute(element: Any, compiler: Any, **kw: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **kw)})"


def within_days(later: Any, earlier: Any, days: int) -> ColumnElement[bool]:
    """Whether a moment comes at most so many times 24 hours after another one, and not before it."""
    found: ColumnElement[bool] = (later >= earlier) & (seconds(later) - seconds(earlier) <= days * DAY)
    return found


def stepwise(moment: Any, steps: Sequence[tuple[datetime, datetime]]) -> ColumnElement[Any]:
    """What a moment stands for in a list of (before when, what), in the order of time; from the last one on it is the
    last. The list is halved with each question, so that a year of days costs eight."""
    if len(steps) == 1:
        return literal(steps[0][1], Moments())
    middle = len(steps) // 2
    earlier, later = steps[:middle], steps[middle:]
    before = moment < literal(earlier[-1][0], Moments())
    found: ColumnElement[Any] = case((before, stepwise(moment, earlier)), else_=stepwise(moment, later))
    return found


def merged(steps: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same list without a step that says what the next one says."""
    found: list[tuple[datetime, datetime]] = []
    for step in steps:
        if found and found[-1][1] == step[1]:
            found.pop()
        found.append(step)
    return found
