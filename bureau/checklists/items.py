"""The items in force on a day, and time limits as text."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import ChecklistItem, LimitUnit
from panel.i18n import Message, n_


def current(session: Session, day: date) -> list[ChecklistItem]:
    """The items in force on a day, in their newest version, sorted by code. One statement."""
    statement = select(ChecklistItem).options(joinedload(ChecklistItem.department))
    newest: dict[str, ChecklistItem] = {}
    for item in session.execute(statement.order_by(ChecklistItem.code, ChecklistItem.version_no)).scalars():
        if item.valid_from is None or item.valid_from <= day:
            newest[item.code] = item
    return [item for item in newest.values() if item.valid_until is None or item.valid_until >= day]


def limit_words(value: int, unit: LimitUnit) -> Message:
    """3 个工作日, 4 个工作时, 2 小时 around the clock."""
    if unit == LimitUnit.WORKING_DAY:
        return n_("{n} working day", "{n} working days", value)
    if unit == LimitUnit.OFFICE_HOUR:
        return n_("{n} office hour", "{n} office hours", value)
    return n_("{n} hour, around the clock", "{n} hours, around the clock", value)
