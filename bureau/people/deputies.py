"""Deputies: import, who stands in for whom today, and how their acts are signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from bureau.access.facts import current
from models import Deputy, Officer
from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.imports.matching import Matcher
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import today
from panel.security.accounts import User
from panel.security.policy import Actor, table_of
from schema import deputies as terms

#: The length of the column of names in events and logs.
NAME_LENGTH = 80
#: Key in the payload of an event, and in session.info: the officer in whose name a deputy acts.
ACTING_FOR = "acting_for"


class DeputyRules(Rules):
    """Terms of deputies contradict neither each other in the file nor those stored."""

    def matcher(self) -> Matcher:
        return Matcher(self.model)

    def is_past(self, row: PlanRow) -> bool:
        return (end := row.values.get("end_on")) is not None and end < today()

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("start_on", today())

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        changed = [row for row in rows if row.values and not (row.id is not None and plan.options.skip_existing)]
        ids = {row.effective(name) for row in changed for name in ("officer_id", "deputy_id")}
        people = terms.officers(session, [id_ for id_ in ids if isinstance(id_, int)])
        replaced = {row.id for row in changed}
        known: list[Any] = [term for term in terms.terms(session) if term.id not in replaced]
        for row in changed:
            term = _Term(row)
            span = (term.start_on, term.end_on)
            others = [one for one in known if terms.overlap(span, (one.start_on, one.end_on))]
            problems = [
                *(() if self.is_past(row) else terms.unfit(people.get(term.officer_id), people.get(term.deputy_id))),
                *terms.contradictions(term.officer_id, term.deputy_id, others),
            ]
            for name, problem in problems[:1]:
                plan.fail(row, name, problem)
            if not problems:
                known.append(term)


class _Term:
    """The term of a row, as it will be stored."""

    def __init__(self, row: PlanRow) -> None:
        self.officer_id: Any = row.effective("officer_id")
        self.deputy_id: Any = row.effective("deputy_id")
        self.start_on: date = row.effective("start_on")
        self.end_on: date = row.effective("end_on") or date.max


#: The officer who stands in, beside the one who is replaced.
STAND_IN = table_of(Officer).alias("stand_in")


def _standing_in(*columns: Any) -> Select[Any]:
    """Select columns of the officer replaced, of STAND_IN and of the term, for the terms of today."""
    officer, deputy = table_of(Officer).c, table_of(Deputy).c
    statement = select(*columns).select_from(table_of(Deputy)).join(table_of(Officer), officer.id == deputy.officer_id)
    return statement.join(STAND_IN, STAND_IN.c.id == deputy.deputy_id).where(current(deputy))


def accounts_of_deputies(officers: Any = None, accounts: Any = None) -> Select[Any]:
    """Select the accounts that stand in today for officers, given by their ids or their accounts (subqueries or
    collections)."""
    officer = table_of(Officer).c
    in_service = (officer.active, STAND_IN.c.active, STAND_IN.c.user_id.is_not(None))
    statement = _standing_in(STAND_IN.c.user_id).where(*in_service)
    if officers is not None:
        statement = statement.where(officer.id.in_(officers))
    return statement if accounts is None else statement.where(officer.user_id.in_(accounts))


def accounts_by_officer(session: Session) -> Mapping[int, tuple[int, ...]]:
    """The active accounts that stand in today, by the officer replaced. One statement."""
    officer, user = table_of(Officer).c, table_of(User).c
    statement = (
        _standing_in(officer.id, user.id)
        .join(table_of(User), and_(user.id == STAND_IN.c.user_id, user.active))
        .where(officer.active, STAND_IN.c.active)
        .order_by(officer.id, user.id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for officer_id, user_id in session.execute(statement, execution_options=UNSCOPED):
        found[officer_id].append(user_id)
    return {id_: tuple(accounts) for id_, accounts in found.items()}


@contextmanager
def acting_for(session: Session, officer_id: int | None) -> Iterator[int | None]:
    """Mark what is recorded meanwhile as done by a deputy in the name of an officer. OWN is nobody's; None keeps what
    is marked already. Gives the officer, None for nobody."""
    before = session.info.get(ACTING_FOR)
    session.info[ACTING_FOR] = before if officer_id is None else officer_id or None
    try:
        yield represented(session)
    finally:
        session.info[ACTING_FOR] = before


def represented(session: Session) -> int | None:
    """The officer in whose name the session's actor acts as a deputy."""
    officer_id: int | None = session.info.get(ACTING_FOR)
    return officer_id


def name_for(session: Session, who: str, officer_id: int) -> str:
    """The name of a deputy with that of the officer whom they act for: 沈建平（代 胡志强）. One statement."""
    officer = table_of(Officer).c
    name = session.execute(select(officer.name).where(officer.id == officer_id), execution_options=UNSCOPED).scalar()
    return in_default_locale(_("{who} (for {name})", who=who, name=name))[:NAME_LENGTH]


def name_for_leader(who: str) -> str:
    """The name of office staff who decide for a squad without a leader."""
    return in_default_locale(_("{who} (office, no leader in the squad)", who=who))[:NAME_LENGTH]


def terms_of_account(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """The officers for whom an account stands in today, each with the last day in words. One statement, none for
    whoever stands in for nobody."""
    people = actor.ids("for_leader") | actor.ids("for_officer")
    if not people:
        return []
    officer, deputy = table_of(Officer).c, table_of(Deputy).c
    statement = (
        _standing_in(officer.name, deputy.end_on)
        .where(STAND_IN.c.user_id == actor.user_id, officer.id.in_(people))
        .order_by(deputy.end_on, officer.id)
    )
    rows = session.execute(statement, execution_options=UNSCOPED)
    return [(name, str(_("until {day}", day=day))) for name, day in rows]


def terms_of(session: Session, officer_id: int) -> list[tuple[bool, str, date, date]]:
    """The terms of today and later that concern an officer, the earliest first: whether they are the one replaced, the
    name of the other person, first and last day. One statement, unscoped: names of officers alone."""
    deputy = table_of(Deputy).c
    replaced, standing_in = table_of(Officer).alias("replaced").c, table_of(Officer).alias("stand_in").c
    statement = (
        select(deputy.officer_id, replaced.name, standing_in.name, deputy.start_on, deputy.end_on)
        .select_from(table_of(Deputy))
        .join(replaced.id.table, replaced.id == deputy.officer_id)
        .join(standing_in.id.table, standing_in.id == deputy.deputy_id)
        .where(or_(deputy.officer_id == officer_id, deputy.deputy_id == officer_id), deputy.end_on >= today())
        .order_by(deputy.start_on, deputy.id)
    )
    rows = session.execute(statement, execution_options=UNSCOPED)
    return [
        (id_ == officer_id, other if id_ == officer_id else own, first, last) for id_, own, other, first, last in rows
    ]
