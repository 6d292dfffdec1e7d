"""Last month's ledger is drawn up by itself on the first working day, and waits until it is handed up."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from openpyxl import load_workbook

import models
from bureau.settings import settings
from models import LedgerDraft
from panel.jobs import periodic
from panel.jobs.periodic import Result
from panel.kinds import ZONE
from tests.factories import Stage
from tests.ledgers import Course, again, make

WORK = "ledger.drafts"


def tick_on(stage: Stage, day: str) -> Any:
    """What the round of a server does on a day of 2026."""
    moment = datetime.strptime(f"2026-{day} 08:00 +0800", "%Y-%m-%d %H:%M %z").astimezone(ZONE)
    with time_machine.travel(moment, tick=True), stage.app.app_context():
        return periodic.tick(stage.panel, force=True)[WORK]


def drawn(stage: Stage) -> list[tuple[str, str, int]]:
    with stage.session() as session:
        found = session.execute(sa.select(LedgerDraft).order_by(LedgerDraft.month, LedgerDraft.id)).scalars()
        return [(one.month, one.basis.value, one.rows) for one in found]


@pytest.fixture
def filled(stage: Stage) -> Stage:
    """A case of May that was closed in it, and another one; 1 June 2026 is a Monday."""
    make(stage, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
    make(stage, Course("05-05 09:30"))
    return stage


def test_it_is_there_from_the_first_working_day_on_and_only_once(filled: Stage) -> None:
    with filled.session() as session:
        session.add(models.CalendarDay(day=datetime(2026, 6, 1, tzinfo=ZONE).date(), is_work=False, name="儿童节"))
    assert tick_on(filled, "06-01") is Result.DONE
    assert drawn(filled) == []
    assert tick_on(filled, "06-02") is Result.DONE
    assert drawn(filled) == [("2026-05", "accepted", 2), ("2026-05", "closed", 1)]
    assert tick_on(filled, "06-03") is Result.DONE
    assert len(drawn(filled)) == 2


def test_the_office_chooses_the_basis_and_an_empty_month_is_left_out(filled: Stage) -> None:
    with filled.session() as session:
        settings.put(session, "ledger_by_closing", False)
    tick_on(filled, "06-02")
    assert drawn(filled) == [("2026-05", "accepted", 2)]
    with filled.session() as session:
        session.execute(sa.delete(LedgerDraft))
        settings.put(session, "ledger_by_closing", True)
    tick_on(filled, "05-06")
    assert drawn(filled) == []


def test_it_waits_on_home_and_on_the_ledger_page_until_it_is_handed_up(filled: Stage) -> None:
    tick_on(filled, "06-02")
    office, viewer = filled.browse("office"), filled.browse("viewer")
    assert "2026年5月台账" in office.get("/").text
    page = office.get("/ledgers?month=2026-05").text
    assert "生成，待核对、报送" in page
    assert "重新生成" in page
    with filled.session() as session:
        id_ = session.scalar(sa.select(LedgerDraft.id).where(LedgerDraft.basis == "accepted"))
    sent = office.get(f"/ledgers/draft/{id_}")
    assert load_workbook(BytesIO(sent.data))["案件台账"]["A6"].value == "合计"
    assert viewer.get(f"/ledgers/draft/{id_}").status_code == 403
    assert filled.browse("leader").get("/ledgers?month=2026-05").text.count("待核对") == 0
    office.post("/ledgers/hand-up", {"month": "2026-05", "by": "accepted"})
    assert drawn(filled) == [("2026-05", "closed", 1)]
    assert office.get(f"/ledgers/draft/{id_}").status_code == 404
    tick_on(filled, "06-08")
    assert drawn(filled) == [("2026-05", "closed", 1)]


def test_what_changed_since_is_told_and_it_is_drawn_up_anew_on_demand(filled: Stage) -> None:
    tick_on(filled, "06-02")
    id_ = make(filled, Course("05-20 09:30"))
    again(filled, id_, ("handle", "05-21 09:00"))
    office = filled.browse("office")
    assert "此后案件有变动" in office.get("/ledgers?month=2026-05").text
    assert filled.browse("viewer").post("/ledgers/draw-up", {"month": "2026-05"}).status_code == 403
    office.post("/ledgers/draw-up", {"month": "2026-05", "by": "accepted"})
    page = office.get("/ledgers?month=2026-05").text
    assert "此后案件有变动" not in page
    assert ("2026-05", "accepted", 3) in drawn(filled)
