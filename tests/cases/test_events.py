"""The chain of a case's events: it shows what was changed, taken out, put in or moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bureau.cases import events
from models import Case, CaseEvent, CaseStatus, Community, Source, Street
from panel.kinds import now
from tests.factories import memory_session


@pytest.fixture
def session() -> Iterator[Session]:
    with memory_session() as session:
        yield session


def case(session: Session, number: int = 1) -> Case:
    street = session.scalar(sa.select(Street)) or Street(name="鹤湖街道")
    community = session.scalar(sa.select(Community)) or Community(name="东栅社区", street=street)
    made = Case(
        case_no=f"NH-2026-{number:06d}",
        title="堆物",
        description="楼道堆物",
        source=Source.LIAISON,
        community=community,
    )
    session.add(made)
    session.flush()
    return made


def happen(session: Session, made: Case) -> list[CaseEvent]:
    """Three events, read back from the database."""
    for step, before, after in (
        ("report", None, CaseStatus.REPORTED),
        ("accept", CaseStatus.REPORTED, CaseStatus.ACCEPTED),
        ("dispatch", CaseStatus.ACCEPTED, CaseStatus.DISPATCHED),
    ):
        events.append(session, made, step, before, after, 7, "周敏", "同意", {"handler": 3, "说明": ["甲", None, 1.5]})
    return stored(session, made)


def stored(session: Session, made: Case) -> list[CaseEvent]:
    session.flush()
    session.expire_all()
    return list(session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == made.id).order_by(CaseEvent.seq)))


@pytest.mark.database
def test_events_are_numbered_and_chained(session: Session) -> None:
    found = happen(session, case(session))
    assert [event.seq for event in found] == [1, 2, 3]
    assert [event.previous_hash for event in found] == ["", found[0].hash, found[1].hash]
    assert events.verify(found) is None
    assert events.verify([]) is None
    assert events.verify(reversed(found)) is None, "their order as given doesn't matter"


@pytest.mark.database
def test_each_case_has_a_chain_of_its_own(session: Session) -> None:
    one, other = happen(session, case(session, 1)), happen(session, case(session, 2))
    assert events.verify(other) is None
    assert {event.hash for event in one}.isdisjoint(event.hash for event in other)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("opinion", "不同意"),
        ("opinion", None),
        ("actor_name", "别人"),
        ("actor_id", 8),
        ("to_status", CaseStatus.VOIDED),
        ("from_status", None),
        ("step", "void"),
        ("at", now() - timedelta(days=1)),
        ("payload", {"handler": 4}),
        ("hash", "0" * 64),
        ("previous_hash", "0" * 64),
    ],
)
def test_a_changed_event_is_found(session: Session, column: str, value: Any) -> None:
    made = case(session)
    setattr(happen(session, made)[1], column, value)
    assert events.verify(stored(session, made)) == 2


def test_an_event_taken_out_is_found(session: Session) -> None:
    made = case(session)
    session.delete(happen(session, made)[1])
    assert events.verify(stored(session, made)) == 2


def test_an_event_taken_out_with_the_rest_renumbered_is_found(session: Session) -> None:
    made = case(session)
    found = happen(session, made)
    session.delete(found[1])
    session.flush()
    found[2].seq = 2
    assert events.verify(stored(session, made)) == 2


def test_an_event_moved_to_another_case_is_found(session: Session) -> None:
    made, other = case(session, 1), case(session, 2)
    happen(session, made)[0].case_id = other.id
    assert events.verify(stored(session, other)) == 1


@pytest.mark.database
def test_a_chain_for_a_bulk_insert_is_the_same_chain(session: Session) -> None:
    found = happen(session, case(session))
    rows = [{name: getattr(event, name) for name in events.SEALED[2:]} for event in found]
    sealed = events.chain(found[0].case_id, rows)
    assert [row["hash"] for row in sealed] == [event.hash for event in found]
    last = events.chain(found[0].case_id, rows[2:], seq=3, previous=found[1].hash)
    assert last == sealed[2:]


def test_what_is_no_json_is_refused(session: Session) -> None:
    made = case(session)
    with pytest.raises(TypeError):
        events.append(session, made, "note", None, CaseStatus.REPORTED, None, "周敏", payload={"at": now()})
