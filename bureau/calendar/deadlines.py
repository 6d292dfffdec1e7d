"""When something is due and how near that is. Pure functions; all moments carry a zone, days are local ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, overload

from bureau.calendar.calendar import Calendar
from models import LimitUnit
from panel.i18n import Message, _, n_
from panel.kinds import ZONE

Light = Literal["green", "yellow", "red"]

#: Yellow when at most one in so many parts of the time is left: 20 %.
_YELLOW_PART = 5
_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)
_MIDNIGHT = time()


def due(start: datetime, value: int, unit: LimitUnit, calendar: Calendar, *, urgent: bool = False) -> datetime:
    """When a limit of `value` `unit` that starts at `start` ends, in UTC.

    - Working days: the first one counted is the working day after `start`; it ends at the close of the last one.
    - Office hours: only office time counts; a start after hours rolls forward to the next opening.
    - Clock hours, and office hours of something urgent: around the clock from `start` on.

    Raises ValueError for a limit below 1."""
    if value < 1:
        raise ValueError(f"a time limit must be at least 1, not {value}")
    if _by_the_clock(unit, urgent):
        return (start + timedelta(hours=value)).astimezone(UTC)
    if unit == LimitUnit.OFFICE_HOUR:
        return after(start, timedelta(hours=value), calendar)
    day = local_day(start)
    for _counted in range(value):
        day = calendar.next_workday(day)
    return datetime.combine(day, calendar.hours.closing, ZONE).astimezone(UTC)


def begun_before(now: datetime, value: int, unit: LimitUnit, calendar: Calendar, *, urgent: bool = False) -> datetime:
    """The moment up to which a limit must have begun to be over now: what began before it is over, what began at it or
    later isn't. So a list asks for what is over without a deadline being stored. A limit in working days depends on
    the day alone; for office hours the moment is found by halving, to the microsecond: who starts later is never due
    earlier."""
    if _by_the_clock(unit, urgent):
        return (now - timedelta(hours=value)).astimezone(UTC)
    if unit == LimitUnit.WORKING_DAY:
        day = local_day(now)
        while due(datetime.combine(day, _MIDNIGHT, ZONE), value, unit, calendar) >= now:
            day -= _DAY
        return datetime.combine(day + _DAY, _MIDNIGHT, ZONE).astimezone(UTC)
    back = timedelta(days=1)
    while due(now - back, value, unit, calendar) >= now:
        back *= 2
    over, within = now - back, now
    while within - over > _LEAST:
        middle = over + (within - over) // 2
        if due(middle, value, unit, calendar) < now:
            over = middle
        else:
            within = middle
    return within.astimezone(UTC)


def resumed(
    before: datetime,
    begin: datetime,
    end: datetime,
    unit: LimitUnit,
    calendar: Calendar,
    *,
    urgent: bool = False,
) -> datetime:
    """A deadline after the clock has stood still from `begin` to `end`: as much time is left as there was, counted as
    the unit counts it."""
    if _by_the_clock(unit, urgent):
        return (before + max(end - begin, timedelta())).astimezone(UTC)
    if unit == LimitUnit.OFFICE_HOUR:
        stood = office_time(begin, end, calendar)
        return after(before, stood, calendar) if stood else before
    days = working_days_between(begin, end, calendar)
    return due(before, days, unit, calendar) if days else before


def after(start: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """The moment at which `length` of office time has passed since `start`, in UTC: within office hours always."""
    local = start.astimezone(ZONE)
    day, left = local.date(), length
    while True:
        if calendar.is_workday(day):
            for begin, end in calendar.hours.spans:
                opens, closes = max(datetime.combine(day, begin, ZONE), local), datetime.combine(day, end, ZONE)
                if opens < closes:
                    if left <= closes - opens:
                        return (opens + left).astimezone(UTC)
                    left -= closes - opens
        day += _DAY


def office_time(begin: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Office time from `begin` to `end`; zero when `end` is not later."""
    first, last = begin.astimezone(ZONE), end.astimezone(ZONE)
    total, day = timedelta(), first.date()
    while day <= last.date():
        if calendar.is_workday(day):
            for opening, closing in calendar.hours.spans:
                opens = max(datetime.combine(day, opening, ZONE), first)
                closes = min(datetime.combine(day, closing, ZONE), last)
                total += max(closes - opens, timedelta())
        day += _DAY
    return total


def light(
    now: datetime, start: datetime, due: datetime, unit: LimitUnit, calendar: Calendar, *, urgent: bool = False
) -> Light:
    """How near the deadline of something open is. Red: over. Yellow: at most 20 % of the time is left, counted as the
    unit counts it; for limits in working days also all of the last one. Green otherwise."""
    if now > due:
        return "red"
    if _by_the_clock(unit, urgent):
        left, total = due - now, due - start
    else:
        if unit == LimitUnit.WORKING_DAY:
            if local_day(now) == local_day(due):
                return "yellow"
            start = datetime.combine(local_day(start) + _DAY, _MIDNIGHT, ZONE)
        left, total = office_time(now, due, calendar), office_time(start, due, calendar)
    return "yellow" if left * _YELLOW_PART <= total else "green"


def words(now: datetime, due: datetime | None, ended_at: datetime | None, calendar: Calendar) -> Message:
    """A deadline in a few words: "Today 17:30", "2 working days over", or for what has ended in time or late.
    Nothing when there is no deadline yet."""
    if due is None:
        return Message("")
    if ended_at is not None:
        return _("In time") if ended_at <= due else _("Late")
    if now > due:
        return _over(now, due, calendar)
    local = due.astimezone(ZONE)
    distance = (local.date() - local_day(now)).days
    if distance == 0:
        return _("Today {time}", time=f"{local:%H:%M}")
    if distance == 1:
        return _("Tomorrow {time}", time=f"{local:%H:%M}")
    return Message("{when}", when=f"{local:%m-%d %H:%M}")


def working_days_between(begin: date, end: date, calendar: Calendar) -> int:
    """Working days after `begin` up to and including `end`; a moment counts as its local day. 0 when there is none."""
    day, last = local_day(begin), local_day(end)
    count = 0
    while (day := calendar.next_workday(day)) <= last:
        count += 1
    return count


def local_day(moment: date) -> date:
    """The day in the office's zone; a plain day stays what it is."""
    return moment.astimezone(ZONE).date() if isinstance(moment, datetime) else moment


def _over(now: datetime, due: datetime, calendar: Calendar) -> Message:
    """How long a deadline is over: working days, or on the same or a rest day hours, or minutes in the first hour."""
    if days := working_days_between(due, now, calendar):
        return n_("{n} working day over", "{n} working days over", days)
    minutes = int((now - due).total_seconds() // 60)
    if hours := minutes // 60:
        return n_("{n} hour over", "{n} hours over", hours)
    return n_("{n} minute over", "{n} minutes over", max(minutes, 1))


def _by_the_clock(unit: LimitUnit, urgent: bool) -> bool:
    return unit == LimitUnit.CLOCK_HOUR or (urgent and unit == LimitUnit.OFFICE_HOUR)


@overload
def local(moment: datetime) -> datetime: ...
@overload
def local(moment: None) -> None: ...
def local(moment: datetime | None) -> datetime | None:
    """A moment as papers print it: in the office's zone, to the minute."""
    return None if moment is None else moment.astimezone(ZONE).replace(second=0, microsecond=0)
