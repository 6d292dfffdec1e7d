"""Random steps by random people at several cases: no way round the table, no case closed before those concerned know,
no event lost, no gap in the numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import models
from bureau.calendar.calendar import office_calendar
from bureau.cases import approvals, clock, effects, events, intake, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.handover import HANDLER
from bureau.cases.records import merged_told
from bureau.cases.steps import STEPS, Relation
from bureau.checklists import versions
from bureau.people import holdings
from bureau.people.holdings import Share
from models import (
    ENDED,
    PENDING,
    Case,
    CaseEvent,
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    ChecklistItem,
    DeadlineChange,
    Deputy,
    Feedback,
    FeedbackTarget,
    Referral,
)
from panel.kinds import now, today
from panel.security.locks import Locked
from panel.security.policy import AccessDenied
from panel.security.session import actor_of
from tests import steps
from tests.factories import Stage

PEOPLE = ["office", "leader", "officer", "liaison", "viewer", "deputy"]
#: Whom the deputy, an officer of another squad who reaches no case here, may stand in for. The first one's rights count
#: before those of the second.
REPLACED = ("officer", "leader")
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
        ("office", "correct_intake", ""),
        ("officer", "correct_party", ""),
        ("office", "change_urgency", ""),
        ("leader", "void", ""),
    ),
    "with a department": (
        ("officer", "accept", ""),
        ("officer", "dispatch", "officer"),
        ("officer", "start", ""),
        ("officer", "refer", ""),
        ("officer", "suspend", ""),
        ("leader", "approve", ""),
        ("office", "sign", ""),
        ("leader", "resume", ""),
        ("officer", "chase", ""),
        ("officer", "joint", ""),
        ("office", "reply", ""),
        ("officer", "handle", ""),
        ("office", "rework", ""),
        ("officer", "handle", ""),
        ("leader", "verify", ""),
        ("office", "unsolved", ""),
        ("officer", "handle", ""),
        ("leader", "verify", ""),
        ("office", "close", ""),
        ("office", "raise", ""),
        ("office", "correct_feedback", ""),
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
        ("office", "end_mediation", ""),
        ("leader", "refuse", ""),
        ("leader", "ask_performance", ""),
        ("office", "approve", ""),
        ("officer", "perform", ""),
        ("leader", "handle", ""),
        ("officer", "verify", ""),
        ("officer", "close", ""),
    ),
    "not taken up": (("office", "reject", ""),),
    "one with another": (
        ("office", "accept", ""),
        ("office", "merge", ""),
        ("leader", "sent_back", ""),
        ("office", "change_urgency", ""),
        ("leader", "change_list", ""),
    ),
    "referred at once": (
        ("officer", "accept", ""),
        ("office", "refer", "officer"),
        ("officer", "suspend", ""),
        ("leader", "approve", ""),
        ("office", "reply", ""),
        ("leader", "resume", ""),
        ("office", "refer", ""),
        ("office", "merge", ""),
    ),
    "by a deputy": (
        ("deputy", "accept", ""),
        ("deputy", "dispatch", "officer"),
        ("deputy", "start", ""),
        ("deputy", "suspend", ""),
        ("leader", "approve", ""),
        ("deputy", "ask_resume", ""),
        ("leader", "refuse", ""),
        ("deputy", "resume", ""),
        ("deputy", "handle", ""),
        ("leader", "rework", ""),
        ("office", "reassign", "leader"),
        ("deputy", "extend", ""),
        ("office", "approve", ""),
        ("deputy", "handle", ""),
        ("officer", "verify", ""),
        ("deputy", "close", ""),
        ("deputy", "reopen", ""),
    ),
    "in another community": (
        ("office", "accept", ""),
        ("leader", "change_community", ""),
        ("office", "dispatch", "officer"),
        ("officer", "start", ""),
        ("office", "change_community", "nobody"),
        ("office", "change_community", "officer"),
        ("officer", "handle", ""),
        ("office", "verify", ""),
        ("deputy", "close", ""),
    ),
    "sent back by the hotline": (
        ("office", "reject", ""),
        ("office", "sent_back", ""),
        ("office", "accept", ""),
        ("office", "dispatch", "officer"),
        ("officer", "start", ""),
        ("officer", "suspend", ""),
        ("leader", "approve", ""),
        ("leader", "resume", ""),
    ),
    "sent back when closed": (
        ("office", "accept", ""),
        ("office", "dispatch", "nobody"),
        ("office", "start", ""),
        ("office", "handle", ""),
        ("leader", "verify", ""),
        ("office", "close", ""),
        ("office", "sent_back", ""),
        ("office", "handle", ""),
    ),
    "referred to nobody": (
        ("officer", "accept", ""),
        ("officer", "refer", ""),
        ("office", "reply", ""),
        ("office", "dispatch", "officer"),
        ("officer", "refer", ""),
        ("leader", "void", ""),
    ),
}


@dataclass(frozen=True)
class Expected:
    """What a case should be like: beside its state, who asked for which change, and how often it was extended."""

    status: CaseStatus = CaseStatus.REPORTED
    handler: str | None = None
    events: int = 1
    #: Who asked, and in whose name.
    asked: tuple[str, ...] = ()
    wanted: str = ""
    came_from: CaseStatus | None = None
    extended: int = 0
    #: Who recorded that the handling is done, and in whose name.
    recorded: tuple[str, ...] = ()
    #: The lead officer, by the account they have.
    lead: str | None = "officer"
    #: It belongs to another community of the squad, which has no people of its own.
    moved: bool = False
    #: It came by an order of the hotline.
    ordered: bool = False

    def follow(self, to: bool) -> Expected:
        """The case in that community, with its people."""
        return replace(self, moved=to, lead="officer" if not to else self.handler)


class Casework(RuleBasedStateMachine):
    """What is expected of each case stands beside the database."""

    stage: Stage
    taken: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[int, Expected] = {}
        #: Whom the deputy stands in for today.
        self.terms: frozenset[str] = frozenset()
        self.lend(self.terms)

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
        if any(who == "deputy" for who, _name, _handler in way):
            self.lend(frozenset(REPLACED))
        self.report("office", False)
        id_ = max(self.expected)
        for who, name, handler in way:
            before = self.expected[id_].events
            self._step(id_, who, name, handler, set(), stale=False)
            more = 2 if name == "end_mediation" else 1
            assert self.expected[id_].events == before + more, f"{name} was not taken by {who}"
        return id_

    def report(self, who: str, anonymous: bool) -> None:
        with steps.acting(self.stage, who) as session:
            made = Case(
                community_id=self.stage.inside["community"],
                source=models.Source.LIAISON,
                place="某路",
                description="楼道堆物",
            )
            try:
                intake.register(session, made, actor_of(session).user_id, who)
                party = models.CaseParty(case_id=made.id, anonymous=anonymous, name=None if anonymous else "李四")
                session.add(party)
                session.flush()
                id_ = made.id
            except AccessDenied:
                session.rollback()
                assert who in ("viewer", "leader") or (who == "deputy" and "officer" not in self.terms)
                return
        assert who in (*STEPS["report"].roles, "deputy")
        self.expected[id_] = Expected(ordered=who == "office")
        if who == "office":
            with self.stage.session() as session:
                order = {"order_no": f"JX{id_}", "content": "楼道堆物", "sent_at": now()}
                session.add(models.HotlineOrder(case_id=id_, community_id=self.stage.inside["community"], **order))

    @rule(whom=st.sets(st.sampled_from(REPLACED)))
    def terms_begin_and_end(self, whom: set[str]) -> None:
        self.lend(frozenset(whom))

    def lend(self, whom: frozenset[str]) -> None:
        """Let the deputy stand in for these people from now on, and for nobody else."""
        with self.stage.session() as session:
            deputy, day = steps.officer_of(session, self.stage, "deputy"), today()
            ended = sa.update(Deputy.__table__).where(Deputy.__table__.c.deputy_id == deputy)
            session.execute(ended.values(end_on=day - timedelta(1)))
            for who in whom:
                officer = steps.officer_of(session, self.stage, who)
                span = {"start_on": day - timedelta(9), "end_on": day + timedelta(9)}
                session.add(Deputy(officer_id=officer, deputy_id=deputy, **span))
        self.terms = whom

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
            if name == "change_community":
                values["handler"] = values["handler"] if known.handler else None
                if known.moved:
                    values["community"] = self.stage.inside["community"]
            values |= {field: None for field in empty if field in values}
            if name == "end_mediation":
                values["perform_by"] = today() + timedelta(days=400)
            if name == "merge":
                moves_to = self._takes_over(session, id_, values["master"])
            due = effects.feedback_due(session, case)
            version = case.version - 1 if stale else case.version
        refused, taken = self._try(who, id_, name, values, version)
        signed = self._signers(who, step, known)
        allowed = before in step.sources and bool(signed) and (not stale or step.remark)
        if name == "extend" and known.extended:
            allowed = allowed and any(values[field.name] is None for field in step.asks)
        assert refused is not allowed, (name, who, known, values)
        if not taken:
            return
        assert all(values[field.name] is not None for field in step.asks if field.required)
        assert known.ordered or name != "sent_back"
        with self.stage.session() as session:
            of = steps.officer_of(session, self.stage, signed[1]) if len(signed) > 1 else None
            assert taken.payload.get("acting_for") == of
            assert ("代" in taken.actor_name) is (of is not None)
        if name == "close":
            assert due <= {target for target in FeedbackTarget if values[f"{target.value}_content"]}
        named = handler if values.get("handler") else ""
        self.expected[id_] = self._after(known, name, signed, named, taken.to_status)
        if name == "merge" and moves_to in self.expected:
            master = self.expected[moves_to]
            self.expected[moves_to] = replace(master, status=CaseStatus.REFERRED, events=master.events + 1)
        self.taken[name] += 1

    @staticmethod
    def _after(known: Expected, name: str, who: tuple[str, ...], handler: str, after: CaseStatus) -> Expected:
        now = replace(known, status=after, events=known.events + 1)
        if name in ("dispatch", "reassign", "send_back"):
            now = replace(now, handler=handler or None, lead=known.lead or handler)
        elif name == "refer":
            now = replace(now, handler=known.handler or handler or None)
            now = replace(now, lead=known.lead or now.handler)
        elif name == "change_community":
            now = replace(now, handler=handler or known.handler).follow(not known.moved)
        elif name == "handle":
            now = replace(now, recorded=who)
        elif name in ("extend", "suspend", "ask_resume", "ask_performance"):
            now = replace(now, asked=who, wanted=name)
        elif name == "end_mediation":
            now = replace(now, asked=who, wanted="ask_performance", events=now.events + 1)
        elif name == "reply" and known.status is CaseStatus.SUSPENDED:
            now = replace(now, came_from=CaseStatus.HANDLING)
        elif name == "approve" and known.wanted == "ask_performance":
            assert after is known.status
        elif name == "approve" and known.wanted == "suspend":
            assert after is CaseStatus.SUSPENDED
            now = replace(now, came_from=known.status)
        elif name == "approve" and known.wanted == "extend":
            assert after is known.status
            now = replace(now, extended=known.extended + 1)
        elif name in ("approve", "resume"):
            assert after is known.came_from
        if name in ("approve", "refuse", "resume") or after not in approvals.DECIDABLE:
            now = replace(now, asked=())
        return now

    @staticmethod
    def _takes_over(session: Any, id_: int, master: int) -> int | None:
        """The master case if it takes the referral of a merged one over; all of them go to one department here."""

        def open_ones(case: int) -> Any:
            return sa.select(Referral.id).where(Referral.case_id == case, Referral.status.in_(PENDING))

        status = session.get_one(Case, master).status
        takes = status in STEPS["refer"].sources and session.scalar(open_ones(master)) is None
        return master if takes and session.scalar(open_ones(id_)) is not None else None

    def _try(self, who: str, id_: int, name: str, values: dict[str, Any], version: int) -> tuple[bool, Any]:
        """(refused for who or where, the event if there is one)."""
        with steps.acting(self.stage, who) as session:
            case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one_or_none()
            if case is None:
                return True, None
            try:
                taken = workflow.take(session, case, name, values, version=version)
            except StepNotAllowed:
                session.rollback()
                return True, None
            except InvalidValues:
                session.rollback()
                return False, None
            return False, taken

    def _signers(self, who: str, step: Any, known: Expected) -> tuple[str, ...]:
        """Who signs the step, and in whose name; nobody if they may not take it."""
        if who != "deputy":
            return (who,) if self._may(who, step, known) else ()
        if (step.relation is Relation.APPROVER and who in known.asked) or (
            step.relation is Relation.ANOTHER and who in known.recorded
        ):
            return ()
        for of in REPLACED:
            barred = (*known.asked, *(known.recorded if known.status is CaseStatus.HANDLED else ()))
            by_another = step.relation in (Relation.ANY, Relation.HANDLER) or of not in barred
            if of in self.terms and by_another and self._may(of, step, known):
                return (who, of)
        return ()

    @staticmethod
    def _reaches(who: str, known: Expected) -> bool:
        return not known.moved or who not in ("liaison", "officer") or who in (known.handler, known.lead)

    @classmethod
    def _may(cls, who: str, step: Any, known: Expected) -> bool:
        handled_by = known.handler
        if not cls._reaches(who, known):
            return False
        if step.relation is Relation.APPROVER:
            decides = who == "leader" or (who == "office" and "leader" in known.asked)
            return decides and bool(known.asked) and who not in known.asked
        if known.asked and (step.asks_approval or (step.name == "resume" and who in known.asked)):
            return False
        is_handler = handled_by is not None and HANDLERS[handled_by] == who
        for_handler = is_handler or (who == "office" and handled_by == "nobody")
        if step.relation is Relation.HANDLER:
            return for_handler
        if step.relation is Relation.ANOTHER and who in known.recorded:
            return False
        return who in step.roles and (step.relation is Relation.ANY or not is_handler)

    @rule(giver=st.sampled_from(sorted(HANDLERS)), taker=st.sampled_from(sorted(HANDLERS)))
    def somebody_hands_over(self, giver: str, taker: str) -> None:
        """The office gives the open cases that an officer handles to another."""
        if giver == taker:
            return
        with steps.acting(self.stage, "office") as session:
            gives, takes = (steps.officer_of(session, self.stage, who) for who in (giver, taker))
            all_ = holdings.found(session, "officer", {gives}).get(gives, [])
            held = [one for one in all_ if one.kind == HANDLER]
            holdings.give(session, "officer", [Share(one, takes, today()) for one in held], "轮岗")
        for id_, known in self.expected.items():
            if known.handler == giver and known.status not in ENDED:
                assert id_ in {one.id for one in held}
                self.expected[id_] = replace(known, handler=taker, events=known.events + 1)

    @rule(limit=st.integers(1, 40))
    def the_item_gets_a_new_version(self, limit: int) -> None:
        """Cases keep the version that they were accepted with; the next ones get the new one."""
        with self.stage.session() as session:
            old = session.get_one(ChecklistItem, steps.in_force(session, self.stage))
            old.valid_until = versions.last_day(old.valid_from, old.valid_until, today())
            same = {name: getattr(old, name) for name in ("code", "name", "list_kind", "category", "mediable")}
            fresh = ChecklistItem(**same, version_no=old.version_no + 1, valid_from=today(), limit_value=limit)
            session.add(fresh)

    @rule(n=st.integers(0, 5), column=st.sampled_from(["source", "title"]))
    def the_office_edits(self, n: int, column: str) -> None:
        """Past the steps: what is finished stays."""
        if not self.expected:
            return
        id_ = self.pick(n)
        status = self.expected[id_].status
        with steps.acting(self.stage, "office") as session:
            case = session.get_one(Case, id_)
            other = models.Source.PATROL if case.source is not models.Source.PATROL else models.Source.VISIT
            setattr(case, column, other if column == "source" else f"{case.title}。"[-20:])
            accepted = case.accepted_at is not None
            try:
                session.flush()
                refused = False
            except Locked:
                session.rollback()
                refused = True
        assert refused is (status in ENDED or (column == "source" and accepted))

    @rule(n=st.integers(0, 5), whom=st.sampled_from(list(FeedbackTarget)))
    def tell(self, n: int, whom: FeedbackTarget) -> None:
        if self.expected:
            with steps.acting(self.stage, "office") as session:
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
                assert case.lead_officer_id == steps.officer_of(session, self.stage, known.lead or "")
                assert (case.community_id != self.stage.inside["community"]) is known.moved
                assert (case.liaison_id is None) is known.moved
                found = steps.history(session, id_)
                assert len(found) == known.events
                assert events.verify(found) is None
                assert found[-1].to_status is status
                assert all(e.from_status is before.to_status for before, e in itertools.pairwise(found))
                waiting = session.scalars(sa.select(Referral.status).where(Referral.case_id == id_)).all()
                if status is CaseStatus.REFERRED:
                    assert set(waiting) & set(PENDING)
                elif status is not CaseStatus.SUSPENDED:
                    assert not set(waiting) & set(PENDING)
                if status is CaseStatus.CLOSED:
                    assert not effects.feedback_due(session, case)
                    assert not merged_told.due(session, case)
                if status is CaseStatus.MERGED:
                    assert session.get_one(Case, case.master_id).status is not CaseStatus.MERGED

    @invariant()
    def deadlines_follow_from_what_was_granted(self) -> None:
        with self.stage.session() as session:
            calendar = office_calendar(session)
            for id_, known in self.expected.items():
                case = session.get_one(Case, id_)
                changes = session.scalars(sa.select(DeadlineChange).where(DeadlineChange.case_id == id_)).all()
                assert sum(one.status is ChangeStatus.ASKED for one in changes) == bool(known.asked)
                assert all(one.decided_by_id is None or one.decided_by_id != one.asked_by_id for one in changes)
                standing = [
                    one for one in changes if one.kind is ChangeKind.SUSPENSION and one.status is ChangeStatus.APPROVED
                ]
                if known.status not in ENDED:
                    assert len(standing) == (known.status is CaseStatus.SUSPENDED)
                limit = clock.limit_of(case.item_snapshot, case.urgency)
                if limit is not None and case.accepted_at is not None:
                    again = sa.select(sa.func.max(CaseEvent.at)).where(
                        CaseEvent.case_id == id_,
                        CaseEvent.step.in_([one.name for one in STEPS.values() if one.restarts]),
                    )
                    begun = max(session.scalar(again) or case.accepted_at, case.accepted_at)
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
