"""Those who have left: what still hangs on them, and their accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bureau.people import holdings
from bureau.people.holdings import Held
from models import Liaison, Officer
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import today
from panel.security.accounts import User
from panel.security.policy import table_of
from panel.security.session import elevated

MODELS: dict[str, type[Liaison] | type[Officer]] = {"liaison": Liaison, "officer": Officer}


def has_left(person: Liaison | Officer) -> bool:
    if isinstance(person, Officer):
        return not person.active
    return person.end_on is not None and person.end_on < today()


def _gone(table: str) -> ColumnElement[bool]:
    """The condition for people who have left."""
    if table == "officer":
        return table_of(Officer).c.active.is_(False)
    gone: ColumnElement[bool] = table_of(Liaison).c.end_on < today()
    return gone


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody who has left, or whose account is not active, and on whom something hangs."""

    table: str
    id: int
    name: str
    why: Message
    held: list[Held]


def unfinished(session: Session) -> list[Left]:
    """The people on whom something hangs though they have left or can't log in. A fixed number of statements."""
    inactive = select(table_of(User).c.id).where(table_of(User).c.active.is_(False))
    result: list[Left] = []
    for table, model in MODELS.items():
        columns, gone = table_of(model).c, _gone(table)
        statement = select(columns.id, columns.name, gone.label("gone")).where(or_(gone, columns.user_id.in_(inactive)))
        people = {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
        held = holdings.holding_up(session, table, people)
        for id_ in sorted(held):
            why = _("Has left") if people[id_].gone else _("Account is not active")
            result.append(Left(table, id_, people[id_].name, why, held[id_]))
    return result


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """The active account of somebody who has left, and of nobody who is in office."""

    table: str
    person: int
    name: str
    username: str
    user: int

    @property
    def key(self) -> str:
        return f"{self.table}:{self.person}"


def open_accounts(session: Session) -> list[OpenAccount]:
    """Two statements."""
    user = table_of(User).c
    in_office = [
        select(table_of(model).c.user_id).where(~_stays_gone(table), table_of(model).c.user_id.is_not(None))
        for table, model in MODELS.items()
    ]
    found: list[OpenAccount] = []
    for table, model in MODELS.items():
        columns = table_of(model).c
        statement = (
            select(columns.id, columns.name, user.username, user.id.label("user"))
            .join(table_of(User), user.id == columns.user_id)
            .where(_gone(table), user.active, *(user.id.not_in(ids) for ids in in_office))
            .order_by(columns.name_key, columns.id)
        )
        rows = session.execute(statement, execution_options=UNSCOPED)
        found += [OpenAccount(table, row.id, row.name, row.username, row.user) for row in rows]
    return found


def _stays_gone(table: str) -> ColumnElement[bool]:
    """As _gone(), false and not unknown for a term without an end."""
    gone = _gone(table)
    return gone if table == "officer" else gone & table_of(Liaison).c.end_on.is_not(None)


def active_accounts(session: Session, liaisons: Collection[int]) -> dict[int, str]:
    """The user names of the active accounts of these liaisons, by person. One statement."""
    columns, user = table_of(Liaison).c, table_of(User).c
    statement = (
        select(columns.id, user.username)
        .join(table_of(User), user.id == columns.user_id)
        .where(columns.id.in_(liaisons), user.active)
    )
    return {row.id: row.username for row in session.execute(statement, execution_options=UNSCOPED)}


def stays_active(names: str) -> Message:
    return _("The account {name} of whoever leaves stays active: deactivate it on the page “Handover”.", name=names)


def end_account(session: Session, user_id: int | None) -> str:
    """Deactivate an account; its user name, "" if it isn't active. The session is elevated."""
    user = session.get(User, user_id) if user_id is not None else None
    if user is None or not user.active:
        return ""
    user.active = False
    session.flush()
    return user.username


def deactivate(session: Session, people: Iterable[Any]) -> Iterator[str]:
    """Deactivate the accounts of people who have left; the user names. The caller has checked that the actor may hand
    over. Raises UserError for somebody in office; at the commit for somebody on whom something hangs."""
    for person in people:
        if not has_left(person):
            raise UserError(_("{name} is in office. Hand over first.", name=person.name))
        with elevated(session):
            if name := end_account(session, person.user_id):
                yield name
