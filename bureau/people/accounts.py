"""Accounts of people: who has one, linking, new accounts for those who have none, and the roles that fit.

A person and an account are linked by whoever may edit one of them and choose the other: the office edits people, the
administrator accounts. Both are checked here, below the pages."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bureau.access.roles import LIAISON, OFFICER
from models import Liaison, Officer
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _
from panel.kinds import today
from panel.search import names
from panel.security import usernames
from panel.security.accounts import User, UserRole
from panel.security.passwords import Passwords, temporary
from panel.security.policy import AccessDenied, Permission, table_of
from panel.security.separation import SEPARATION
from panel.security.session import actor_of, elevated, permitted, policy_of
from panel.store import proposals
from panel.store.proposals import ProposalKind

AnyPerson = Liaison | Officer
PersonModel = type[Liaison] | type[Officer]
#: The people who have accounts, by table; the role that fits each, and what its account is for.
KINDS: dict[str, PersonModel] = {"liaison": Liaison, "officer": Officer}
FITTING = {"liaison": LIAISON, "officer": OFFICER}
PURPOSES = {
    "liaison": _("Report problems of the community, follow what becomes of them, answer questions about them."),
    "officer": _("Accept and handle cases, record visits on Mondays, ask for extensions."),
}
FITS = _("The role that fits the person whose account it is.")
#: The most accounts made in one act: each password takes a tenth of a second to hash.
MOST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """A liaison or officer in office. `label` tells people of one name apart by community or squad."""

    table: str
    id: int
    name: str
    label: str
    user_id: int | None

    @property
    def key(self) -> str:
        return f"{self.table}:{self.id}"


@dataclass(frozen=True, slots=True)
class Slip:
    """What a person is handed to log in for the first time. The password stands nowhere else."""

    person: Person
    username: str
    password: str


def may_link(session: Session, model: PersonModel) -> bool:
    policy, actor = policy_of(session), actor_of(session)
    by_person = policy.may(actor, Permission.EDIT, model) and policy.may(actor, Permission.CHOOSE, User)
    by_account = policy.may(actor, Permission.EDIT, User) and policy.may(actor, Permission.CHOOSE, model)
    return by_person or by_account


def may_make(session: Session) -> bool:
    """Whether the actor may make accounts for people."""
    policy, actor = policy_of(session), actor_of(session)
    return policy.may(actor, Permission.CREATE, User) and any(may_link(session, model) for model in KINDS.values())


def may_grant(session: Session) -> bool:
    return policy_of(session).may(actor_of(session), Permission.CREATE, UserRole)


def in_office(model: PersonModel) -> ColumnElement[bool]:
    """The condition for people in office, or whose term begins later."""
    return and_(Officer.active) if model is Officer else or_(Liaison.end_on.is_(None), Liaison.end_on >= today())


def people(session: Session, condition: str = "", ids: Collection[int] | None = None) -> list[Person]:
    """The people in office whom the actor may choose: all, or those "with" or "without" an account, or those with these
    accounts (`ids`)."""
    found: list[Person] = []
    for table, model in KINDS.items():
        where = [in_office(model)]
        if condition:
            where.append(model.user_id.is_(None) if condition == "without" else model.user_id.is_not(None))
        if ids is not None:
            where.append(model.user_id.in_(ids))
        columns = table_of(model).c
        statement = select(columns.id, columns.name, columns.user_id).where(*where)
        rows = {row.id: row for row in session.execute(statement, execution_options=UNSCOPED)}
        named = names.choices(session, model, where, limit=len(rows)) if rows else []
        found += [Person(table, one.id, rows[one.id].name, one.label, rows[one.id].user_id) for one in named]
    return found


def without(session: Session, chosen: Collection[str]) -> list[Person]:
    """Those of these people (by their keys) who are in office and have no account."""
    return [person for person in people(session, "without") if person.key in chosen]


def link(session: Session, model: PersonModel, id_: int, user_id: int | None) -> None:
    """Link a person to an account, or to none. Raises AccessDenied, or UserError with the reason."""
    policy, actor = policy_of(session), actor_of(session)
    by_person = Permission.EDIT if policy.may(actor, Permission.EDIT, model) else Permission.CHOOSE
    if not may_link(session, model) or not permitted(session, model, by_person, {id_}):
        raise AccessDenied
    if user_id is not None and not permitted(session, User, Permission.CHOOSE, {user_id}):
        raise AccessDenied
    with elevated(session):
        person = cast(AnyPerson, session.get_one(model, id_))
        person.user_id = user_id
        for _field, problem in person.problems(session):
            session.expire(person)
            raise UserError(problem)


def make(session: Session, chosen: Collection[str], passwords: Sequence[tuple[str, str]]) -> list[Slip]:
    """Make an account for each of the chosen people (by their key) who has none, and link it. `passwords` are
    one-time passwords with their hashes, which are computed before the transaction begins."""
    if not may_make(session):
        raise AccessDenied
    waiting = without(session, chosen)
    taken = {name.lower() for name in session.execute(select(User.username), execution_options=UNSCOPED).scalars()}
    slips = []
    for person, (password, hashed) in zip(waiting, passwords, strict=False):
        username = usernames.free(person.name, taken)
        user = User(username=username, name=person.name, password_hash=hashed, stamp=secrets.token_hex(16))
        session.add(user)
        session.flush()
        link(session, KINDS[person.table], person.id, user.id)
        slips.append(Slip(person, user.username, password))
    return slips


def one_time(passwords: Passwords, count: int) -> list[tuple[str, str]]:
    """One-time passwords with their hashes."""
    return [(password, passwords.hash(password)) for password in (temporary() for _n in range(count))]


@dataclass(frozen=True, slots=True)
class Linked:
    """The account of a person by its names. `seen` tells whether the actor may know the last log-in."""

    id: int
    label: str
    seen: bool
    last_login_at: datetime | None
    active: bool = True


def account_of(session: Session, person: AnyPerson) -> Linked | None:
    """The account of a person, if the actor may choose accounts; with its last log-in for whoever may edit the person
    or read accounts. One statement."""
    return accounts_of(session, [person]).get(person.id)


def accounts_of(session: Session, persons: Sequence[AnyPerson]) -> dict[int, Linked]:
    """The accounts of persons of one table, as account_of(), by the id of the person. One statement."""
    policy, actor = policy_of(session), actor_of(session)
    linked = {person.user_id: person for person in persons if person.user_id is not None}
    if not linked or not policy.may(actor, Permission.CHOOSE, User):
        return {}
    seen = policy.may(actor, Permission.EDIT, type(persons[0])) or policy.may(actor, Permission.READ, User)
    statement = select(User.id, User.name, User.username, User.last_login_at, User.active).where(User.id.in_(linked))
    return {
        linked[id_].id: Linked(id_, f"{name} · {username}", seen, last if seen else None, active)
        for id_, name, username, last, active in session.execute(statement, execution_options=UNSCOPED)
    }


@dataclass(frozen=True, slots=True)
class Roleless:
    """An active account without a role: the person whose it is, and the role that fits."""

    user: User
    persons: tuple[Person, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(FITTING[person.table] for person in self.persons)


def roleless(session: Session) -> list[Roleless]:
    """The active accounts without a role that the actor reads, those of people first."""
    statement = select(User).where(User.active, User.id.not_in(select(UserRole.user_id))).order_by(User.name_key)
    users = session.execute(statement).scalars().all()
    owners: dict[int, list[Person]] = {}
    for person in people(session, "with", [user.id for user in users]) if users else []:
        owners.setdefault(person.user_id or 0, []).append(person)
    found = [Roleless(user, tuple(owners.get(user.id, ()))) for user in users]
    return sorted(found, key=lambda account: not account.persons)


def grant(session: Session, user_ids: Collection[int]) -> Iterator[tuple[User, Message | None]]:
    """Give each of these accounts the role that fits the person whose it is; with the reason where it isn't given."""
    if not may_grant(session):
        raise AccessDenied
    by_two = bool(session.connection().execute(select(SEPARATION.always())).scalar())
    for account in roleless(session):
        if account.user.id not in user_ids or not account.persons:
            continue
        problem = None
        for role in account.roles if not by_two else ():
            given = UserRole(user_id=account.user.id, role=role)
            problem = next((message for _field, message in given.problems(session)), None)
            if problem is None:
                session.add(given)
                session.flush()
        if by_two:
            for role in account.roles:
                proposals.ask(session, ProposalKind.GRANT, str(FITS), user_id=account.user.id, role=role)
            problem = _("Asked for. Another administrator confirms it under “Proposals”.")
        yield account.user, problem
