"""Comparison of audit entries and notices with the changes since a start. They are written in the transaction of the
change, so that one must not exist without the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.people import Edited, number_in
from bureau.access.roles import LEADER, OFFICE
from bureau.cases.steps import STEPS, Recipient, names
from models import Case, CaseEvent, Community, Liaison, Officer
from panel.base import Base, Record
from panel.kinds import today
from panel.notify.records import Notice
from panel.security.accounts import User, UserRole
from panel.security.policy import model_of
from panel.security.records import AuditAction, AuditEntry

#: Steps that ask for approval; the decision is notified to the account of the last one.
ASKING = ("extend", "suspend", "ask_resume")
Row = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Start:
    """The state of a database before a test."""

    #: The numbers in the fields that users increase.
    counts: dict[Edited, int] = field(default_factory=dict)
    versions: dict[Row, int] = field(default_factory=dict)
    #: The handling officer by case id.
    handlers: dict[int, int | None] = field(default_factory=dict)
    #: The ids of the latest event and audit entry.
    event: int = 0
    entry: int = 0

    @classmethod
    def of(cls, session: Session, *edited: Edited) -> Start:
        return cls(
            {key: current_number(session, key) for key in edited},
            dict(_versions(session)),
            dict(session.execute(select(Case.id, Case.handler_id)).all()),
            session.scalar(select(func.max(CaseEvent.id))) or 0,
            session.scalar(select(func.max(AuditEntry.id))) or 0,
        )


def current_number(session: Session, key: Edited) -> int:
    """The number at the end of a field."""
    table, id_, name = key
    model: Any = model_of(table)
    return number_in(session.scalar(select(getattr(model, name)).where(model.id == id_)))


def problems(session: Session, start: Start) -> Iterator[str]:
    """Audit entries and notices that are missing, or that exist without a change."""
    yield from _version_problems(session, start)
    yield from _state_problems(session, start)
    yield from _notice_problems(session, start)


def _versions(session: Session) -> Iterator[tuple[Row, int]]:
    """The version of every record."""
    for mapper in Base.registry.mappers:
        if issubclass(model := mapper.class_, Record):
            for id_, version in session.execute(select(model.id, model.version)):
                yield (model.__tablename__, id_), version


def _version_problems(session: Session, start: Start) -> Iterator[str]:
    """Versions of records without an audit entry, and entries without a version. A step that keeps the state of a case
    raises its version without an entry."""
    columns = (AuditEntry.table_name, AuditEntry.record_id, AuditEntry.record_version)
    written = AuditEntry.action.in_((AuditAction.CREATE, AuditAction.EDIT))
    entries: dict[Row, set[int | None]] = defaultdict(set)
    for table, id_, version in session.execute(select(*columns).where(AuditEntry.id > start.entry, written)):
        entries[table, id_].add(version)
    silent_steps = _steps_keeping_the_state(session, start)
    for row, version in _versions(session):
        table, id_ = row
        existing = set(range(start.versions.get(row, 0) + 1, version + 1))
        without_entry = sorted(existing - entries[row])
        if len(without_entry) > (silent_steps.get(id_ or 0, 0) if table == Case.__tablename__ else 0):
            yield f"{table} {id_}: the audit trail does not tell of the versions {without_entry}"
        if unknown := sorted(map(str, entries.pop(row) - existing)):
            yield f"{table} {id_}: the audit trail tells of versions that never were: {unknown}"
    yield from (f"{table} {id_}: in the audit trail, and not there" for table, id_ in entries)


def _steps_keeping_the_state(session: Session, start: Start) -> dict[int, int]:
    """The number of steps that kept the state, by case."""
    keeps = (
        CaseEvent.id > start.event,
        CaseEvent.from_status == CaseEvent.to_status,
        CaseEvent.step.not_in(names(lambda step: step.remark)),
    )
    counts = select(CaseEvent.case_id, func.count()).where(*keeps).group_by(CaseEvent.case_id)
    return dict(session.execute(counts).all())


def _state_problems(session: Session, start: Start) -> Iterator[str]:
    """Cases whose audit entries show other changes of state, or other people, than the events."""
    by_events, by_entries = defaultdict[int, list[Any]](list), defaultdict[int, list[Any]](list)
    moved = select(CaseEvent).where(CaseEvent.id > start.event, CaseEvent.step.not_in(names(lambda step: step.remark)))
    for event in session.scalars(moved.order_by(CaseEvent.id)):
        before = event.from_status.value if event.from_status else None
        if before != event.to_status.value:
            by_events[event.case_id].append((event.actor_id, before, event.to_status.value))
    entries = select(AuditEntry.record_id, AuditEntry.actor_id, AuditEntry.changes)
    of_cases = (AuditEntry.id > start.entry, AuditEntry.table_name == Case.__tablename__)
    for id_, actor, changes in session.execute(entries.where(*of_cases).order_by(AuditEntry.id)):
        if "status" in changes:
            by_entries[id_].append((actor, *changes["status"]))
    for id_ in by_events.keys() | by_entries.keys():
        if by_events[id_] != by_entries[id_]:
            yield f"case {id_}: events say {by_events[id_]}, the audit trail {by_entries[id_]}"


def _notice_problems(session: Session, start: Start) -> Iterator[str]:
    """Steps whose notice is missing for an account, and notices of steps that were not taken. Only parts that users
    don't change are checked."""
    notified: dict[str, set[int]] = defaultdict(set)
    for mark, owner in session.execute(select(Notice.mark, Notice.owner_id).where(Notice.mark.startswith("event:"))):
        notified[mark].add(owner)
    events = {f"event:{id_}" for id_ in session.scalars(select(CaseEvent.id))}
    for mark in notified:
        if ":".join(mark.split(":")[:2]) not in events:
            yield f"a notice of a step that was never taken: {mark}"
    for event, expected in _expected_notices(session, start):
        if not_notified := expected - notified[f"event:{event.id}"]:
            yield f"case {event.case_id}: nobody told {sorted(not_notified)} of “{event.step}” (event {event.id})"


def _expected_notices(session: Session, start: Start) -> Iterator[tuple[CaseEvent, set[int]]]:
    """Each event since the start with the accounts that must have a notice of it."""
    parts, handlers, askers = _Parts(session), dict(start.handlers), dict[int, int | None]()
    statement = select(CaseEvent, Case.community_id).join(Case, Case.id == CaseEvent.case_id)
    for event, community in session.execute(statement.where(CaseEvent.id > start.event).order_by(CaseEvent.id)):
        if "handler" in event.payload:
            handlers[event.case_id] = event.payload["handler"]
        elif event.step == "send_back":
            handlers[event.case_id] = None
        people = {
            Recipient.HANDLER: {parts.officers.get(handlers.get(event.case_id))},
            Recipient.OFFICE: parts.office,
            Recipient.LEADERS: parts.leaders[community],
            Recipient.APPROVERS: parts.leaders[community],
            Recipient.LIAISON: parts.liaisons[community],
            Recipient.ASKER: {askers.get(event.case_id)},
        }
        if (notice := STEPS[event.step].notice) is not None:
            accounts = set[int | None]().union(*(people.get(recipient, ()) for recipient in notice.to))
            yield event, {account for account in accounts if account is not None} - {event.actor_id or 0}
        if event.step in ASKING:
            askers[event.case_id] = event.actor_id


class _Parts:
    """The active accounts by part in cases, for parts that users don't change."""

    def __init__(self, session: Session) -> None:
        active = set(session.scalars(select(User.id).where(User.active)))
        accounts_by_role = defaultdict[str, set[int | None]](set)
        for role, user in session.execute(select(UserRole.role, UserRole.user_id)):
            accounts_by_role[role] |= {user} & active
        officers = session.execute(select(Officer.id, Officer.user_id).where(Officer.user_id.in_(active)))
        self.officers: dict[int | None, int | None] = dict(officers.all())
        self.office = accounts_by_role[OFFICE]
        self.leaders, self.liaisons = defaultdict[int, set[int | None]](set), defaultdict[int, set[int | None]](set)
        statement = select(Community.id, Officer.user_id).join(Officer, Officer.squad_id == Community.squad_id)
        for community, leader in session.execute(statement.where(Officer.active)):
            self.leaders[community] |= {leader} & accounts_by_role[LEADER]
        in_office = (Liaison.start_on <= today(), Liaison.end_on.is_(None))
        for community, liaison in session.execute(select(Liaison.community_id, Liaison.user_id).where(*in_office)):
            self.liaisons[community] |= {liaison} & active
