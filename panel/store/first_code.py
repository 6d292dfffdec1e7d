"""The one-time code by which the first accounts are made, before anybody can log in.

A server that starts without an administrator issues a code and prints it. Stored is only its HMAC with the key of the
installation, so that neither a copy of the database nor a backup gives it away; it counts for every worker process. The
next start issues another code, and the old one ends. Wrong codes are counted; MAX_FAILURES of them close the page for
LOCK_MINUTES."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.kinds import Moment, now
from panel.security.accounts import LOCK_MINUTES, MAX_FAILURES, UserRole
from panel.store.records import Setting

#: The key of the row that holds the state of the code.
KEY = "first_code"
#: Characters that can't be taken for another one on a screen or on paper: 5 bits each.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
GROUPS, GROUP = 3, 4
#: Worker processes that start together share the code that the first of them printed.
SIBLINGS = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _State:
    """The digest of the code, when it was issued, wrong codes since then, and until when the page is closed; moments in
    seconds since 1970."""

    digest: str
    issued: int
    failures: int = 0
    locked_until: int = 0


def needed(session: Session, role: str) -> bool:
    """Whether no account has the role of the administrator. One statement."""
    held = select(UserRole.id).where(UserRole.role == role).limit(1)
    return session.execute(held, execution_options=UNSCOPED).first() is None


def issue(session: Session, secret: str) -> str | None:
    """A new code in place of the one before; None if another worker process issued one less than a minute ago that
    still counts."""
    moment = int(now().timestamp())
    state = _read(session)
    young = state is not None and 0 <= moment - state.issued < SIBLINGS.total_seconds()
    if state is not None and young and state.locked_until <= moment:
        return None
    code = "-".join("".join(secrets.choice(ALPHABET) for _n in range(GROUP)) for _m in range(GROUPS))
    fresh = _State(_digest(code, secret), moment)
    if state is not None:
        _write(session, fresh)
        return code
    try:
        with session.begin_nested():
            session.execute(insert(Setting).values(key=KEY, value=json.dumps(asdict(fresh))))
    except IntegrityError:  # a worker process that started at the same moment
        return None
    return code


def check(session: Session, code: str, secret: str) -> Message | None:
    """The reason why the code doesn't count, or None. Counts wrong codes, which the caller commits."""
    moment = int(now().timestamp())
    state = _read(session)
    if state is None:
        return _("No code counts any more. Start the server again: it prints a new one.")
    if state.locked_until > moment:
        return _locked(state.locked_until)
    if hmac.compare_digest(_digest(code, secret), state.digest):
        return None
    failures = state.failures + 1
    if failures >= MAX_FAILURES:
        until = moment + LOCK_MINUTES * 60
        _write(session, _State(state.digest, state.issued, 0, until))
        return _locked(until)
    _write(session, _State(state.digest, state.issued, failures))
    return _("This is not the code. {n} tries are left.", n=MAX_FAILURES - failures)


def take(session: Session, role: str) -> bool:
    """End the code; whether the accounts may be made in this transaction: the code still stood, and no account has the
    role of the administrator. Of two processes that use one code at the same time, one is told False."""
    ended = session.execute(delete(Setting).where(Setting.key == KEY))
    return cast(CursorResult[Any], ended).rowcount == 1 and needed(session, role)


def _locked(until: int) -> Message:
    time = Moment().format(datetime.fromtimestamp(until, tz=now().tzinfo).replace(second=0))[-5:]
    return _("Too many wrong codes: try again after {time}, or start the server again.", time=time)


def _digest(code: str, secret: str) -> str:
    """The HMAC of a code as typed: case, blanks and dashes don't count."""
    plain = "".join(code.split()).replace("-", "").upper()
    return hmac.new(secret.encode(), f"first code {plain}".encode(), "sha256").hexdigest()


def _read(session: Session) -> _State | None:
    """The state, locked against other processes until the transaction ends."""
    statement = select(Setting.value).where(Setting.key == KEY).with_for_update()
    stored = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    return _State(**json.loads(stored)) if stored else None


def _write(session: Session, state: _State) -> None:
    session.execute(update(Setting).where(Setting.key == KEY).values(value=json.dumps(asdict(state))))
