"""The cases and requests that hang on people: found for a handover and given to others, each with an event of the case
so that its history tells it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.orm import Session, aliased

from bureau.access.roles import LEADER
from bureau.cases import events
from bureau.cases.steps.registry import HANDED_OVER
from bureau.people.holdings import Held, Holdings, Kind, Share
from models import ENDED, Case, CaseEvent, CaseStatus, ChangeStatus, Community, DeadlineChange, Liaison, Officer
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _, in_default_locale
from panel.kinds import now, today
from panel.security.accounts import User, UserRole
from panel.security.locks import unlocked
from panel.security.policy import table_of
from panel.security.separation import in_force
from panel.security.session import actor_of
from panel.store import bulk

LIAISON_OPEN, FEEDBACK, LEAD, HANDLER, REQUESTS = "cases", "feedback", "lead", "handler", "requests"
#: The column of a case in which the person of each kind stands.
COLUMNS = {
    LIAISON_OPEN: "liaison_id",
    FEEDBACK: "liaison_id",
    LEAD: "lead_officer_id",
    HANDLER: "handler_id",
}
LABELS: Mapping[str, Message] = {
    "liaison_id": Liaison.__label__,
    "lead_officer_id": _("Lead officer"),
    "handler_id": _("Handler"),
}
NOBODY = _("nobody")


def _of_liaisons(session: Session, people: Collection[int]) -> Iterator[Held]:
    """Open cases of liaisons; those whose liaison is to be told are a kind of their own, with cases merged into one
    that is open."""
    case, master = table_of(Case).c, aliased(table_of(Case)).c
    columns = (case.id, case.case_no, case.community_id, case.liaison_id, case.status)
    for batch in chunks(people):
        waiting = and_(case.status == CaseStatus.MERGED, case.master_id == master.id, master.status.not_in(ENDED))
        merged = select(*columns).where(case.liaison_id.in_(batch), waiting)
        unfinished = select(*columns).where(case.liaison_id.in_(batch), case.status.not_in(ENDED))
        for row in session.execute(unfinished.union_all(merged).order_by("id"), execution_options=UNSCOPED):
            told = row.status in (CaseStatus.VERIFIED, CaseStatus.MERGED)
            kind = FEEDBACK if told else LIAISON_OPEN
            yield Held(kind, row.liaison_id, "case", row.id, row.case_no, row.community_id)


def _of_officers(session: Session, people: Collection[int]) -> Iterator[Held]:
    case = table_of(Case).c
    for batch in chunks(people):
        statement = (
            select(case.id, case.case_no, case.community_id, case.lead_officer_id, case.handler_id)
            .where(or_(case.lead_officer_id.in_(batch), case.handler_id.in_(batch)), case.status.not_in(ENDED))
            .order_by(case.id)
        )
        among = set(batch)
        for row in session.execute(statement, execution_options=UNSCOPED):
            for kind in (LEAD, HANDLER):
                if (holder := getattr(row, COLUMNS[kind])) in among:
                    yield Held(kind, holder, "case", row.id, row.case_no, row.community_id)


def _give_cases(session: Session, shares: Sequence[Share], reason: str) -> None:
    """Write the takers into the cases, with an event each. A fixed number of statements for each chunk of cases."""
    values: dict[int, dict[str, int | None]] = defaultdict(dict)
    for share in shares:
        values[share.held.id][COLUMNS[share.held.kind]] = share.taker
    case = table_of(Case).c
    columns = (case.id, case.version, case.status, case.liaison_id, case.lead_officer_id, case.handler_id)
    stored: dict[int, Row[Any]] = {}
    for batch in chunks(sorted(values)):
        statement = select(*columns).where(case.id.in_(batch)).order_by(case.id).with_for_update()
        stored |= {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
    edits = [
        bulk.Edit(id_, row.version, values[id_], {attr: getattr(row, attr) for attr in values[id_]})
        for id_, row in stored.items()
    ]
    # Also a finished case whose liaison is still to be told.
    with unlocked(session, "case.liaison"):
        bulk.edit(session, Case, edits, reason)
    names = _names(session, edits)
    rows = {edit.id: [_event(session, stored[edit.id].status, edit, names, reason)] for edit in edits}
    bulk.append(session, CaseEvent, events.follow(session, rows))


def _names(session: Session, edits: Sequence[bulk.Edit]) -> dict[tuple[str, int | None], str]:
    """The names of the people in the columns of these edits, by column and id."""
    named: dict[tuple[str, int | None], str] = {}
    for attr in LABELS:
        ids = {v for edit in edits if attr in edit.values for v in (edit.values[attr], edit.before[attr])} - {None}
        person = table_of(Liaison if attr == "liaison_id" else Officer).c
        for batch in chunks(sorted(ids)):
            statement = select(person.id, person.name).where(person.id.in_(batch))
            rows = session.execute(statement, execution_options=UNSCOPED)
            named |= {(attr, row.id): row.name for row in rows}
    return named


def _event(
    session: Session, status: CaseStatus, edit: bulk.Edit, names: Mapping[tuple[str, int | None], str], reason: str
) -> dict[str, Any]:
    actor = actor_of(session)
    changes = [
        f"{label}：{names.get((attr, edit.before[attr])) or NOBODY} → {names.get((attr, edit.values[attr])) or NOBODY}"
        for attr, label in _labels().items()
        if attr in edit.values
    ]
    return {
        "at": now(),
        "step": HANDED_OVER,
        "from_status": status,
        "to_status": status,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "opinion": "；".join([*changes, reason])[:1000],
        "payload": {attr: [edit.before[attr], value] for attr, value in edit.values.items()},
    }


def _labels() -> dict[str, str]:
    return {attr: in_default_locale(label) for attr, label in LABELS.items()}


def _of_leaders(session: Session, people: Collection[int]) -> Iterator[Held]:
    """The requests that wait for a decision which these officers alone can make: they lead a squad, or did until now,
    and nobody else does."""
    officer, change, case, community = (table_of(m).c for m in (Officer, DeadlineChange, Case, Community))
    concerned = aliased(table_of(Officer)).c
    for batch in chunks(people):
        leaders = select(officer.id, officer.squad_id).where(officer.id.in_(batch), _has_role(officer))
        squads = {row.squad_id: row.id for row in session.execute(leaders, execution_options=UNSCOPED)}
        squads.pop(None, None)
        if not squads:
            continue
        others = select(officer.squad_id).where(officer.squad_id.in_(squads), officer.id.not_in(batch), _leads(officer))
        for squad in session.execute(others, execution_options=UNSCOPED).scalars():
            squads.pop(squad, None)
        statement = (
            select(change.id, case.case_no, case.community_id, community.squad_id, concerned.squad_id.label("other"))
            .select_from(table_of(DeadlineChange))
            .join(table_of(Case), case.id == change.case_id)
            .join(table_of(Community), community.id == case.community_id)
            .outerjoin(concerned.id.table, or_(concerned.id == case.handler_id, concerned.id == case.lead_officer_id))
            .where(change.status == ChangeStatus.ASKED, change.for_office.is_(False))
            .where(or_(community.squad_id.in_(squads), concerned.squad_id.in_(squads)))
            .order_by(change.id)
        )
        seen = set()
        for row in session.execute(statement, execution_options=UNSCOPED):
            holders = {squads[squad] for squad in (row.squad_id, row.other) if squad in squads}
            for holder in holders:
                if (holder, row.id) not in seen:
                    seen.add((holder, row.id))
                    yield Held(REQUESTS, holder, "deadlinechange", row.id, row.case_no, row.community_id)


def _leads(officer: Any) -> ColumnElement[bool]:
    """The condition that an officer in service has an active account with the role of leader."""
    active = select(table_of(User).c.id).where(table_of(User).c.active)
    return and_(officer.active, _has_role(officer), officer.user_id.in_(active))


def _has_role(officer: Any) -> ColumnElement[bool]:
    """The condition that the account of an officer has the role of leader, also of one who is leaving."""
    role = table_of(UserRole).c
    condition: ColumnElement[bool] = officer.user_id.in_(
        select(role.user_id).where(role.role == LEADER, in_force(role))
    )
    return condition


def _give_requests(session: Session, shares: Sequence[Share], reason: str) -> None:
    """Requests go to the taker if they lead a squad; otherwise the office decides them."""
    officer, change = table_of(Officer).c, table_of(DeadlineChange).c
    takers = {share.taker for share in shares} - {None}
    leading = select(officer.id).where(officer.id.in_(takers), _leads(officer))
    leaders = set(session.execute(leading, execution_options=UNSCOPED).scalars())
    given = [share.held.id for share in shares if share.taker not in leaders]
    edits = []
    for batch in chunks(sorted(given)):
        statement = select(change.id, change.version).where(change.id.in_(batch))
        edits += [
            bulk.Edit(row.id, row.version, {"for_office": True}, {"for_office": False})
            for row in session.execute(statement, execution_options=UNSCOPED)
        ]
    bulk.edit(session, DeadlineChange, edits, reason)


def _handed_to(session: Session, people: Collection[int]) -> dict[int, tuple[Held, int | None, bool]]:
    """The cases of these liaisons by id: with who gave them by the last handover, and whether one did."""
    case, event = table_of(Case).c, table_of(CaseEvent).c
    cases: dict[int, tuple[Held, int | None, bool]] = {}
    for batch in chunks(sorted(people)):
        statement = select(case.id, case.case_no, case.community_id, case.liaison_id).where(case.liaison_id.in_(batch))
        for stored in session.execute(statement, execution_options=UNSCOPED):
            held = Held(LIAISON_OPEN, stored.liaison_id or 0, "case", stored.id, stored.case_no, stored.community_id)
            cases[stored.id] = held, None, False
    for batch in chunks(sorted(cases)):
        handed = select(event.case_id, event.payload).where(event.case_id.in_(batch), event.step == HANDED_OVER)
        for row in session.execute(handed.order_by(event.id), execution_options=UNSCOPED):
            held = cases[row.case_id][0]
            giver, taker = row.payload.get("liaison_id") or (None, None)
            if taker == held.holder:
                cases[row.case_id] = held, giver, True
    return cases


def _besides(session: Session, people: Collection[int]) -> Mapping[int, int]:
    return Counter(held.holder for held, _giver, given in _handed_to(session, people).values() if not given)


def _take_back(session: Session, people: Collection[int], note: str) -> None:
    day = today()
    back = [Share(held, giver, day) for held, giver, given in _handed_to(session, people).values() if given]
    if back:
        _give_cases(session, back, note)


def _reclaim(session: Session, people: Collection[int], note: str) -> None:
    """Give back the open cases without a liaison that these people had when they left."""
    event, liaison = table_of(CaseEvent).c, table_of(Liaison).c
    communities: set[int] = set()
    for batch in chunks(sorted(people)):
        statement = select(liaison.community_id).where(liaison.id.in_(batch))
        communities |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    waiting = {held.id: held for all_ in without_liaison(session, communities).values() for held in all_}
    givers: dict[int, int] = {}
    for batch in chunks(sorted(waiting)):
        handed = select(event.case_id, event.payload).where(event.case_id.in_(batch), event.step == HANDED_OVER)
        for row in session.execute(handed.order_by(event.id), execution_options=UNSCOPED):
            giver, _taker = row.payload.get("liaison_id") or (None, None)
            if giver is not None and giver in people:
                givers[row.case_id] = giver
    if givers:
        _give_cases(session, [Share(waiting[id_], giver, today()) for id_, giver in givers.items()], note)


def without_liaison(session: Session, communities: Collection[int]) -> dict[int, list[Held]]:
    """The open cases without a liaison, by community: they wait for the next one."""
    case = table_of(Case).c
    waiting: dict[int, list[Held]] = defaultdict(list)
    for batch in chunks(sorted(communities)):
        statement = (
            select(case.id, case.case_no, case.community_id)
            .where(case.community_id.in_(batch), case.liaison_id.is_(None), case.status.not_in(ENDED))
            .order_by(case.id)
        )
        for row in session.execute(statement, execution_options=UNSCOPED):
            waiting[row.community_id or 0].append(Held(LIAISON_OPEN, 0, "case", row.id, row.case_no, row.community_id))
    return waiting


HOLDINGS = (
    Holdings(
        holder="liaison",
        kinds=(
            Kind(
                name=LIAISON_OPEN,
                label=_("Open cases"),
                rank=10,
                filters=(("liaison", "{id}"), ("is", "open")),
            ),
            Kind(name=FEEDBACK, label=_("Reported cases awaiting feedback"), rank=11),
        ),
        find=_of_liaisons,
        give=_give_cases,
        besides=_besides,
        take_back=_take_back,
        reclaim=_reclaim,
        waiting=without_liaison,
    ),
    Holdings(
        holder="officer",
        kinds=(
            Kind(
                name=LEAD,
                label=_("Open cases as lead officer"),
                rank=10,
                filters=(("lead_officer", "{id}"), ("is", "open")),
            ),
            Kind(
                name=HANDLER,
                label=_("Open cases as handler"),
                rank=11,
                filters=(("handler", "{id}"), ("is", "open")),
            ),
        ),
        find=_of_officers,
        give=_give_cases,
    ),
    Holdings(
        holder="officer",
        kinds=(
            Kind(
                name=REQUESTS,
                label=_("Requests to decide"),
                rank=40,
                follows=True,
                help=_("They go to whoever takes over if they lead a squad; otherwise the office decides them."),
            ),
        ),
        find=_of_leaders,
        give=_give_requests,
    ),
)
