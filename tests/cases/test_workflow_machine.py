"""Random steps by random people at several cases: no way round the table, no case closed before those concerned know,
no event lost, no gap in the numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import models
from bureau.calendar.calendar import office_calendar
from bureau.cases import approvals, clock, effects, events, intake, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS, Relation
from models import (
    ENDED,
    PENDING,
    Case,
    CaseEvent,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    DeadlineChange,
    Feedback,
    FeedbackTarget,
    Referral,
)
from panel.security.policy import AccessDenied
from tests import steps
from tests.factories import Stage

PEOPLE = ["office", "leader", "officer", "liaison", "viewer"]
#: Whose account the handlers have.
HANDLERS = {"officer": "officer", "leader": "leader", "nobody": None}
FIELDS = sorted({field.name for step in STEPS.values() for field in step.asks})
#: Ways that a case goes: who takes which step and, where a handler is named, whose account that one has. Together they
#: take every step of the table; a random walk takes a part of one, and goes on from there as it likes.
ROUTES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "handed about": (
        ("liaison", "note", ""),
        ("office", "accept", ""),
        ("office", "dispatch", "officer"),
        ("officer", "send_back", ""),
        ("leader", "dispatch", "leader"),
        ("office", "reassign", "officer"),
        ("liaison", "urge", ""),
        ("leader", "supervise", ""),
        ("leader", "void", ""),
    ),
    "with a department": (
        ("officer", "accept", ""),
        ("officer", "dispatch", "officer"),
        ("officer", "start", ""),
        ("officer", "refer", ""),
        ("office", "sign", ""),
        ("officer", "chase", ""),
        ("officer", "joint", ""),
        ("office", "reply", ""),
        ("officer", "handle", ""),
        ("office", "rework", ""),
        ("officer", "handle", ""),
        ("leader", "verify", ""),
        ("office", "close", ""),
        ("office", "raise", ""),
        ("leader", "reopen", ""),
    ),
    "with more time": (
        ("office", "accept", ""),
        ("office", "dispatch", "nobody"),
        ("office", "start", ""),
        ("office", "extend", ""),
        ("leader", "approve", ""),
        ("office", "suspend", ""),
        ("leader", "refuse", ""),
        ("office", "suspend", ""),
        ("leader", "approve", ""),
        ("office", "ask_resume", ""),
        ("leader", "approve", ""),
        ("office", "suspend", ""),
        ("leader", "approve", ""),
        ("leader", "resume", ""),
        ("leader", "change_list", ""),
    ),
    "by mediation": (
        ("office", "accept", ""),
        ("office", "dispatch", "leader"),
        ("leader", "start", ""),
        ("officer", "mediate", ""),
        ("office", "session", ""),
        ("officer", "end_mediation", ""),
        ("officer", "perform", ""),
        ("leader", "handle", ""),
        ("officer", "verify", ""),
        ("officer", "close", ""),
    ),
    "not taken up": (("office", "reject", ""),),
    "one with another": (("office", "accept", ""), ("office", "merge", "")),
}


@dataclass(frozen=True)
class Expected:
    """What a case should be like: beside its state, who asked for which change, and how often it was extended."""

    status: CaseStatus = CaseStatus.REPORTED
    handler: str | None = None
    events: int = 1
    asked: str | None = None
    wanted: str = ""
    came_from: CaseStatus | None = None
    extended: int = 0


class Casework(RuleBasedStateMachine):
    """What is expected of each case stands beside the database."""

    stage: Stage
    taken: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[int, Expected] = {}

    @initialize(anonymous=st.booleans())
    def begin(self, anonymous: bool) -> None:
        for who in ("liaison", "office"):
            self.report(who, anonymous)

    def pick(self, n: int) -> int:
        return sorted(self.expected)[n % len(self.expected)]

    @rule(who=st.sampled_from(PEOPLE), anonymous=st.booleans())
    def somebody_reports(self, who: str, anonymous: bool) -> None:
        self.report(who, anonymous)

    @rule(route=st.sampled_from(sorted(ROUTES)), share=st.floats(0.2, 1))
    def somebody_goes_a_usual_way(self, route: str, share: float) -> None:
        """A new case, taken a part of one of the ways: what is far from the start is reached as well."""
        steps_of_it = ROUTES[route]
        self.walk(steps_of_it[: max(1, round(share * len(steps_of_it)))])

    def walk(self, way: tuple[tuple[str, str, str], ...]) -> int:
        """Report a case and take these steps of it, all of which must go."""
        self.report("office", False)
        id_ = max(self.expected)
        for who, name, handler in way:
            before = self.expected[id_].events
            self._step(id_, who, name, handler, set(), stale=False)
            assert self.expected[id_].events == before + 1, f"{name} was not taken by {who}"
        return id_

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
            except AccessDenied:
                session.rollback()
                assert who in ("viewer", "leader")
                return
        assert who in STEPS["report"].roles
        self.expected[id_] = Expected()

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
                for id_, known in sorted(self.expected.items())
                for step in STEPS.values()
                for who in PEOPLE
                if known.status in step.sources
                and not step.remark
                and (not step.grave or (step.name == "merge" and choice % 4 == 0))
                and self._may(who, step, known)
            ]
            if possible:
                id_, name, who = possible[choice % len(possible)]
                self._step(id_, who, name, handler, empty, stale=False)
                empty = set()

    def _step(self, id_: int, who: str, name: str, handler: str, empty: set[str], stale: bool) -> None:
        known = self.expected[id_]
        before = known.status
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
        allowed = before in step.sources and self._may(who, step, known) and (not stale or step.remark)
        if name == "extend" and known.extended:
            allowed = allowed and any(values[field.name] is None for field in step.asks)
        assert refused is not allowed, (name, who, known, values)
        if not taken:
            return
        assert all(values[field.name] is not None for field in step.asks if field.required)
        if name == "close":
            assert due <= {target for target in FeedbackTarget if values[f"{target.value}_content"]}
        self.expected[id_] = self._after(known, name, who, handler, taken.to_status)
        self.taken[name] += 1

    @staticmethod
    def _after(known: Expected, name: str, who: str, handler: str, after: CaseStatus) -> Expected:
        now = replace(known, status=after, events=known.events + 1)
        if name in ("dispatch", "reassign"):
            now = replace(now, handler=handler)
        elif name == "send_back":
            now = replace(now, handler=None)
        elif name in ("extend", "suspend", "ask_resume"):
            now = replace(now, asked=who, wanted=name)
        elif name == "approve" and known.wanted == "suspend":
            assert after is CaseStatus.SUSPENDED
            now = replace(now, came_from=known.status)
        elif name == "approve" and known.wanted == "extend":
            assert after is known.status
            now = replace(now, extended=known.extended + 1)
        elif name in ("approve", "resume"):
            assert after is known.came_from
        if name in ("approve", "refuse", "resume") or after not in approvals.DECIDABLE:
            now = replace(now, asked=None)
        return now

    def _try(self, who: str, id_: int, name: str, values: dict[str, Any], version: int) -> tuple[bool, Any]:
        """(refused for who or where, the event if there is one)."""
        with steps.acting(self.stage, who) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
            try:
                taken = workflow.take(session, case, name, values, version=version)
            except StepNotAllowed:
                session.rollback()
                return True, None
            except InvalidValues:
                session.rollback()
                return False, None
            return False, taken

    @staticmethod
    def _may(who: str, step: Any, known: Expected) -> bool:
        handled_by = known.handler
        if step.relation is Relation.APPROVER:
            decides = who == "leader" or (who == "office" and known.asked == "leader")
            return decides and known.asked is not None and who != known.asked
        if step.asks_approval and known.asked is not None:
            return False
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
            assert case.status is self.expected[case.id].status

    @invariant()
    def everything_is_as_expected(self) -> None:
        with self.stage.session() as session:
            for id_, known in self.expected.items():
                case, status = session.get_one(Case, id_), known.status
                assert case.status is status
                assert case.handler_id == steps.officer_of(session, self.stage, known.handler or "")
                found = steps.history(session, id_)
                assert len(found) == known.events
                assert events.verify(found) is None
                assert found[-1].to_status is status
                assert all(e.from_status is before.to_status for before, e in itertools.pairwise(found))
                waiting = session.scalars(sa.select(Referral.status).where(Referral.case_id == id_)).all()
                if status is CaseStatus.REFERRED:
                    assert set(waiting) & set(PENDING)
                elif status not in ENDED and status is not CaseStatus.SUSPENDED:
                    assert not set(waiting) & set(PENDING)
                if status is CaseStatus.CLOSED:
                    assert not effects.feedback_due(session, case)
                    assert not effects.merged_feedback_due(session, case)
                if status is CaseStatus.MERGED:
                    assert session.get_one(Case, case.master_id).status is not CaseStatus.MERGED

    @invariant()
    def deadlines_follow_from_what_was_granted(self) -> None:
        with self.stage.session() as session:
            calendar = office_calendar(session)
            for id_, known in self.expected.items():
                case = session.get_one(Case, id_)
                changes = session.scalars(sa.select(DeadlineChange).where(DeadlineChange.case_id == id_)).all()
                assert sum(one.status is ChangeStatus.ASKED for one in changes) == (known.asked is not None)
                assert all(one.decided_by_id is None or one.decided_by_id != one.asked_by_id for one in changes)
                standing = [
                    one for one in changes if one.kind is ChangeKind.SUSPENSION and one.status is ChangeStatus.APPROVED
                ]
                if known.status not in ENDED:
                    assert len(standing) == (known.status is CaseStatus.SUSPENDED)
                limit = clock.limit_of(case.item_snapshot, case.urgency)
                if limit is not None and case.accepted_at is not None:
                    again = sa.select(sa.func.max(CaseEvent.at)).where(
                        CaseEvent.case_id == id_, CaseEvent.step == "reopen"
                    )
                    begun = session.scalar(again) or case.accepted_at
                    assert case.due_at == clock.due_at(begun, limit, changes, calendar)

    @invariant()
    def numbers_have_no_gap(self) -> None:
        with self.stage.session() as session:
            numbers = sorted(int(number[8:]) for number in session.scalars(sa.select(Case.case_no)))
            assert numbers == list(range(1, len(numbers) + 1))
            reported = sa.select(sa.func.count(sa.distinct(CaseEvent.case_id))).where(CaseEvent.step == "report")
            assert session.scalar(reported) == len(numbers)


def test_every_step_is_on_a_way_that_can_be_gone(growing: Stage) -> None:
    """Without any luck: each step of the table is taken by somebody, and after each way all is as it should be."""

    class Here(Casework):
        stage = growing
        taken = Counter()

    for way in ROUTES.values():
        here = Here()
        here.report("liaison", False)
        here.walk(way)
        here.everything_is_as_expected()
        here.deadlines_follow_from_what_was_granted()
        here.numbers_have_no_gap()
    assert set(Here.taken) == {name for name, step in STEPS.items() if step.sources}


def test_random_people_take_random_steps(growing: Stage) -> None:
    class Here(Casework):
        stage = growing
        taken = Counter()

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
