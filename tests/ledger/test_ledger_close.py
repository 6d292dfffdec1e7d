"""Month close: a ledger handed up stays as it was, and the next one tells what changed."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
import sqlalchemy as sa
import time_machine
from openpyxl import load_workbook
from sqlalchemy.orm import Session

import models
from bureau.calendar.month import Month
from bureau.ledger import rows as ledger
from bureau.ledger import submission
from bureau.ledger.rows import shown
from bureau.ledger.web import files
from models import Basis
from panel.kinds import Invalid, now
from panel.security.policy import AccessDenied, Actor
from panel.security.records import AuditEntry
from panel.security.session import set_actor
from tests.factories import Stage
from tests.ledgers import JUNE, MAY, Course, again, make, rows


def order(month: Month = MAY, basis: Basis = Basis.ACCEPTED, squad: int | None = None) -> files.LedgerRequest:
    return files.LedgerRequest(month, basis, squad, "南湖分队" if squad else "")


def hand_up(stage: Stage, wanted: files.LedgerRequest) -> models.Ledger:
    with stage.session() as session:
        return files.hand_up(session, wanted)


def content(stage: Stage, wanted: files.LedgerRequest) -> bytes:
    with stage.session() as session:
        return files.make(session, wanted).content


def told(stage: Stage, month: Month = JUNE, basis: Basis = Basis.ACCEPTED) -> list[tuple[str, str, str, str]]:
    with stage.session() as session:
        found = submission.corrections(session, month, basis)
    return [(one.month, one.column, one.before, one.after) for one in found]


def change(stage: Stage, id_: int, **given: object) -> None:
    with stage.session() as session:
        case = session.get_one(models.Case, id_)
        for name, value in given.items():
            setattr(case, name, value)


@pytest.fixture
def closed(stage: Stage) -> int:
    """A case of May, closed in May, whose ledgers are handed up."""
    id_ = make(stage, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
    for basis in Basis:
        hand_up(stage, order(basis=basis))
    return id_


@pytest.mark.database
def test_a_ledger_handed_up_stays_byte_by_byte(stage: Stage, closed: int) -> None:
    first = content(stage, order())
    with stage.session() as session:
        kept = submission.find(session, MAY, Basis.ACCEPTED, None)
        assert kept is not None
        assert sha256(first).hexdigest() == kept.sha256
        assert kept.figures["closed"] == 1
        (line,) = submission.lines(session, kept, 10)
    change(stage, closed, place="别处")
    make(stage, Course("05-20 09:30"))
    assert content(stage, order()) == first
    assert line[1] == [shown(value) for value in _before(rows(stage), closed)]


def _before(found: list[ledger.LedgerRow], id_: int) -> list[ledger.Value]:
    row = next(row for row in found if row.case_id == id_)
    row.place = "东塔路 3 幢"
    return list(row.cells())


@pytest.mark.database
def test_it_can_not_be_changed_or_taken_away(stage: Stage, closed: int) -> None:
    for statement in ("UPDATE ledger SET month = '2026-04'", "DELETE FROM ledgerline", "DELETE FROM ledger"):
        with (
            stage.app.app_context(),
            stage.panel.db.engine.connect() as connection,
            pytest.raises(sa.exc.DatabaseError, match="append-only"),
        ):
            connection.execute(sa.text(statement))


def test_it_is_handed_up_once(stage: Stage, closed: int) -> None:
    with pytest.raises(Invalid):
        hand_up(stage, order())
    hand_up(stage, order(squad=stage.inside["squad"]))
    with pytest.raises(Invalid):
        hand_up(stage, order(squad=stage.inside["squad"]))


@pytest.mark.database
def test_the_database_refuses_a_second_one_as_well(stage: Stage, closed: int) -> None:
    values = {"month": "2026-05", "basis": Basis.ACCEPTED, "figures": {}, "file_name": "", "sha256": "", "file": b""}
    with stage.session() as session:
        session.add(models.Ledger(**values))
        with pytest.raises(sa.exc.IntegrityError):
            session.flush()
        session.rollback()


def test_a_month_that_is_not_over_can_not_be_handed_up(stage: Stage) -> None:
    with pytest.raises(Invalid):
        hand_up(stage, order(Month(2026, 7)))


@pytest.mark.parametrize("role", ["leader", "viewer", "officer", "administrator"])
def test_only_the_office_hands_up(stage: Stage, role: str) -> None:
    with stage.session() as session:
        set_actor(session, Actor(role, None, frozenset({role})))
        with pytest.raises(AccessDenied):
            files.hand_up(session, order())
        session.rollback()


def test_what_did_not_change_is_no_correction(stage: Stage, closed: int) -> None:
    assert told(stage) == told(stage, JUNE, Basis.CLOSED) == []
    change(stage, closed, title="另一个标题")
    assert told(stage) == []


@pytest.mark.database
def test_a_change_is_told_in_the_next_ledger(stage: Stage, closed: int) -> None:
    change(stage, closed, place="西塔路 5 幢", result="已复查")
    expected = [
        ("2026-05", "地点", "东塔路 3 幢", "西塔路 5 幢"),
        ("2026-05", "处理结果", "劝导后自行清理 05-06 10:00", "已复查"),
    ]
    assert told(stage) == told(stage, JUNE, Basis.CLOSED) == expected
    assert told(stage, MAY) == []


def test_a_complainant_added_later_is_told_masked(stage: Stage, closed: int) -> None:
    with stage.session() as session:
        session.add(models.CaseParty(case_id=closed, name="张三丰"))
    assert told(stage) == [("2026-05", "投诉人(脱敏)", "", "张*")]


def test_what_one_ledger_has_told_the_next_does_not_repeat(stage: Stage, closed: int) -> None:
    change(stage, closed, place="西塔路 5 幢")
    hand_up(stage, order(JUNE))
    july = Month(2026, 7)
    assert told(stage, july) == []
    change(stage, closed, place="北塔路 7 幢")
    assert told(stage, july) == [("2026-05", "地点", "西塔路 5 幢", "北塔路 7 幢")]
    with stage.session() as session:
        kept = submission.find(session, JUNE, Basis.ACCEPTED, None)
        assert kept is not None
        assert [one.after for one in submission.stored_corrections(session, kept)] == ["西塔路 5 幢"]


@pytest.mark.parametrize("day", ["06-01", "06-03"])
def test_a_closure_that_was_undone_is_told(stage: Stage, closed: int, day: str) -> None:
    """From the first moment after the month on."""
    again(stage, closed, ("reopen", f"{day} 00:00"))
    assert told(stage) == [("2026-05", "办结时间", "2026-05-07 16:45", f"2026-{day}重启")]
    again(stage, closed, ("handle", "06-04 09:00"), ("close", "06-05 09:00"))
    assert told(stage) == [("2026-05", "办结时间", "2026-05-07 16:45", f"2026-{day}重启")]


def test_going_on_with_an_open_case_is_no_correction(stage: Stage) -> None:
    id_ = make(stage, Course("05-04 09:30"))
    hand_up(stage, order())
    again(stage, id_, ("handle", "06-02 10:00"), ("close", "06-03 16:45"))
    assert told(stage) == []


def test_corrections_stand_in_the_next_workbook(stage: Stage, closed: int) -> None:
    change(stage, closed, place="西塔路 5 幢")
    sheet = load_workbook(BytesIO(content(stage, order(JUNE))))["案件台账"]
    texts = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    at = next(i for i, row in enumerate(texts) if str(row[0]).startswith("更正") if row)
    with stage.session() as session:
        number = session.get_one(models.Case, closed).case_no
    assert texts[at + 1] == ["序号", "案件编号", "原台账", "项目", "更正前", "更正后"]
    assert texts[at + 2] == [1, number, "2026-05", "地点", "东塔路 3 幢", "西塔路 5 幢"]
    assert str(texts[at + 3][0]).startswith("制表人")


def test_squads_have_corrections_of_their_own(stage: Stage) -> None:
    id_ = make(stage, Course("05-04 09:30"))
    squad = stage.inside["squad"]
    hand_up(stage, order(squad=squad))
    change(stage, id_, place="别处")
    assert told(stage) == []
    with stage.session() as session:
        assert [one.after for one in submission.corrections(session, JUNE, Basis.ACCEPTED, squad)] == ["别处"]


def test_handing_up_is_on_record(stage: Stage, closed: int) -> None:
    with stage.session() as session:
        notes = _notes(session)
    assert [note for note in notes if "案件台账2026年5月" in note]


def _notes(session: Session) -> list[str]:
    return list(session.execute(sa.select(AuditEntry.note).where(AuditEntry.table_name == "ledger")).scalars())


def test_corrections_look_back_twelve_months_and_no_further(stage: Stage, closed: int) -> None:
    change(stage, closed, place="西塔路 5 幢")
    assert [line[0] for line in told(stage, MAY.plus(12))] == ["2026-05"]
    assert told(stage, MAY.plus(13)) == []


def test_a_month_is_handed_up_from_the_first_moment_after_it(stage: Stage) -> None:
    july = Month(2026, 7)
    with time_machine.travel(july.end - timedelta(seconds=1), tick=False), pytest.raises(Invalid):
        hand_up(stage, order(july))
    with time_machine.travel(july.end, tick=False):
        assert hand_up(stage, order(july)).month == "2026-07"


def test_what_is_written_in_the_very_moment_of_handing_up_is_told(stage: Stage) -> None:
    first, second = (make(stage, Course("05-04 09:30")) for _n in range(2))
    with time_machine.travel(now() + timedelta(seconds=1), tick=False):
        hand_up(stage, order())
        change(stage, first, place="别处")
        with stage.session() as session:
            session.add(models.CaseParty(case_id=second, name="张三丰"))
    assert [column for _month, column, _before, _after in told(stage)] == ["地点", "投诉人(脱敏)"]
