"""A server killed at random moments: what it had said is saved is saved, and nothing is half-written."""

from __future__ import annotations

import secrets

import pytest
import sqlalchemy as sa

from bench import soak
from bench.people import PHONE, Notes
from bench.site import Site
from bench.sound import counted, faults, lost
from bureau.cases.state import stepping
from models import Case, CaseEvent, CaseStatus, Community, Counter, Department
from panel.config import Config
from panel.security.records import ImportBatch

#: `make soak` does two hundred.
ROUNDS = {"sqlite": 10, "postgresql": 2}


@pytest.mark.served
def test_killed_at_random_moments(config: Config, backend: str) -> None:
    site = Site.build(config.instance, soak.PEOPLE, database_url=config.database_url)
    said: list[str] = []
    try:
        assert soak.soak(site, ROUNDS[backend], secrets.randbelow(10**6), said.append) == [], said
    finally:
        site.close()


def _state_without_step(session: sa.orm.Session) -> None:
    with stepping():
        one = session.scalars(sa.select(Case).where(Case.status == CaseStatus.ACCEPTED).limit(1)).one()
        one.status = CaseStatus.REPORTED


def _number_missing(session: sa.orm.Session) -> None:
    session.execute(sa.update(Counter).values(last=Counter.last + 1))


def _rows_missing(session: sa.orm.Session) -> None:
    batch = {"file_name": "名单.csv", "table_name": "department", "actor_name": "测试", "sha256": "0" * 64}
    session.execute(sa.insert(ImportBatch).values(row_count=2, new_count=2, **batch))


def _two_files(session: sa.orm.Session) -> None:
    for row, number in enumerate((1, 2)):
        session.add(Department(name=f"小表{row:05d}", phone=f"0573-{PHONE + number}"))


@pytest.mark.alike
def test_what_is_half_written_is_seen(config: Config) -> None:
    site = Site.build(config.instance, soak.PEOPLE, database_url=config.database_url)
    with site.session() as session:
        assert not [*faults(session, site.store), *lost(session, Notes(), {})]
    for harm in (_state_without_step, _number_missing, _rows_missing, _two_files):
        with site.session() as session:
            harm(session)
            session.flush()
            assert [*faults(session, site.store), *lost(session, Notes(), {})], harm
            session.rollback()
    site.close()


@pytest.mark.alike
def test_what_is_lost_or_written_unasked_is_seen(config: Config) -> None:
    site = Site.build(config.instance, soak.PEOPLE, database_url=config.database_url)
    with site.session() as session:
        event = session.scalars(sa.select(CaseEvent).where(CaseEvent.step == "accept")).first()
        community = session.scalars(sa.select(Community.id)).first()
        assert event is not None
        assert community is not None
        key, edited = (event.case_id, "accept", 10**6), ("community", community, "households")
        before = {edited: counted(session, edited)}
        for told in (
            Notes(reports={10**6: "楼道堆物"}),
            Notes(words=[(event.case_id, "没有说过")]),
            Notes(imports=[(10**6, "小表", 1)]),
        ):
            assert len(list(lost(session, told, before))) >= 1
        once, never = Notes(), Notes()
        once.edits[edited] = 1
        assert list(lost(session, once, before))
        never.open_edits[edited] = 1
        assert not list(lost(session, never, before))
        assert list(lost(session, never, {edited: before[edited] - 2}))
        taken = Notes()
        taken.steps[key] = 1
        assert any(f"step {key}" in line for line in lost(session, taken, before))
    site.close()
