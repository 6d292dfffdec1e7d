"""Case numbers: gapless within prefix and year, whatever fails in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bureau.cases import numbering
from bureau.settings import settings
from models import Case, Counter
from panel.base import Base
from panel.kinds import Invalid
from panel.security.transactions import configure, engine_options, may_write
from tests.factories import memory_session

REPORTED = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def test_numbers_follow_each_other() -> None:
    with memory_session() as session:
        assert [numbering.take(session, REPORTED) for _ in range(3)] == [
            "NH-2026-000001",
            "NH-2026-000002",
            "NH-2026-000003",
        ]


def test_each_year_begins_anew_by_the_clock_on_the_wall() -> None:
    with memory_session() as session:
        numbering.take(session, REPORTED)
        assert numbering.take(session, datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == "NH-2026-000002"
        assert numbering.take(session, datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "NH-2027-000001"
        assert numbering.take(session, REPORTED) == "NH-2026-000003"


def test_a_number_rolled_back_is_given_to_the_next() -> None:
    with memory_session() as session:
        numbering.take(session, REPORTED)
        session.commit()
        numbering.take(session, REPORTED)
        session.rollback()
        assert numbering.take(session, REPORTED) == "NH-2026-000002"


def test_each_prefix_counts_for_itself() -> None:
    with memory_session() as session:
        numbering.take(session, REPORTED)
        settings.put(session, "case_prefix", "JX")
        assert numbering.take(session, REPORTED) == "JX-2026-000001"
        with pytest.raises(Invalid):
            settings.put(session, "case_prefix", "much too long")


def test_many_numbers_at_once() -> None:
    with memory_session() as session:
        numbering.take(session, REPORTED)
        assert numbering.reserve(session, "NH", 2026, 10) == 2
        assert numbering.take(session, REPORTED) == "NH-2026-000012"


def test_a_case_that_lacks_its_number_may_stand_in_the_session() -> None:
    with memory_session() as session:
        case = Case(reported_at=REPORTED)
        session.add(case)
        case.case_no = numbering.take(session, REPORTED)
        assert case in session.new


def test_two_at_the_same_time_get_two_numbers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'panel.db'}"
    engine = sa.create_engine(url, **engine_options(url))
    configure(engine)
    Base.metadata.create_all(engine)
    taken: list[str] = []

    def work() -> None:
        for turn in range(10):
            with may_write(), Session(engine) as session:
                number = numbering.take(session, REPORTED)
                if turn % 4 == 3:
                    session.rollback()
                    continue
                session.commit()
                taken.append(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        last = session.scalar(sa.select(Counter.last))
    engine.dispose()
    assert sorted(taken) == [numbering.case_no("NH", 2026, n) for n in range(1, 33)]
    assert last == 32
