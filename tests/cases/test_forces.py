"""Which of the three forces took part in a case."""

from __future__ import annotations

import itertools
from typing import Any

import sqlalchemy as sa

import models
from bureau.cases.forces import all_three, took_part
from models import Case, Force, Source
from tests import steps
from tests.factories import Stage


def told(stage: Stage, id_: int) -> tuple[bool, ...]:
    with stage.session() as session:
        found = session.execute(sa.select(*took_part(), all_three()).where(Case.id == id_)).one()
        assert bool(found[3]) == all(found[:3])
        return tuple(map(bool, found[:3]))


def mediate(session: Any, id_: int, *forces: Force) -> None:
    made = models.Mediation(
        mediation_no=f"TJ-{id_}", case_id=id_, party_a="张三", party_b="李四", dispute="外机", remedies="可起诉"
    )
    made.status = models.MediationStatus.FAILED
    held = models.MediationSession(mediation=made, session_no=1, minutes="各自陈述")
    session.add_all([made, held, *(models.MediationMember(session=held, force=one, name="某人") for one in forces)])


def test_members_of_sessions_tell(growing: Stage) -> None:
    part = {Force.ENFORCEMENT: 0, Force.COMMUNITY: 1, Force.MEDIATOR: 2, Force.VOLUNTEER: 2}
    for n in range(5):
        for forces in itertools.combinations(Force, n):
            id_ = steps.new_case(growing, source=Source.HOTLINE)
            assert told(growing, id_) == (False, False, False)
            with growing.session() as session:
                mediate(session, id_, *forces)
            assert told(growing, id_) == tuple(place in {part[one] for one in forces} for place in range(3))


def test_actions_reports_and_visits_tell(stage: Stage) -> None:
    id_ = steps.new_case(stage, source=Source.LIAISON)
    assert told(stage, id_) == (False, True, False)
    stage.add("action", case_id=id_)
    assert told(stage, id_) == (False, True, False)
    stage.add("action", case_id=id_, officer_id=stage.inside["officer"])
    assert told(stage, id_) == (True, True, False)
    assert told(stage, steps.new_case(stage, source=Source.VISIT, visit_id=stage.inside["visit"])) == (
        False,
        True,
        False,
    )


def test_it_keeps_to_what_one_may_see(stage: Stage) -> None:
    with stage.acting("officer") as session:
        found = session.execute(sa.select(Case.id, *took_part())).all()
    assert stage.inside["case"] in {row[0] for row in found}
    assert stage.outside["case"] not in {row[0] for row in found}
