"""The reference data: departments, checklist items, working days, phrases. Existing records are not changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import chinese_calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

import seed
from models import CalendarDay, ChecklistItem, Department, LimitUnit, ListKind, Phrase, PhraseUse
from panel.base import UNSCOPED
from panel.kinds import Choice

FIRST_YEAR = 2024
SOURCE = "内置日历"

#: Names of the holidays of the State Council's yearly notice, by their names in the package.
HOLIDAYS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}


def load(session: Session) -> dict[str, int]:
    """Add missing departments, items, days and phrases, and flush. Returns how many of each were added."""
    return {
        "departments": _departments(session),
        "items": _items(session),
        "days": _days(session),
        "phrases": _phrases(session),
    }


def _known(session: Session, column: Any) -> set[Any]:
    return set(session.scalars(select(column), execution_options=UNSCOPED))


def _departments(session: Session) -> int:
    known = _known(session, Department.name)
    new = [
        Department(name=row["name"], sign_limit=int(row["sign_limit"]), reply_limit=int(row["reply_limit"]))
        for row in seed.rows("departments.csv")
        if row["name"] not in known
    ]
    session.add_all(new)
    session.flush()
    return len(new)


def _items(session: Session) -> int:
    known = _known(session, ChecklistItem.code)
    departments = session.execute(select(Department.name, Department.id), execution_options=UNSCOPED)
    ids = dict(departments.all())
    new = [
        ChecklistItem(
            code=row["code"],
            name=row["name"],
            other_words=row["other_words"] or None,
            list_kind=Choice(ListKind).parse(row["list_kind"]),
            category=row["category"] or None,
            legal_basis=row["legal_basis"] or None,
            department_id=ids[row["department"]] if row["department"] else None,
            limit_value=int(row["limit_value"]),
            limit_unit=Choice(LimitUnit).parse(row["limit_unit"]),
            needs_measurement=row["needs_measurement"] == "1",
            mediable=row["mediable"] == "1",
        )
        for row in seed.rows("checklist.csv")
        if row["code"] not in known
    ]
    session.add_all(new)
    session.flush()
    return len(new)


def _phrases(session: Session) -> int:
    """Add the phrases only if there are none, because the office may have deleted some."""
    if session.scalar(select(Phrase.id).limit(1), execution_options=UNSCOPED) is not None:
        return 0
    new = [
        Phrase(name=row["name"], use=Choice(PhraseUse).parse(row["use"]), words=row["words"])
        for row in seed.rows("phrases.csv")
    ]
    session.add_all(new)
    session.flush()
    return len(new)


def _days(session: Session) -> int:
    known = _known(session, CalendarDay.day)
    new = [
        CalendarDay(day=day, is_work=is_work, name=name, source=SOURCE)
        for day, is_work, name in notices()
        if day not in known
    ]
    session.add_all(new)
    session.flush()
    return len(new)


def notices() -> Iterator[tuple[date, bool, str | None]]:
    """Date, whether it is a working day, and name of the days that a notice names or that differ from Monday to Friday,
    from FIRST_YEAR to the last year that the package knows."""
    day = date(FIRST_YEAR, 1, 1)
    last = max(chinese_calendar.holidays).year
    while day.year <= last:
        is_work = chinese_calendar.is_workday(day)
        english = chinese_calendar.get_holiday_detail(day)[1]
        if english is not None or is_work != (day.weekday() < 5):
            name = HOLIDAYS.get(english, english)
            yield day, is_work, f"{name}调休上班" if is_work and name else name
        day += timedelta(days=1)
