"""Sessions as they are kept by the server, so that one that was ended stays ended whoever holds its cookie.

The cookie holds a random id, the table its keyed hash."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    and_,
    bindparam,
    delete,
    event,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapper, Session

from panel.base import UNSCOPED
from panel.kinds import now
from panel.security.accounts import LoginLog, LoginOutcome, User, UserRole
from panel.security.login_records import LoginSession, SessionEnd
from panel.security.policy import table_of
from panel.security.separation import in_force
from panel.security.session import keyed_hash
from panel.security.transactions import may_write, without_waiting
from panel.security.watches import Watch
from panel.store.db_errors import is_busy, is_full
from panel.store.login.limits import DEFAULTS, number
from panel.store.records import Setting

#: How often the use of a session is written.
TOUCH = timedelta(minutes=1)
#: Days after which ended sessions are deleted; the log-in log stays.
KEPT_DAYS = 30

_USERS, _ROLES, _SESSIONS, _SETTINGS = (table_of(model).c for model in (User, UserRole, LoginSession, Setting))


def _setting(key: str) -> Any:
    return select(_SETTINGS.value).where(_SETTINGS.key == key).scalar_subquery().label(key)


#: The session with the digest `wanted` and its account, in a row for each of its roles of `day`, with the limits. Every
#: request reads it, so the statement is made once, and of columns: records take three times as long.
CURRENT = (
    select(
        _USERS.id,
        _USERS.name,
        _USERS.username,
        _USERS.active,
        _USERS.must_change,
        (_USERS.stamp == _SESSIONS.stamp).label("stamped"),
        _USERS.locale,
        _SESSIONS.id.label("session_id"),
        _SESSIONS.began_at,
        _SESSIONS.used_at,
        _SESSIONS.ended,
        _SESSIONS.factor_due,
        _ROLES.role,
        _setting("idle_minutes"),
        _setting("session_hours"),
    )
    .select_from(
        table_of(LoginSession)
        .join(table_of(User), _USERS.id == _SESSIONS.user_id)
        .outerjoin(table_of(UserRole), and_(_ROLES.user_id == _USERS.id, in_force(_ROLES, bindparam("day"))))
    )
    .where(_SESSIONS.digest == bindparam("wanted"))
)


@dataclass(frozen=True, slots=True)
class State:
    """The session of a request: its row, why it is over (None while it isn't), and whether its use is to be noted."""

    id: int
    over: SessionEnd | None
    #: Whether the row says already that it is over.
    noted: bool
    stale: bool
    idle_minutes: int


def digest(token: str, secret: str) -> str:
    return keyed_hash(f"session {token}", secret)


def state(row: Any) -> State:
    """The state of a session by a row of CURRENT."""
    idle = number(row.idle_minutes, DEFAULTS.idle_minutes)
    longest = timedelta(hours=number(row.session_hours, DEFAULTS.session_hours))
    moment = now()
    over: SessionEnd | None = row.ended
    if over is None and not (row.active and row.stamped):
        over = SessionEnd.ACCOUNT if row.stamped else SessionEnd.PASSWORD
    elif over is None and moment - row.used_at > timedelta(minutes=idle) + TOUCH:
        # The use is noted once in TOUCH: nobody is put out before the time that is promised.
        over = SessionEnd.IDLE
    elif over is None and moment - row.began_at > longest:
        over = SessionEnd.LIMIT
    return State(row.session_id, over, row.ended is not None, moment - row.used_at >= TOUCH, idle)


def begin(
    session: Session, *, user_id: int, stamp: str, address: str, agent: str, secret: str, factor_due: bool = False
) -> str:
    """Begin a session of an account; returns the id for the cookie, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    values = {
        "user_id": user_id,
        "stamp": stamp,
        "address": address[:60],
        "agent": agent[:200],
        "digest": digest(token, secret),
        "factor_due": factor_due,
        "began_at": now(),
        "used_at": now(),
    }
    session.execute(insert(table_of(LoginSession)).values(**values), execution_options=UNSCOPED)
    return token


def end(session: Session, reason: SessionEnd, *conditions: Any) -> int:
    """End the sessions that fit the conditions and haven't ended; how many they were."""
    statement = update(table_of(LoginSession)).where(_SESSIONS.ended.is_(None), *conditions)
    result = session.execute(statement.values(ended=reason, ended_at=now()), execution_options=UNSCOPED)
    return cast(CursorResult[Any], result).rowcount


def end_of(session: Session, users: Collection[int], reason: SessionEnd, but: int = 0) -> int:
    """End the sessions of these accounts but one; how many they were."""
    return end(session, reason, _SESSIONS.user_id.in_(users), _SESSIONS.id != but)


def running(limit_hours: int, idle_minutes: int) -> Any:
    """The condition of sessions that are not over."""
    moment = now()
    return (
        LoginSession.ended.is_(None)
        & (LoginSession.began_at >= moment - timedelta(hours=limit_hours))
        & (LoginSession.used_at >= moment - timedelta(minutes=idle_minutes) - TOUCH)
    )


def touch(engine: Engine, id_: int) -> None:
    """Note that a session is used. A database that is busy isn't waited for: the next request notes it, as it does when
    the disk is full."""
    statement = update(table_of(LoginSession)).where(_SESSIONS.id == id_, _SESSIONS.used_at <= now() - TOUCH)
    try:
        with without_waiting(), may_write(), engine.begin() as connection:
            connection.execute(statement.values(used_at=now()))
    except OperationalError as error:
        if not is_busy(error) and not is_full(error):
            raise


@dataclass(frozen=True, slots=True)
class LastLogin:
    """The log-in before: when, and from where."""

    at: datetime | None
    address: str


def last_login(session: Session, user_id: int) -> LastLogin:
    """The latest log-in of an account so far. One statement."""
    log = table_of(LoginLog).c
    latest = select(log.at, log.address).where(log.user_id == user_id, log.outcome == LoginOutcome.OK)
    row = session.execute(latest.order_by(log.id.desc()).limit(1), execution_options=UNSCOPED).first()
    return LastLogin(row.at if row else None, row.address if row else "")


def delete_ended(session: Session) -> None:
    """Periodic: delete sessions that ended, or were last used, KEPT_DAYS ago."""
    before = now() - timedelta(days=KEPT_DAYS)
    over = or_(_SESSIONS.ended_at < before, _SESSIONS.used_at < before)
    session.execute(delete(table_of(LoginSession)).where(over), execution_options=UNSCOPED)


def _account_changed(session: Session, users: Collection[int]) -> None:
    """An account that is switched off, by a form or in bulk, has no sessions, also when it is switched on again."""
    inactive = select(_USERS.id).where(_USERS.id.in_(users), _USERS.active.is_(False))
    end(session, SessionEnd.ACCOUNT, _SESSIONS.user_id.in_(inactive))


#: Rules at the end of a transaction.
WATCHES = (Watch(User, frozenset({"active"}), _account_changed),)


@event.listens_for(UserRole, "after_delete")
@event.listens_for(UserRole, "after_update")
def _role_taken(_mapper: Mapper[Any], connection: Connection, role: UserRole) -> None:
    """Whoever loses a role logs in again: pages that are open show what it gave. A role that is granted counts at
    once."""
    accounts = {role.user_id, *inspect(role).attrs.user_id.history.deleted}
    ended = update(table_of(LoginSession)).where(_SESSIONS.user_id.in_(accounts), _SESSIONS.ended.is_(None))
    connection.execute(ended.values(ended=SessionEnd.ACCOUNT, ended_at=now()))
