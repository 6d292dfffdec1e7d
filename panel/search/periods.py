"""Periods by a word, such as this month: they move on with the calendar, also in an address that was kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from panel.i18n import Message, _
from panel.kinds import today


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its label; `days` gives its first and its last day, both inclusive, for today."""

    label: Message
    days: Callable[[date], tuple[date, date]]


def _week(day: date, back: int = 0) -> tuple[date, date]:
    """The week of a day, from Monday, or that many weeks earlier."""
    monday = day - timedelta(days=day.weekday() + 7 * back)
    return monday, monday + timedelta(days=6)


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _month_before(day: date) -> tuple[date, date]:
    return _month(day.replace(day=1) - timedelta(days=1))


def between(column: Any, name: str) -> ColumnElement[bool]:
    """The condition that a column of days lies in a period."""
    within: ColumnElement[bool] = column.between(*PERIODS[name].days(today()))
    return within


#: By the word in an address.
PERIODS: Mapping[str, Period] = {
    "today": Period(_("Today"), lambda day: (day, day)),
    "this_week": Period(_("This week"), _week),
    "last_week": Period(_("Last week"), lambda day: _week(day, 1)),
    "this_month": Period(_("This month"), _month),
    "last_month": Period(_("Last month"), _month_before),
    "last_30_days": Period(_("Last 30 days"), lambda day: (day - timedelta(days=29), day)),
    "this_year": Period(_("This year"), lambda day: (date(day.year, 1, 1), date(day.year, 12, 31))),
}
