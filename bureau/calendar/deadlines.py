"""Deadlines by the bureau's working calendar, and their lights. Pure functions; times carry a zone, days are local."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, overload

from bureau.calendar.calendar import Calendar
from models import LimitUnit
from panel.i18n import Message, _, n_
from panel.kinds import ZONE

Light = Literal["green", "yellow", "red"]

#: The light is yellow when at most a fifth of the time is left.
_YELLOW_PART = 5
_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)
_MIDNIGHT = time()


def due(start: datetime, value: int, unit: LimitUnit, calendar: Calendar, *, urgent: bool = False) -> datetime:
    """The deadline, in UTC, of a limit of `value` `unit` that starts at `start`.

    - Working days: the first one counted is the working day after `start`; it ends at the close of the last one.
    - Office hours: only office time counts; a start outside it counts from the next opening.
    - Clock hours, and office hours of an urgent case: around the clock.

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
    """The moment, in UTC, such that a limit begun before it is over now, and one begun later isn't. Lists use it to
    find overdue cases without stored deadlines.

    Office hours are searched by bisection to the microsecond: a later start never has an earlier deadline."""
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
    overdue, within = now - back, now
    while within - overdue > _LEAST:
        middle = overdue + (within - overdue) // 2
        if due(middle, value, unit, calendar) < now:
            overdue = middle
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
    """The deadline `before`, moved by a suspension from `begin` to `end`, so that the time left in the limit's unit
    stays the same.

    Suspended on the last day of a limit in working days, or with no hour left, nothing stays: then the deadline is the
    close of the working day after the resumption. What was overdue on an earlier day stays so."""
    if nothing_left(before, begin, unit) and end > begin:
        return due(end, 1, LimitUnit.WORKING_DAY, calendar)
    if _by_the_clock(unit, urgent):
        return (before + max(end - begin, timedelta())).astimezone(UTC)
    if unit == LimitUnit.OFFICE_HOUR:
        pause = office_time(begin, end, calendar)
        return after(before, pause, calendar) if pause else before
    days = working_days_between(begin, end, calendar)
    return due(before, days, unit, calendar) if days else before


def nothing_left(before: datetime, begin: datetime, unit: LimitUnit) -> bool:
    """Whether a suspension that begins at `begin` leaves nothing of a limit that is due at `before`."""
    return local_day(begin) == local_day(before) if unit == LimitUnit.WORKING_DAY else begin == before


def performed(perform_by: date, calendar: Calendar) -> datetime:
    """The deadline, in UTC, of an agreement to be performed by a day: the close of the working day after it."""
    return due(datetime.combine(perform_by, _MIDNIGHT, ZONE), 1, LimitUnit.WORKING_DAY, calendar)


def after(start: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """The moment, in UTC and within office hours, at which `length` of office time has passed since `start`."""
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
    """The light of an open deadline. Red: over. Yellow: at most 20 % of the time is left, in the limit's unit; for
    working days also the whole last day. Green otherwise."""
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
    """A deadline as text: "Today 17:30", "2 working days over"; "In time" or "Late" after `ended_at`; empty without a
    deadline."""
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
    """The day of a moment in the office's zone; a plain day is returned as it is."""
    return moment.astimezone(ZONE).date() if isinstance(moment, datetime) else moment


def _over(now: datetime, due: datetime, calendar: Calendar) -> Message:
    """The time since a deadline in working days; without a full one in hours, and within the first hour in minutes."""
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
    """A moment in the office's zone, cut to the minute, as papers print it."""
    return None if moment is None else moment.astimezone(ZONE).replace(second=0, microsecond=0)
