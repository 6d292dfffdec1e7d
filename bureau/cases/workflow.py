"""Taking a step of a case: the only way in which its state changes.

The actor needs one of the step's roles for this case, and the relation to it that the step requires. The row of the
case is locked while a step is taken; of two people the second gets a message with the step of the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from bureau.access.roles import OFFICE
from bureau.cases import approvals, events
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.state import stepping
from bureau.cases.steps import LISTENERS, MOMENT, STEPS, Relation, Step, checks_of, names
from models import Case, CaseEvent, ChangeStatus, DeadlineChange, Officer, StepName
from panel.base import UNSCOPED
from panel.fields import Personal
from panel.i18n import Message, _
from panel.kinds import Invalid, now
from panel.security.policy import Permission
from panel.security.session import actor_of, elevated, policy_of


@dataclass(frozen=True, slots=True)
class Standing:
    """An actor's roles for a case, and their relation to it."""

    roles: frozenset[str]
    handler: bool = False
    #: The handler has no account, so that the office records their steps.
    acts_for_handler: bool = False
    system: bool = False
    #: A request waits for a decision.
    request_pending: bool = False
    #: That request was made by this actor.
    own_request: bool = False
    #: That request was made by a leader, so that the office may decide it too.
    for_office: bool = False

    def may_take(self, step: Step) -> bool:
        """Whether the actor may take the step, whatever the state of the case."""
        if step.relation is Relation.APPROVER:
            return self.request_pending and not self.own_request and (self.system or self._decides(step))
        if step.asks_approval and self.request_pending:
            return False
        if self.system:
            return True
        if not self.roles & step.roles:
            return False
        if step.relation is Relation.HANDLER:
            return self.handler or self.acts_for_handler
        return step.relation is Relation.ANY or not self.handler

    def _decides(self, step: Step) -> bool:
        return bool(self.roles & step.roles) or (self.for_office and OFFICE in self.roles)


def standing(session: Session, case: Case) -> Standing:
    """The standing of the session's actor in a case. One statement.

    A role counts only for the cases that it reaches by itself: a viewer of all cases who is an officer too has the role
    of officer for their own cases only. The handler is recognised by the account, whatever its roles."""
    actor, policy = actor_of(session), policy_of(session)
    officers, cases, changes = Officer.__table__.c, Case.__table__.c, DeadlineChange.__table__.c
    waiting = and_(changes.case_id == case.id, changes.status == ChangeStatus.ASKED)
    request = [select(column).where(waiting).scalar_subquery() for column in (changes.asked_by_id, changes.for_office)]
    if actor.system:
        for_office = session.connection().execute(select(request[1])).scalar()
        return Standing(frozenset(), system=True, request_pending=for_office is not None)
    handler = select(officers.user_id).where(officers.id == case.handler_id).scalar_subquery()
    held = [role.name for role in policy.roles_of(actor)]
    conditions: list[ColumnElement[bool]] = []
    for name in held:
        rows = policy.criterion(replace(actor, roles=frozenset({name})), Permission.READ, Case, cases)
        this_case = cases.id == case.id
        conditions.append(exists(select(cases.id).where(this_case if rows is None else and_(this_case, rows))))
    row = session.connection().execute(select(handler, *request, *conditions)).one()
    user_id, asked_by, for_office, *reached = row
    roles = frozenset(name for name, reaches in zip(held, reached, strict=True) if reaches)
    has_handler = case.handler_id is not None
    return Standing(
        roles,
        handler=has_handler and user_id is not None and user_id == actor.user_id,
        acts_for_handler=has_handler and user_id is None and OFFICE in roles,
        request_pending=for_office is not None,
        own_request=for_office is not None and asked_by is not None and asked_by == actor.user_id,
        for_office=bool(for_office),
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
    lock = select(Case.id).where(Case.id == case.id).with_for_update()
    session.execute(lock, execution_options=UNSCOPED)
    session.refresh(case)
    if version is not None and case.version != version and not step.remark:
        raise StepNotAllowed(conflict_message(session, case))
    actor_standing = standing(session, case)
    _check_allowed(session, case, step, actor_standing, values)
    before, due, item, moment = case.status, case.due_at, case.item_id, now()
    with elevated(session), stepping():
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
        payload = {**_payload(step, values), **_replaced_values(case, due, item, restarted=step.restarts)}
        # The limit of the case runs from exactly this moment. Every other event gets a time after the step's writes: by
        # that conflict_message() tells a step from an edit.
        at = moment if step.restarts else None
        event = events.append(
            session, case, step.name, before, after, actor.user_id, actor.name, opinion, payload, at=at
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


def _replaced_values(case: Case, due: datetime | None, item: int | None, *, restarted: bool) -> dict[str, Any]:
    """The deadline and the item that a step has replaced, for its event. A reopening keeps the old deadline even where
    the new one is equal, because later changes may move the new one."""
    replaced: dict[str, Any] = {}
    if due is not None and case.due_at is not None and (case.due_at != due or restarted):
        replaced |= {"due_before": due.isoformat(), "due_after": case.due_at.isoformat()}
    if item is not None and case.item_id != item and case.accepted_at is not None:
        replaced["item_before"] = item
    return replaced


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


def parse(step: Step, texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """Parse the texts typed into a step's form by the kinds of its fields.

    Returns the values of the fields that could be parsed, and a problem for each of the others."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for field in step.asks:
        try:
            values[field.name] = field.kind.parse(texts.get(field.name))
        except Invalid as problem:
            problems[field.name] = problem.message
        else:
            if field.required and values[field.name] is None:
                problems[field.name] = _("This must be filled in.")
    return values, problems
