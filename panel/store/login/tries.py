"""Counted tries: of passwords, codes, log-ins from an address. They are counted in the database before they are looked
at, so that tries at the same time, by several servers, never get more than the limit checked.

A log-in is counted for three parties. An account at its place: the place is a browser that the account has logged in
with before, told by a signed cookie, or else the address. The account at all places where it is unknown. The address,
for browsers that the account hasn't logged in with. So whoever guesses closes their own place, then the account to
other unknown places, and never the browsers that its person uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.kinds import now
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, LoginLog, LoginOutcome, User
from panel.security.login_records import TryCount
from panel.security.policy import table_of
from panel.security.session import keyed_hash
from panel.store.login.limits import Limits

WINDOW = timedelta(minutes=LOCK_MINUTES)
#: Days for which an address is known to an account after a log-in.
KNOWN_DAYS = 30

_TRIES, _LOG = table_of(TryCount).c, table_of(LoginLog).c


@dataclass(frozen=True, slots=True)
class Party:
    """What tries are counted for, and how many are looked at in WINDOW. `user_id` is the account that is unlocked with
    it."""

    name: str
    most: int
    user_id: int | None = None


def of_login(
    username: str, user_id: int | None, address: str, *, device: str, known: bool, limit: Limits
) -> list[Party]:
    """The parties of a log-in, in the order in which they are counted: the nearest first, so that what is closed there
    counts nowhere else. `device` is the id in the browser's cookie if the account has logged in there before; `known`
    says whether it has from this address."""
    name = username.lower()
    parties = [Party(f"place {name} {device or address}", MAX_FAILURES, user_id)]
    if not device and not known:
        parties.append(Party(f"account {name}", limit.account_tries, user_id))
    if not device:
        parties.append(Party(f"address {address}", limit.address_tries))
    return parties


def of_password(user_id: int) -> list[Party]:
    """The party of the page that changes a password."""
    return [Party(f"password {user_id}", MAX_FAILURES, user_id)]


def of_code(user_id: int) -> list[Party]:
    """The party of codes of the second factor."""
    return [Party(f"code {user_id}", MAX_FAILURES, user_id)]


@dataclass(frozen=True, slots=True)
class Counted:
    """Whether a try may be looked at, and whether it was the last one of a party."""

    may_look: bool
    last: bool


def count(session: Session, parties: Sequence[Party], secret: str) -> Counted:
    """Count a try for the parties. The caller commits before it looks at what was typed."""
    last = False
    for party in parties:
        number = _add(session, party, secret)
        if number > party.most:
            return Counted(may_look=False, last=True)
        last = last or number == party.most
    return Counted(may_look=True, last=last)


def _add(session: Session, party: Party, secret: str) -> int:
    """Add one to a count. It ends WINDOW after the last try that was looked at: those that are refused prolong nothing.
    One statement, which locks the row: of two at the same time the second counts on."""
    moment, table = now(), table_of(TryCount)
    over = table.c.until <= moment
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"key": _key(party, secret), "count": 1, "until": moment + WINDOW, "user_id": party.user_id}
    statement: Any = dialect.insert(table).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "count": case((over, 1), else_=table.c.count + 1),
            "until": case((over | (table.c.count < party.most), moment + WINDOW), else_=table.c.until),
        },
    ).returning(table.c.count)
    return int(session.execute(statement, execution_options=UNSCOPED).scalar_one())


def succeeded(session: Session, parties: Sequence[Party], secret: str) -> None:
    """Take back what was counted for a try that was right: the nearest party begins anew, the others lose this one."""
    nearest, *others = [_key(party, secret) for party in parties]
    table = table_of(TryCount)
    session.execute(delete(table).where(_TRIES.key == nearest), execution_options=UNSCOPED)
    if others:
        less = update(table).where(_TRIES.key.in_(others), _TRIES.count > 0).values(count=_TRIES.count - 1)
        session.execute(less, execution_options=UNSCOPED)


def unlock(session: Session, users: Iterable[int]) -> None:
    """Forget the tries of these accounts, and that they were locked. Without the ORM, whose checks would require the
    permission to edit accounts."""
    ids, connection = [*users], session.connection()
    connection.execute(delete(table_of(TryCount)).where(_TRIES.user_id.in_(ids)))
    connection.execute(update(table_of(User)).where(table_of(User).c.id.in_(ids)).values(locked_until=None))


def is_known(session: Session, user_id: int | None, address: str) -> bool:
    """Whether the account has logged in from the address in the last KNOWN_DAYS. One statement, for unknown accounts
    too: they take as long."""
    since = now() - timedelta(days=KNOWN_DAYS)
    mine = (_LOG.user_id == (user_id or 0)) & (_LOG.outcome == LoginOutcome.OK) & (_LOG.address == address)
    statement = select(_LOG.id).where(mine, _LOG.at >= since).limit(1)
    return session.execute(statement, execution_options=UNSCOPED).first() is not None


def delete_expired(session: Session) -> None:
    """Periodic: delete counts that are over."""
    session.execute(delete(table_of(TryCount)).where(_TRIES.until <= now()), execution_options=UNSCOPED)


def _key(party: Party, secret: str) -> str:
    """The keyed hash of a party: what was typed as a user name may be a password."""
    return keyed_hash(f"tries {party.name}", secret)
