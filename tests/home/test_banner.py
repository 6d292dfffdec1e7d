"""The banner about a year whose working calendar isn't loaded."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import sqlalchemy as sa

from bureau.calendar import reach
from bureau.calendar.calendar import Calendar
from bureau.cases.state import stepping
from models import CalendarDay, Case, CaseStatus, Referral
from panel.kinds import ZONE, now, today
from tests.factories import Stage

LOADED = Calendar({date(2026, 1, 1): False, date(2027, 1, 1): False})


@pytest.mark.parametrize(
    ("last", "missing"),
    [
        (None, None),
        (date(2026, 12, 31), None),
        (date(2027, 6, 1), None),
        (date(2028, 1, 1), 2028),
        (date(2030, 1, 1), 2028),
    ],
)
def test_the_missing_year_is_the_first_that_a_deadline_reaches(last: date | None, missing: int | None) -> None:
    assert LOADED.missing_year(date(2026, 7, 15), last) == missing
    assert Calendar().missing_year(date(2026, 7, 15), last) == 2026


@pytest.mark.framed
def test_it_stands_as_soon_as_an_open_deadline_reaches_the_year(stage: Stage) -> None:
    year = today().year
    with stage.session() as session:
        session.execute(sa.delete(CalendarDay))
        session.add(CalendarDay(day=date(year, 10, 1), is_work=False, name="国庆节"))
        session.execute(sa.update(Case).values(due_at=None))
        session.execute(sa.update(Referral).values(reply_due_at=None))
    pages = {who: stage.browse(who) for who in ("office", "officer", "auditor")}

    def banner(who: str) -> str:
        page = pages[who].get("/").text
        return page.partition('<div class="banner"')[2].partition("</div>")[0]

    assert banner("office") == ""
    due = datetime(year + 1, 1, 1, tzinfo=ZONE)
    with stage.session() as session:
        case = session.get_one(Case, stage.inside["case"])
        case.due_at = due
        session.flush()
        assert reach.last_deadline(session, year) == date(year + 1, 1, 1)
    for who, link in (("office", True), ("officer", False)):
        assert f"{year + 1}" in banner(who)
        assert ("<a href=" in banner(who)) is link
    assert banner("auditor") == ""
    with stage.session() as session:
        session.add(CalendarDay(day=date(year + 1, 1, 1), is_work=False, name="元旦"))
    assert banner("office") == ""


@pytest.mark.parametrize("status", ["sent", "replied"])
def test_a_department_that_is_waited_for_counts_too_and_what_ended_does_not(stage: Stage, status: str) -> None:
    year = today().year
    with stage.session() as session:
        session.execute(sa.update(Case).values(due_at=datetime(year + 1, 3, 1, tzinfo=ZONE)))
        with stepping():
            for case in session.scalars(sa.select(Case)):
                case.closed_at, case.status = case.closed_at or now(), CaseStatus.CLOSED
        given = {"status": status, "reply_due_at": datetime(year + 1, 2, 1, tzinfo=ZONE)}
        session.execute(sa.update(Referral).values(**given, reply="已处理", replied_at=now()))
        session.flush()
        expected = date(year + 1, 2, 1) if status == "sent" else None
        assert reach.last_deadline(session, year) == expected
