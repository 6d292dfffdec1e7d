"""Taking the steps of a case: the one way in which its state changes.

Whoever takes a step must have one of its roles for this very case, and the part in it that the step asks. The case's
row is locked while a step is taken, so that the second of two people is told what the first has done."""

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
from panel.fields import Personal
from panel.i18n import Message, _
from panel.kinds import Invalid, now
from panel.security.policy import Permission
from panel.security.session import actor_of, by_right, policy_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is to a case: the roles they have for it, and their part in its handling."""

    roles: frozenset[str]
    handler: bool = False
    #: The office records the steps of a handler who has no account.
    stands_in: bool = False
    system: bool = False
    #: Something waits for approval, asked for by this person or by another.
    asked: bool = False
    asked_myself: bool = False
    #: Asked for by a leader, so that the office may decide too.
    for_office: bool = False

    def may_take(self, step: Step) -> bool:
        """Whether this person may take the step, the case's state left aside."""
        if step.relation is Relation.APPROVER:
            return self.asked and not self.asked_myself and (self.system or self._decides(step))
        if step.asks_approval and self.asked:
            return False
        if self.system:
            return True
        if not self.roles & step.roles:
            return False
        if step.relation is Relation.HANDLER:
            return self.handler or self.stands_in
        return step.relation is Relation.ANY or not self.handler

    def _decides(self, step: Step) -> bool:
        return bool(self.roles & step.roles) or (self.for_office and OFFICE in self.roles)


def standing(session: Session, case: Case) -> Standing:
    """What the session's actor is to a case. One statement.

    A role counts where it reaches the case: who may read everything and is an officer besides is officer of their own
    cases only. The handler is known by the account, whatever roles it holds."""
    actor, policy = actor_of(session), policy_of(session)
    officers, cases, changes = Officer.__table__.c, Case.__table__.c, DeadlineChange.__table__.c
    waiting = and_(changes.case_id == case.id, changes.status == ChangeStatus.ASKED)
    asking = [select(column).where(waiting).scalar_subquery() for column in (changes.asked_by_id, changes.for_office)]
    if actor.system:
        for_office = session.connection().execute(select(asking[1])).scalar()
        return Standing(frozenset(), system=True, asked=for_office is not None)
    handler = select(officers.user_id).where(officers.id == case.handler_id).scalar_subquery()
    held = [role.name for role in policy.held(actor)]
    reached: list[ColumnElement[bool]] = []
    for name in held:
        rows = policy.criterion(replace(actor, roles=frozenset({name})), Permission.READ, Case, cases)
        one = cases.id == case.id
        reached.append(exists(select(cases.id).where(one if rows is None else and_(one, rows))))
    row = session.connection().execute(select(handler, *asking, *reached)).one()
    user_id, asked_by, for_office, *reaches = row
    roles = frozenset(name for name, does in zip(held, reaches, strict=True) if does)
    named = case.handler_id is not None
    return Standing(
        roles,
        handler=named and user_id is not None and user_id == actor.user_id,
        stands_in=named and user_id is None and OFFICE in roles,
        asked=for_office is not None,
        asked_myself=for_office is not None and asked_by is not None and asked_by == actor.user_id,
        for_office=bool(for_office),
    )


def available(
    session: Session, case: Case, who: Standing | None = None, known: dict[str, Any] | None = None
) -> list[Step]:
    """What the session's actor can do with the case now, the usual next act first. `known` is what a page has found out
    already (bureau.mediation)."""
    who = who or standing(session, case)
    known = {} if known is None else known
    found = [
        step
        for step in STEPS.values()
        if case.status in step.sources
        and who.may_take(step)
        and (step.possible is None or step.possible(session, case, known) is None)
    ]
    return sorted(found, key=lambda step: not step.primary)


def take(
    session: Session, case: Case, name: str, values: Mapping[str, Any], *, version: int | None = None
) -> CaseEvent:
    """Take a step in the session's transaction; the caller commits. `values` are parsed, references as ids that the
    actor may see; `version` is that of the case which the person looked at.

    Raises StepNotAllowed or InvalidValues; the caller then rolls back."""
    step = STEPS[name]
    actor = actor_of(session)
    lock = select(Case.id).where(Case.id == case.id).with_for_update()
    session.execute(lock, execution_options={"unscoped": True})
    session.refresh(case)
    if version is not None and case.version != version and not step.remark:
        raise StepNotAllowed(meanwhile(session, case))
    who = standing(session, case)
    _require(session, case, step, who, values)
    before, due, item, moment = case.status, case.due_at, case.item_id, now()
    with by_right(session), stepping():
        given = {**values, MOMENT: moment}
        for check in checks_of(step):
            check(session, case, given)
        other = step.effect(session, case, given) if step.effect else None
        after = other or step.target or before
        if after is not before:
            case.status = after
            if who.asked and before in approvals.DECIDABLE and after not in approvals.DECIDABLE:
                approvals.lapse(session, case)
        elif not step.remark:
            # A step that keeps the state bumps the version as well, so that the second of two is told.
            case.updated_at = now()
        opinion = values.get(step.opinion)
        if opinion and step.worded:
            opinion = step.worded(session, case, opinion)
        payload = {**_payload(step, values), **_moved(case, due, item, restarted=step.restarts)}
        # The limit of the case runs from this very moment. Every other event is no older than what its step has
        # written, which is how meanwhile() knows a step from an edit.
        at = moment if step.restarts else None
        event = events.append(
            session, case, step.name, before, after, actor.user_id, actor.name, opinion, payload, at=at
        )
        for listener in LISTENERS:
            listener(session, case, event)
        return event


def _require(session: Session, case: Case, step: Step, who: Standing, values: Mapping[str, Any]) -> None:
    """Raise why the step can't be taken by this person, in this state, with these values."""
    if step.relation is Relation.APPROVER and not who.asked:
        raise StepNotAllowed(approvals.LAPSED)
    if step.asks_approval and who.asked:
        raise StepNotAllowed(_("Approval has been asked for already."))
    if not who.may_take(step):
        raise StepNotAllowed(_("Your role, or your part in this case, doesn't allow “{step}”.", step=step.label))
    if case.status not in step.sources:
        raise StepNotAllowed(
            _("“{step}” isn't possible while the case is “{status}”.", step=step.label, status=case.status.label)
        )
    lacking = {f.name: _("This must be filled in.") for f in step.asks if f.required and values.get(f.name) is None}
    if lacking:
        raise InvalidValues(lacking)
    if step.possible and (why_not := step.possible(session, case, {})):
        raise InvalidValues({step.asks[0].name: why_not})


def _payload(step: Step, values: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in besides the opinion, as JSON."""
    return {
        field.name: field.kind.store(value)
        for field in step.asks
        if field.name != step.opinion
        and field.personal is Personal.NO
        and (value := values.get(field.name)) is not None
    }


def _moved(case: Case, due: datetime | None, item: int | None, *, restarted: bool) -> dict[str, Any]:
    """The deadline and the item that a step has replaced, beside those that stand now. A reopening keeps the deadline
    of the first closure even where the new one falls on the same moment: later ones may move it."""
    found: dict[str, Any] = {}
    if due is not None and case.due_at is not None and (case.due_at != due or restarted):
        found |= {"due_before": due.isoformat(), "due_after": case.due_at.isoformat()}
    if item is not None and case.item_id != item and case.accepted_at is not None:
        found["item_before"] = item
    return found


def meanwhile(session: Session, case: Case) -> Message:
    """What happened to the case since, in a sentence."""
    statement = (
        select(CaseEvent.actor_name, CaseEvent.step, CaseEvent.at)
        .where(CaseEvent.case_id == case.id, CaseEvent.step.not_in(names(lambda step: step.remark)))
        .order_by(CaseEvent.seq.desc())
        .limit(1)
    )
    last = session.execute(statement, execution_options={"unscoped": True}).first()
    if last is None or last.at < case.updated_at:
        return _("The case has been changed meanwhile. Look at it again.")
    return _(
        "{who} was quicker: “{step}”; the case is now “{status}”. Nothing of yours was written.",
        who=last.actor_name,
        step=StepName(20).format(last.step),
        status=case.status.label,
    )


def parse(step: Step, given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Message]]:
    """What was typed into a step's form, by its kinds: values, and the problems of what can't be read."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for field in step.asks:
        try:
            values[field.name] = field.kind.parse(given.get(field.name))
        except Invalid as problem:
            problems[field.name] = problem.message
        else:
            if field.required and values[field.name] is None:
                problems[field.name] = _("This must be filled in.")
    return values, problems
