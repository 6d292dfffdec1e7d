"""The working calendar."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped

from panel.base import Public, Record
from panel.fields import col
from panel.i18n import _
from panel.kinds import Day, Text
from schema.words import WorkingDay


class CalendarDay(Record):
    """A day of the yearly notice (工作日历), or one that differs from Monday to Friday."""

    __tablename__ = "calendarday"
    __label__ = _("Calendar day")
    __labels__ = _("Working calendar")
    __scope__ = Public()
    __display__ = ("day",)
    __order__ = "-day"

    day: Mapped[date] = col(Day(), _("Date"), required=True, key=True, unique=True)
    is_work: Mapped[bool] = col(
        WorkingDay(),
        _("Working day"),
        required=True,
        aliases=("是否工作日", "工作日", "是否上班", "类型"),
        help=_("In a workbook also 上班 or 放假."),
    )
    name: Mapped[str | None] = col(
        Text(40), _("Name"), search=True, help=_("For example 国庆节, or the day made up for.")
    )
    source: Mapped[str | None] = col(Text(60), _("Source"), readonly=True)
