"""The page of the working calendar by year, with the recalculation of open deadlines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from bureau.access.roles import OFFICE
from bureau.calendar.web.office import calendar
from bureau.cases import recompute
from models import CalendarDay
from panel.i18n import Message, _, listed, n_
from panel.kinds import Moment, today
from panel.security.policy import Permission
from panel.store.bulk import StaleRow
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.pages import Button, Cell, ConfirmPage, Page, Words

#: Most cases listed on the confirmation page.
MAX_NAMED = 12


@dataclass(slots=True)
class MonthLine:
    """A month with days off or make-up days, as texts."""

    label: Message
    off: list[str] = field(default_factory=list)
    work: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Year:
    """A year of the calendar; `months` is empty if it isn't loaded."""

    number: int
    state: Cell
    sub: Words
    months: list[MonthLine] = field(default_factory=list)
    #: The list of its days, and how many it holds.
    url: str = ""
    count: int = 0
    open: bool = False


@dataclass(slots=True)
class WorkdaysPage(Page):
    years: list[Year] = field(default_factory=list)
    upload_url: str = ""
    template_url: str = ""
    #: A sentence with the number of open cases whose deadline differs from the calendar.
    stale: Words = ""


def may_open() -> bool:
    actor = current_actor()
    return OFFICE in actor.roles and current_panel().policy.may(actor, Permission.EDIT, CalendarDay)


def _require() -> None:
    if not may_open():
        abort(403)


def page() -> Any:
    _require()
    statement = select(CalendarDay).order_by(CalendarDay.day)
    days = list(current_panel().session.execute(statement).scalars())
    this_year = today().year
    loaded = {day.day.year for day in days}
    workdays_page = WorkdaysPage(
        title=_("Days off and deadlines"),
        sub=_("Deadlines in working days follow the yearly notice on holidays and make-up days."),
        upload_url=url_for("calendarday.import_view"),
        template_url=url_for("calendarday.template_view"),
    )
    workdays_page.buttons = [
        Button(_("Work open deadlines out anew"), url_for("calendar_recompute"), "refresh"),
        Button(_("Upload the notice"), workdays_page.upload_url, "upload", primary=True),
    ]
    if moved := recompute.moved_deadlines(current_panel().session, calendar()):
        workdays_page.stale = n_(
            "The deadline of {n} open case isn't the one that the calendar gives it.",
            "The deadlines of {n} open cases aren't those that the calendar gives them.",
            len(moved),
        )
    for number in sorted(loaded | {this_year, this_year + 1}, reverse=True):
        workdays_page.years.append(_year(number, [day for day in days if day.day.year == number], this_year))
    return render_template("cases/deadlines.html", page=workdays_page)


def _year(number: int, days: list[CalendarDay], this_year: int) -> Year:
    if not days:
        state = Cell(str(_("Not loaded")), tone="warn" if number == this_year else "")
        words = _("Monday to Friday count as working days until the notice is here.")
        return Year(number, state, words, open=True)
    off, work = [day for day in days if not day.is_work], [day for day in days if day.is_work]
    sources = listed(dict.fromkeys(day.source for day in days if day.source))
    counts = [n_("{n} day off", "{n} days off", len(off)), n_("{n} made up for", "{n} made up for", len(work))]
    span: dict[str, Any] = {"day.from": f"{number}-01-01", "day.to": f"{number}-12-31"}
    return Year(
        number,
        Cell(str(_("Loaded")), tone="good"),
        " · ".join(str(part) for part in [*counts, sources] if part),
        months=list(_months(off, work)),
        url=url_for("calendarday.index_view", **span),
        count=len(days),
        open=number >= this_year,
    )


def _months(off: list[CalendarDay], work: list[CalendarDay]) -> Iterable[MonthLine]:
    for number in range(1, 13):
        line = MonthLine(_("Month {number}", number=number))
        line.off = list(spans(day for day in off if day.day.month == number))
        line.work = [_with_name(_day(day.day), day.name) for day in work if day.day.month == number]
        if line.off or line.work:
            yield line


def spans(days: Iterable[CalendarDay]) -> Iterable[str]:
    """Consecutive days with the same name as one text: "1–3 元旦"."""
    run: list[CalendarDay] = []
    for day in [*days, None]:
        if run and (day is None or day.day - run[-1].day > timedelta(days=1) or day.name != run[0].name):
            first, last = run[0].day, run[-1].day
            text = _day(first) if first == last else f"{first.day}–{_day(last)}"
            yield _with_name(text, run[0].name)
            run = []
        if day is not None:
            run.append(day)


def _day(day: date) -> str:
    return str(_("day {number}", number=day.day))


def _with_name(text: str, name: str | None) -> str:
    return f"{text} {name}" if name else text


def recompute_deadlines() -> Any:
    """Show which deadlines would move; a POST moves them."""
    _require()
    session = current_panel().session
    if request.method == "POST":
        try:
            count = recompute.recompute(session, calendar())
            session.commit()
        except StaleRow:
            session.rollback()
            flash(str(_("Somebody was working on one of the cases. Nothing was changed; try again.")), "warning")
        else:
            flash(str(_result(count)), "success")
        return redirect(url_for("calendar"))
    moved = recompute.moved_deadlines(session, calendar())
    confirm_page = ConfirmPage(
        title=_("Work open deadlines out anew"),
        sentences=[
            n_(
                "The deadline of {n} open case moves, by the limit that it was accepted with. The case keeps a record.",
                "The deadlines of {n} open cases move, by the limits that they were accepted with. "
                "Each case keeps a record.",
                len(moved),
            ),
            _("Suspended and finished cases stay as they are."),
        ],
        items=[_moved(case) for case in moved[:MAX_NAMED]],
        action_url=url_for("calendar_recompute"),
        submit=_("Move the deadlines"),
        cancel_url=url_for("calendar"),
    )
    if len(moved) > MAX_NAMED:
        confirm_page.items.append(Cell(str(n_("and {n} more", "and {n} more", len(moved) - MAX_NAMED))))
    if not moved:
        confirm_page.blocked = _(
            "Every open case has the deadline that the calendar gives it. There is nothing to move."
        )
    return render_template("panel/confirm.html", page=confirm_page)


def _moved(case: recompute.MovedDeadline) -> Cell:
    before, after = (Moment().format(at.replace(second=0, microsecond=0)) for at in (case.before, case.after))
    return Cell(f"{case.case_no}  {before} → {after}", url=url_for("case.details_view", id=case.id))


def _result(n: int) -> Message:
    if not n:
        return _("Every open case has the deadline that the calendar gives it. There is nothing to move.")
    return n_("The deadline of {n} case was moved.", "The deadlines of {n} cases were moved.", n)


ROUTES = (
    Route("/calendar", "calendar", page, handbook="calendar"),
    Route(
        "/calendar/recompute",
        "calendar_recompute",
        recompute_deadlines,
        methods=("GET", "POST"),
        handbook="calendar",
    ),
)
