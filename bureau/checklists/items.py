"""The items in force on a day, the versions of an item, and time limits as text.

An item is its code: cases of two versions of it are about the same item."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased, joinedload

from models import ChecklistItem, LimitUnit
from panel.base import UNSCOPED
from panel.i18n import Message, n_


def current(session: Session, day: date) -> list[ChecklistItem]:
    """The items in force on a day, sorted by code. One statement."""
    statement = select(ChecklistItem).where(*ChecklistItem.in_force(day)).order_by(ChecklistItem.code)
    return list(session.scalars(statement.options(joinedload(ChecklistItem.department))))


def is_in_force(session: Session, item_id: int, day: date) -> bool:
    """Whether a version can be chosen on a day. Unscoped: the rule doesn't depend on who asks."""
    statement = select(ChecklistItem.id).where(ChecklistItem.id == item_id, *ChecklistItem.in_force(day))
    return session.execute(statement, execution_options=UNSCOPED).first() is not None


def same_item(item_id: Any, column: Any) -> ColumnElement[bool]:
    """The condition that a column refers to a version of the item that `item_id`, a value or a column, refers to."""
    version, stated = aliased(ChecklistItem), aliased(ChecklistItem)
    versions = select(version.id).where(version.code == stated.code, stated.id == item_id)
    versions = versions.correlate_except(version, stated)
    condition: ColumnElement[bool] = column.in_(versions)
    return condition


def codes(session: Session) -> dict[int, str]:
    """The code of every version of every item. One statement, unscoped: what an item is doesn't depend on who asks."""
    versions = session.execute(select(ChecklistItem.id, ChecklistItem.code), execution_options=UNSCOPED)
    return {version.id: version.code for version in versions}


def limit_words(value: int, unit: LimitUnit) -> Message:
    """3 个工作日, 4 个工作时, 2 小时 around the clock."""
    if unit == LimitUnit.WORKING_DAY:
        return n_("{n} working day", "{n} working days", value)
    if unit == LimitUnit.OFFICE_HOUR:
        return n_("{n} office hour", "{n} office hours", value)
    return n_("{n} hour, around the clock", "{n} hours, around the clock", value)
