"""Random steps by random people at several cases: no way round the table, no case closed before those concerned know,
no event lost, no gap in the numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import models
from casework import effects, events, intake, workflow
from casework.refusals import Lacking, NotAllowed
from casework.steps import STEPS, Relation
from models import ENDED, Case, CaseEvent, CaseStatus, Feedback, FeedbackTarget, Referral
from panel.access import Refused
from tests import steps
from tests.factories import Stage

PEOPLE = ["office", "leader", "officer", "liaison", "viewer"]
#: Whose account the handlers have.
HANDLERS = {"officer": "officer", "leader": "leader", "nobody": None}
FIELDS = sorted({field.name for step in STEPS.values() for field in step.asks})


class Casework(RuleBasedStateMachine):
    """What is expected of each case stands beside the database: its state, its handler, its number of events."""

    stage: Stage
    taken: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[int, tuple[CaseStatus, str | None, int]] = {}

    @initialize(anonymous=st.booleans())
    def begin(self, anonymous: bool) -> None:
        for who in ("liaison", "office"):
            self.report(who, anonymous)

    def pick(self, n: int) -> int:
        return sorted(self.expected)[n % len(self.expected)]

    @rule(who=st.sampled_from(PEOPLE), anonymous=st.booleans())
    def somebody_reports(self, who: str, anonymous: bool) -> None:
        self.report(who, anonymous)

    def report(self, who: str, anonymous: bool) -> None:
        with steps.acting(self.stage, who) as session:
            made = Case(
                community_id=self.stage.inside["community"], source=models.Source.LIAISON, description="楼道堆物"
            )
            try:
                intake.register(session, made, self.stage.district.users[who], who)
                party = models.CaseParty(case_id=made.id, anonymous=anonymous, name=None if anonymous else "李四")
                session.add(party)
                session.flush()
                id_ = made.id
            except Refused:
                session.rollback()
                assert who in ("viewer", "leader")
                return
        assert who in STEPS["report"].roles
        self.expected[id_] = (CaseStatus.REPORTED, None, 1)

    @rule(
        n=st.integers(0, 5),
        who=st.sampled_from(PEOPLE),
        name=st.sampled_from([name for name, step in STEPS.items() if step.sources]),
        handler=st.sampled_from(sorted(HANDLERS)),
        empty=st.sets(st.sampled_from(FIELDS), max_size=2),
        stale=st.booleans(),
    )
    def try_anything(self, n: int, who: str, name: str, handler: str, empty: set[str], stale: bool) -> None:
        if self.expected:
            self._step(self.pick(n), who, name, handler, empty, stale)

    @rule(
        choices=st.lists(st.integers(0, 99), min_size=4, max_size=12),
        handler=st.sampled_from(sorted(HANDLERS)),
        empty=st.sets(st.sampled_from(FIELDS), max_size=1),
    )
    def go_on(self, choices: list[int], handler: str, empty: set[str]) -> None:
        """One after the other does something that is possible; what is left empty is so for the first of them."""
        for choice in choices:
            possible = [
                (id_, step.name, who)
                for id_, (status, handled_by, _count) in sorted(self.expected.items())
                for step in STEPS.values()
                for who in PEOPLE
                if status in step.sources and not step.grave and not step.remark and self._may(who, step, handled_by)
            ]
            if possible:
                id_, name, who = possible[choice % len(possible)]
                self._step(id_, who, name, handler, empty, stale=False)
                empty = set()

    def _step(self, id_: int, who: str, name: str, handler: str, empty: set[str], stale: bool) -> None:
        before, handled_by, count = self.expected[id_]
        step = STEPS[name]
        with self.stage.session() as session:
            case = session.get_one(Case, id_)
            values = steps.filled_in(session, self.stage, case, name)
            if "handler" in values:
                values["handler"] = steps.officer_of(session, self.stage, handler)
            values |= {field: None for field in empty if field in values}
            due = effects.feedback_due(session, case)
            version = case.version - 1 if stale else case.version
        refused, taken = self._try(who, id_, name, values, version)
        allowed = before in step.sources and self._may(who, step, handled_by) and (not stale or step.remark)
        assert refused is not allowed
        if not taken:
            return
        assert all(values[field.name] is not None for field in step.asks if field.required)
        if name == "close":
            assert due <= {target for target in FeedbackTarget if values[f"{target.value}_content"]}
        if name in ("dispatch", "reassign"):
            handled_by = handler
        elif name == "send_back":
            handled_by = None
        self.expected[id_] = (taken.to_status, handled_by, count + 1)
        self.taken[name] += 1

    def _try(self, who: str, id_: int, name: str, values: dict[str, Any], version: int) -> tuple[bool, Any]:
        """(refused for who or where, the event if there is one)."""
        with steps.acting(self.stage, who) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            try:
                taken = workflow.take(session, case, name, values, version=version)
            except NotAllowed:
                session.rollback()
                return True, None
            except Lacking:
                session.rollback()
                return False, None
            return False, taken

    @staticmethod
    def _may(who: str, step: Any, handled_by: str | None) -> bool:
        is_handler = handled_by is not None and HANDLERS[handled_by] == who
        for_handler = is_handler or (who == "office" and handled_by == "nobody")
        if step.relation is Relation.HANDLER:
            return for_handler
        return who in step.roles and not (step.relation is Relation.NOT_HANDLER and is_handler)

    @rule(n=st.integers(0, 5), whom=st.sampled_from(list(FeedbackTarget)))
    def tell(self, n: int, whom: FeedbackTarget) -> None:
        if self.expected:
            with steps.acting(self.stage, "officer") as session:
                session.add(Feedback(case_id=self.pick(n), target=whom, content="已告知"))

    @rule(n=st.integers(0, 5), status=st.sampled_from(list(CaseStatus)))
    def force(self, n: int, status: CaseStatus) -> None:
        """Somebody sets the state by hand."""
        if not self.expected:
            return
        with self.stage.session() as session:
            case = session.get_one(Case, self.pick(n))
            try:
                case.status = status
            except RuntimeError:
                return
            assert case.status is self.expected[case.id][0]

    @invariant()
    def everything_is_as_expected(self) -> None:
        with self.stage.session() as session:
            for id_, (status, handled_by, count) in self.expected.items():
                case = session.get_one(Case, id_)
                assert case.status is status
                assert case.handler_id == steps.officer_of(session, self.stage, handled_by or "")
                found = steps.history(session, id_)
                assert len(found) == count
                assert events.verify(found) is None
                assert found[-1].to_status is status
                assert all(e.from_status is before.to_status for before, e in itertools.pairwise(found))
                waiting = session.scalars(sa.select(Referral.status).where(Referral.case_id == id_)).all()
                if status is CaseStatus.REFERRED:
                    assert set(waiting) & set(effects.PENDING)
                elif status not in ENDED:
                    assert not set(waiting) & set(effects.PENDING)
                if status is CaseStatus.CLOSED:
                    assert not effects.feedback_due(session, case)

    @invariant()
    def numbers_have_no_gap(self) -> None:
        with self.stage.session() as session:
            numbers = sorted(int(number[8:]) for number in session.scalars(sa.select(Case.case_no)))
            assert numbers == list(range(1, len(numbers) + 1))
            reported = sa.select(sa.func.count(sa.distinct(CaseEvent.case_id))).where(CaseEvent.step == "report")
            assert session.scalar(reported) == len(numbers)


def test_random_people_take_random_steps(growing: Stage) -> None:
    class Here(Casework):
        stage = growing
        taken = Counter()

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    assert {"accept", "dispatch", "handle"} <= set(Here.taken), "the walk goes nowhere"
