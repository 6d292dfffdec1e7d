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
from bureau.ledger import draft_archive
from bureau.settings import settings
from models import LedgerDraft
from panel.jobs import periodic
from panel.jobs.periodic import Result
from panel.kinds import ZONE
from panel.security.keys import keys_of
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


@pytest.mark.database
def test_old_drafts_go_to_a_sealed_file_and_ledgers_handed_up_stay(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago, moment = datetime(2024, 3, 1, tzinfo=ZONE), datetime(2026, 6, 1, 8, tzinfo=ZONE)
    common = {"basis": models.Basis.ACCEPTED, "file_name": "台账.xlsx"}
    with stage.session() as session:
        for month in ("2024-01", "2024-02"):
            file = f"workbook of {month}".encode()
            session.add(LedgerDraft(month=month, made_at=long_ago, rows=3, digest="d" * 64, file=file, **common))
        session.add(models.Ledger(month="2023-12", closed_at=long_ago, sha256="0" * 64, file=b"handed up", **common))

    def tick() -> Result:
        with time_machine.travel(moment), stage.app.app_context():
            return periodic.tick(stage.panel, force=True)["drafts.archive"]

    def months() -> list[str]:
        with stage.session() as session:
            return list(session.execute(sa.select(LedgerDraft.month).where(LedgerDraft.month < "2026")).scalars())

    folder = stage.panel.jobs.instance / "archive"
    tick()
    assert (months(), folder.exists()) == (["2024-01", "2024-02"], False), "never, unless the setting says so"
    with stage.session() as session:
        settings.put(session, "draft_keep_months", 12)
    with monkeypatch.context() as broken:
        broken.setattr(draft_archive, "is_whole", lambda *_given: False)
        assert tick() is Result.FAILED
    assert (months(), list(folder.iterdir())) == (["2024-01", "2024-02"], []), "nothing goes that wasn't verified"
    with stage.session() as session:
        drafts = session.execute(sa.select(LedgerDraft).options(sa.orm.undefer(LedgerDraft.file))).scalars().all()
        first = [draft for draft in drafts if draft.month == "2024-01"]
        session.expunge_all()
    assert tick() is Result.DONE
    assert months() == ["2024-02"], "the last one of its basis stays"
    (file,) = folder.iterdir()
    with stage.app.app_context():
        key = keys_of(stage.panel.db.engine).log
    assert draft_archive.is_whole(file, key, first)
    assert not draft_archive.is_whole(file, "another key", first)
    assert file.stat().st_mode & 0o077 == 0
    with stage.session() as session:
        kept = session.execute(sa.select(models.Ledger.file).where(models.Ledger.month == "2023-12")).scalar_one()
    assert kept == b"handed up"
