"""The rules of intake, the same for every door: place and community, people in office, the moment of the report, no
outcome, and a complainant where the source is a complaint. They hold while a case is reported and not accepted yet; an
old ledger's cases (`historic`) are exempt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from models import (
    Case,
    CaseParty,
    CaseStatus,
    ChecklistItem,
    Community,
    CommunityStatus,
    Liaison,
    Officer,
    PartyRole,
    Source,
)
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _
from panel.kinds import now, today
from panel.security import creation
from panel.security.policy import table_of

#: A report may be registered so many days after it was made; older cases come in from an old ledger.
DAYS_BACK = 30
#: Sources that are complaints, so that somebody complained.
COMPLAINTS = (Source.RESIDENT, Source.HOTLINE)
#: Columns that steps fill in.
RESULTS = ("outcome", "result", "quantity", "quantity_unit")

REQUIRED = _("This must be filled in.")
NO_RESULT = _("A new report has no result yet. Bring old cases in with an old ledger.")
TO_COME = _("This time is still to come.")
TOO_OLD = _("More than {n} days ago: bring older cases in with an old ledger.", n=DAYS_BACK)
NO_COMPLAINANT = _("A complaint needs its complainant: enter a name, or mark the person as anonymous.")

Problem = tuple[str, Message]


@dataclass(slots=True)
class Facts:
    """What the rules compare with, by id."""

    communities: dict[int, Any] = field(default_factory=dict)
    liaisons: dict[int, Any] = field(default_factory=dict)
    officers: dict[int, Any] = field(default_factory=dict)
    items: dict[int, Any] = field(default_factory=dict)


def facts_for(session: Session, rows: Iterable[Mapping[str, Any]]) -> Facts:
    """Read what the rules need for these rows, at most one statement for each table and chunk of ids. Unscoped: the
    rules hold whoever writes."""
    values = list(rows)
    community, liaison, officer, item = map(table_of, (Community, Liaison, Officer, ChecklistItem))
    columns = {
        "community_id": (community.c.id, community.c.name, community.c.status),
        "liaison_id": (liaison.c.id, liaison.c.name, liaison.c.community_id, liaison.c.start_on, liaison.c.end_on),
        "lead_officer_id": (officer.c.id, officer.c.name, officer.c.active),
        "item_id": (item.c.id, item.c.name, item.c.valid_from, item.c.valid_until),
    }
    read: dict[str, dict[int, Any]] = {}
    for attr, selected in columns.items():
        ids = {row[attr] for row in values if isinstance(row.get(attr), int)}
        read[attr] = {}
        for batch in chunks(sorted(ids)):
            statement = select(*selected).where(selected[0].in_(batch))
            read[attr] |= {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    return Facts(*read.values())


def problems(facts: Facts, values: Mapping[str, Any], written: frozenset[str] | None = None) -> Iterator[Problem]:
    """What is wrong with a case that is being reported, as (field name, message). Of a stored case only the columns
    `written` are looked at."""
    for attr, name, check in (
        ("place", "place", _place),
        ("community_id", "community", _community),
        ("reported_at", "reported_at", _moment),
        ("liaison_id", "liaison", _liaison),
        ("lead_officer_id", "lead_officer", _officer),
        ("item_id", "item", _item),
        *((attr, attr, _result(attr)) for attr in RESULTS),
    ):
        if (written is None or attr in written) and (message := check(facts, values)) is not None:
            yield name, message


def _place(_facts: Facts, values: Mapping[str, Any]) -> Message | None:
    return None if (values.get("place") or "").strip() else REQUIRED


def _community(facts: Facts, values: Mapping[str, Any]) -> Message | None:
    community = facts.communities.get(values.get("community_id") or 0)
    if community is None or community.status is not CommunityStatus.CLOSED:
        return None
    return _("{name} is merged or closed. Choose another community.", name=community.name)


def _moment(_facts: Facts, values: Mapping[str, Any]) -> Message | None:
    at, registered = values.get("reported_at"), values.get("created_at") or now()
    if at is None:
        return None
    if at > now():
        return TO_COME
    return TOO_OLD if at < earliest(registered) else None


def earliest(registered: datetime) -> datetime:
    """The earliest moment of a report that is registered at this moment."""
    return registered.replace(second=0, microsecond=0) - timedelta(days=DAYS_BACK)


def _liaison(facts: Facts, values: Mapping[str, Any]) -> Message | None:
    person = facts.liaisons.get(values.get("liaison_id") or 0)
    if person is None:
        return None
    days = {today(), local_day(values.get("reported_at") or now())}
    if person.community_id == values.get("community_id") and any(in_office(person, day) for day in days):
        return None
    return _("{name} isn't in office as liaison of this community. Choose another.", name=person.name)


def in_office(term: Any, day: date) -> bool:
    """Whether a day lies in a term from `start_on` to `end_on`."""
    return (term.start_on is None or term.start_on <= day) and (term.end_on is None or term.end_on >= day)


def _officer(facts: Facts, values: Mapping[str, Any]) -> Message | None:
    officer = facts.officers.get(values.get("lead_officer_id") or 0)
    if officer is None or officer.active:
        return None
    return _("{name} is no longer in service. Choose another.", name=officer.name)


def _item(facts: Facts, values: Mapping[str, Any]) -> Message | None:
    item, day = facts.items.get(values.get("item_id") or 0), today()
    if item is None or not (
        (item.valid_from and item.valid_from > day) or (item.valid_until and item.valid_until < day)
    ):
        return None
    return _("The item {item} isn't in force today. Choose another.", item=item.name)


def _result(attr: str) -> Any:
    return lambda _facts, values: NO_RESULT if values.get(attr) not in (None, "") else None


def _check(session: Session, written: creation.Written) -> Sequence[Problem]:
    """The rule of the session for cases that were just written: new ones, and those that aren't accepted yet."""
    rows = _concerned(session, written)
    facts = facts_for(session, rows)
    return [problem for row in rows for problem in problems(facts, row, written[row["id"]])]


def _concerned(session: Session, written: creation.Written) -> list[Mapping[str, Any]]:
    """The cases among these that the rules hold for, as attribute → value."""
    case, rows = table_of(Case), list[Any]()
    for batch in chunks(sorted(written)):
        statement = select(case).where(case.c.id.in_(batch), case.c.historic.is_(False))
        rows += session.execute(statement, execution_options=UNSCOPED).mappings().all()
    return [row for row in rows if written[row["id"]] is None or row["status"] is CaseStatus.REPORTED]


def _check_complainants(session: Session, written: creation.Written) -> Sequence[Problem]:
    """The rule of the commit: a complaint has a complainant, named or anonymous."""
    case, party = table_of(Case).c, table_of(CaseParty).c
    concerned = {id_: names for id_, names in written.items() if names is None or "source" in names}
    new = [id_ for id_, names in concerned.items() if names is None]
    complained = select(party.id).where(party.case_id == case.id, party.role == PartyRole.COMPLAINANT).exists()
    for batch in chunks(sorted(concerned)):
        statement = select(case.id).where(
            case.id.in_(batch),
            or_(case.status == CaseStatus.REPORTED, case.id.in_(new)),
            case.historic.is_(False),
            case.source.in_(COMPLAINTS),
            ~complained,
        )
        if session.execute(statement.limit(1), execution_options=UNSCOPED).first():
            return [("source", NO_COMPLAINANT)]
    return []


creation.declare(Case, creation.RowRule(_check, _check_complainants))
