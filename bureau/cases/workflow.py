"""Taking a step of a case: the only way in which its state changes.

The actor needs one of the step's roles for this case, and the relation to it that the step requires. The row of the
case is locked while a step is taken; of two people the second gets a message with the step of the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from bureau.access.facts import ACCOUNT, OWN, SELF, capacities
from bureau.access.roles import LEADER, OFFICE
from bureau.access.row_scopes import in_squads
from bureau.cases import approvals, events
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.records import replaced, verifying
from bureau.cases.state import stepping
from bureau.cases.steps import LISTENERS, MOMENT, STEPS, Relation, Step, checks_of, names
from bureau.cases.steps.refusals import told_of_step
from bureau.people import deputies
from models import Case, CaseEvent, CaseStatus, ChangeStatus, DeadlineChange, Officer, StepName
from panel.base import UNSCOPED
from panel.fields import Field, Personal, fields
from panel.i18n import Message, _
from panel.kinds import Invalid, now
from panel.security.accounts import User
from panel.security.audit import caused_by
from panel.security.locks import unlocked
from panel.security.policy import Actor, Permission
from panel.security.session import actor_of, elevated, policy_of


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an actor is in a case: by themselves (`of` is OWN) or as the officer `of` whom they stand in for."""

    of: int
    roles: frozenset[str]
    handler: bool = False
    #: Lent by the one who asked, or in whose name was asked, for what waits for a decision.
    asked: bool = False
    #: Lent by the one who recorded that the case was handled, or in whose name it was recorded.
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """An actor's roles for a case, and their relation to it."""

    capacities: tuple[Capacity, ...] = ()
    #: The account is that of the handler itself.
    handler: bool = False
    #: The handler has no account in use or is no longer in service, so that the office records their steps.
    acts_for_handler: bool = False
    system: bool = False
    #: A request waits for a decision.
    request_pending: bool = False
    #: That request was made by this actor, or in their name.
    own_request: bool = False
    #: That request was made by somebody who was a leader then or is one now, so that the office may decide it too.
    for_office: bool = False
    #: No squad of this case has a leader, and the actor decides in their place.
    decides_for_leader: bool = False
    #: Recorded the step that brought the case into its state, or a deputy did so in their name.
    brought_here: bool = False
    #: Nobody else could verify it.
    alone: bool = False

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for capacity in self.capacities for role in capacity.roles)

    def may_take(self, step: Step) -> bool:
        """Whether the actor may take the step, whatever the state of the case."""
        if step.relation is Relation.APPROVER and (not self.request_pending or self.own_request):
            return False
        if step.asks_approval and self.request_pending:
            return False
        return self.system or self.capacity(step) is not None or self.in_leaders_place(step)

    def capacity(self, step: Step) -> Capacity | None:
        """The capacity in which the actor may take a step: their own, else that of somebody whom they stand in for."""
        return next((capacity for capacity in self.capacities if self._allows(capacity, step)), None)

    def in_leaders_place(self, step: Step) -> bool:
        """Whether the actor takes the step because no squad of the case has a leader."""
        alone = LEADER in step.roles and OFFICE not in step.roles
        barred = step.relation is Relation.NOT_HANDLER and self.handler
        return alone and self.decides_for_leader and not barred and self.capacity(step) is None

    def _allows(self, capacity: Capacity, step: Step) -> bool:
        by_office = step.relation is Relation.APPROVER and self.for_office and OFFICE in capacity.roles
        if not capacity.roles & step.roles and not by_office:
            return False
        if step.relation is Relation.HANDLER:
            return capacity.handler or (self.acts_for_handler and OFFICE in capacity.roles)
        if step.relation is not Relation.ANY and (capacity.asked or capacity.recorded):
            # Whoever may not decide or verify by themselves doesn't by a deputy, who would sign in their name.
            return False
        if step.relation is Relation.ANOTHER and self.brought_here and not self.alone:
            return False
        apart = step.relation in (Relation.NOT_HANDLER, Relation.ANOTHER)
        return not apart or not (self.handler or capacity.handler)


def standing(session: Session, case: Case) -> Standing:
    """The standing of the session's actor in a case. One statement.

    A role counts only for the cases that it reaches by itself: a viewer of all cases who is an officer too has the role
    of officer for their own cases only. A deputy has it for the cases of the person replaced. The handler is recognised
    by the account, whatever its roles. What is lent by the one who asked or recorded, or in whose name a deputy did, is
    marked, so that nobody decides or verifies in that one's name."""
    actor, policy = actor_of(session), policy_of(session)
    officers, cases, changes = Officer.__table__.c, Case.__table__.c, DeadlineChange.__table__.c
    waiting = and_(changes.case_id == case.id, changes.status == ChangeStatus.ASKED)
    asker = select(officers.user_id).where(officers.id == changes.asked_for_id).correlate(changes.id.table)
    request = [
        select(column).where(waiting).scalar_subquery()
        for column in (changes.for_office, changes.asked_by_id, changes.asked_for_id, asker.scalar_subquery())
    ]
    if actor.system:
        for_office = session.connection().execute(select(request[0])).scalar()
        return Standing(system=True, request_pending=for_office is not None)
    handler = [
        select(column)
        .select_from(Officer.__table__)
        .outerjoin(User.__table__, User.__table__.c.id == officers.user_id)
        .where(officers.id == case.handler_id)
        .scalar_subquery()
        for column in (officers.user_id, and_(User.__table__.c.active, officers.active))
    ]
    held = [
        (of, role.name, replace(acting, roles=frozenset({role.name})))
        for of, acting in capacities(actor)
        for role in policy.roles_of(acting)
    ]
    conditions: list[ColumnElement[bool]] = []
    for _of, _name, acting in held:
        rows = policy.criterion(acting, Permission.READ, Case, cases)
        this_case = cases.id == case.id
        conditions.append(exists(select(cases.id).where(this_case if rows is None else and_(this_case, rows))))
    led = exists(select(cases.id).where(cases.id == case.id, in_squads(cases, actor.ids("led"))))
    bringers = [verifying.brought_by(case).scalar_subquery(), verifying.brought_for(case).scalar_subquery()]
    others = verifying.has_others(case, actor.user_id)
    row = session.connection().execute(select(*handler, led, *request, *bringers, others, *conditions)).one()
    user_id, in_use, has_leader, for_office, asked_by, asked_for, asker_id, *rest = row
    brought_by, brought_for, has_others, *reached = rest
    handled_by, handled_for = (brought_by, brought_for) if case.status is CaseStatus.HANDLED else (None, None)
    roles: dict[int, set[str]] = {}
    for (of, name, _acting), reaches in zip(held, reached, strict=True):
        roles.setdefault(of, set()).update({name} if reaches else ())
    lent = {of: acting.ids(ACCOUNT) for of, acting in capacities(actor) if of != OWN}
    is_handler = case.handler_id is not None and user_id is not None and user_id == actor.user_id
    return Standing(
        tuple(
            Capacity(
                of,
                frozenset(names),
                is_handler if of == OWN else case.handler_id == of,
                asked=of != OWN and (asked_by in lent[of] or asked_for == of),
                recorded=of != OWN and (handled_by in lent[of] or handled_for == of),
            )
            for of, names in roles.items()
        ),
        handler=is_handler,
        acts_for_handler=case.handler_id is not None and not in_use and OFFICE in roles.get(OWN, ()),
        brought_here=(brought_by is not None and brought_by == actor.user_id) or brought_for in actor.ids(SELF),
        request_pending=for_office is not None,
        own_request=(asked_by is not None and asked_by == actor.user_id) or asked_for in actor.ids(SELF),
        for_office=bool(for_office) or bool({asked_by, asker_id} & actor.ids("leading")),
        alone=not has_others and not has_leader,
        decides_for_leader=bool(actor.ids("head")) and OFFICE in roles.get(OWN, ()) and not has_leader,
    )


def available(
    session: Session, case: Case, actor_standing: Standing | None = None, known: dict[str, Any] | None = None
) -> list[Step]:
    """The steps that the session's actor can take in the case now, the usual next one first. `known` holds values that
    the page has read already, so that Step.possible needn't read them again (bureau.mediation)."""
    actor_standing = actor_standing or standing(session, case)
    known = {} if known is None else known
    steps = [
        step
        for step in STEPS.values()
        if case.status in step.sources
        and actor_standing.may_take(step)
        and (step.possible is None or step.possible(session, case, known) is None)
    ]
    return sorted(steps, key=lambda step: not step.primary)


def take(
    session: Session, case: Case, name: str, values: Mapping[str, Any], *, version: int | None = None
) -> CaseEvent:
    """Take a step in the session's transaction and return its event; the caller commits.

    `values` are parsed values; references are ids that the actor may see. `version` is the version of the case that the
    form was opened with. Raises StepNotAllowed or InvalidValues; the caller then rolls back."""
    step = STEPS[name]
    actor = actor_of(session)
    session.execute(select(Case.id).where(Case.id == case.id).with_for_update(), execution_options=UNSCOPED)
    session.refresh(case)
    if version is not None and case.version != version and not step.remark:
        raise StepNotAllowed(conflict_message(session, case))
    actor_standing = standing(session, case)
    _check_allowed(session, case, step, actor_standing, values)
    signature = _signature(session, actor, step, actor_standing)
    before, replaceable, moment = case.status, replaced.replaceable(case), now()
    stored = {f.name: getattr(case, f.attr) for f in fields(Case)} if case.accepted_at is not None else {}
    with (
        told_of_step(session, step),
        caused_by(session, step.name),
        unlocked(session, *step.unlocks),
        elevated(session, signature),
        deputies.acting_for(session, getattr(actor_standing.capacity(step), "of", None)) as represented,
        stepping(),
    ):
        step_values = {**values, MOMENT: moment}
        for check in checks_of(step):
            check(session, case, step_values)
        other = step.effect(session, case, step_values) if step.effect else None
        after = other or step.target or before
        if after is not before:
            case.status = after
            if actor_standing.request_pending and before in approvals.DECIDABLE and after not in approvals.DECIDABLE:
                approvals.lapse(session, case)
        elif not step.remark:
            # A step that keeps the state raises the version as well, so that a concurrent step is noticed.
            case.updated_at = now()
        opinion = values.get(step.opinion)
        if opinion and step.worded:
            opinion = step.worded(session, case, opinion)
        payload = {**_payload(step, values), **replaced.values_before(case, replaceable, restarted=step.restarts)}
        payload |= _values_before(step, case, stored)
        if represented is not None:
            payload[deputies.ACTING_FOR] = represented
        # The limit of the case runs from exactly this moment. Every other event gets a time after the step's writes: by
        # that conflict_message() tells a step from an edit.
        at = moment if step.restarts else None
        event = events.append(
            session, case, step.name, before, after, actor.user_id, signature, opinion, payload, at=at
        )
        for listener in LISTENERS:
            listener(session, case, event)
        return event


def _check_allowed(
    session: Session, case: Case, step: Step, actor_standing: Standing, values: Mapping[str, Any]
) -> None:
    """Raise StepNotAllowed or InvalidValues if the step can't be taken by this actor, in this state, with these
    values."""
    if step.relation is Relation.APPROVER and not actor_standing.request_pending:
        raise StepNotAllowed(approvals.LAPSED)
    if step.asks_approval and actor_standing.request_pending:
        raise StepNotAllowed(_("Approval has been asked for already."))
    if not actor_standing.may_take(step):
        raise StepNotAllowed(_("Your role, or your part in this case, doesn't allow “{step}”.", step=step.label))
    if case.status not in step.sources:
        raise StepNotAllowed(
            _("“{step}” isn't possible while the case is “{status}”.", step=step.label, status=case.status.label)
        )
    missing = {f.name: _("This must be filled in.") for f in step.asks if f.required and values.get(f.name) is None}
    if missing:
        raise InvalidValues(missing)
    if step.possible and (obstacle := step.possible(session, case, {})):
        raise InvalidValues({step.asks[0].name: obstacle})


def _payload(step: Step, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a step as JSON, without the opinion and without personal data."""
    return {
        field.name: field.kind.store(value)
        for field in step.asks
        if field.name != step.opinion
        and field.personal is Personal.NO
        and (value := values.get(field.name)) is not None
    }


def _values_before(step: Step, case: Case, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a step of an accepted case has replaced by those it asks for, as "source_before"."""
    declared = {f.name: f for f in fields(Case)}
    replaced = {}
    for ask in step.asks:
        before = stored.get(ask.name)
        if ask.personal is not Personal.NO or ask.name == step.opinion or before is None:
            continue
        if getattr(case, declared[ask.name].attr) != before:
            replaced[f"{ask.name}_before"] = declared[ask.name].kind.store(before)
    return replaced


def _signature(session: Session, actor: Actor, step: Step, actor_standing: Standing) -> str:
    """The name under which a step is recorded: with that of the person whom the actor stands in for, or with the words
    that they decide for a squad without a leader."""
    capacity = actor_standing.capacity(step)
    if capacity is not None and capacity.of != OWN:
        return deputies.name_for(session, actor.name, capacity.of)
    if not actor_standing.system and actor_standing.in_leaders_place(step):
        return deputies.name_for_leader(actor.name)
    if step.relation is Relation.ANOTHER and actor_standing.brought_here:
        return verifying.name_alone(actor.name)
    return actor.name


def conflict_message(session: Session, case: Case) -> Message:
    """The message for a stale form: who took which step of the case meanwhile."""
    statement = (
        select(CaseEvent.actor_name, CaseEvent.step, CaseEvent.at)
        .where(CaseEvent.case_id == case.id, CaseEvent.step.not_in(names(lambda step: step.remark)))
        .order_by(CaseEvent.seq.desc())
        .limit(1)
    )
    last = session.execute(statement, execution_options=UNSCOPED).first()
    if last is None or last.at < case.updated_at:
        return _("The case has been changed meanwhile. Look at it again.")
    return _(
        "{who} was quicker: “{step}”; the case is now “{status}”. Nothing of yours was written.",
        who=last.actor_name,
        step=StepName(20).format(last.step),
        status=case.status.label,
    )


def parse(asks: Iterable[Field], texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """Parse the texts typed into a step's form by the kinds of these fields. Returns the values of those that
    could be parsed, and a problem for each of the others."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for field in asks:
        try:
            values[field.name] = field.kind.parse(texts.get(field.name))
        except Invalid as problem:
            problems[field.name] = problem.message
        else:
            if field.required and values[field.name] is None:
                problems[field.name] = _("This must be filled in.")
    for field in asks:
        if field.only_if and values.get(field.only_if[0]) not in field.only_if[1]:
            # Not asked for this choice: what was typed before another choice was made isn't meant.
            values[field.name] = None
            problems.pop(field.name, None)
    return values, problems
