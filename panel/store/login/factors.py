"""The second factor: codes of 30 seconds (TOTP, RFC 6238) from a program on a telephone, and recovery codes on paper.

The secret is stored encrypted with the data key (panel/kinds/encrypted.py), so that a copy of the database doesn't give
it away; of recovery codes only keyed hashes are stored. A code counts once."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pyotp
from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.kinds import now
from panel.security.login_records import SecondFactor
from panel.security.policy import table_of
from panel.security.session import keyed_hash
from panel.store.login import limits

#: Seconds of a code; the one before and the one after count too, because clocks differ.
STEP = 30
AROUND = (0, -1, 1)
#: Recovery codes of a sheet: groups of characters that can't be taken for another one, 50 bits each.
CODES, GROUP = 10, 5
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_TABLE = table_of(SecondFactor)
_FACTORS = _TABLE.c


@dataclass(frozen=True, slots=True)
class Used:
    """A code that was right; `left` are the recovery codes left if it was one, else None."""

    left: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A second factor that is set up but not confirmed: what the program is given, as text and as an address."""

    secret: str
    address: str


def roles_of(session: Session) -> frozenset[str]:
    """The roles that need a second factor. One statement."""
    return limits.factor_roles(session)


def is_set_up(session: Session, user_id: int) -> bool:
    """Whether an account has a confirmed second factor. One statement."""
    statement = select(_FACTORS.id).where(_FACTORS.user_id == user_id, _FACTORS.confirmed_at.is_not(None))
    return session.execute(statement, execution_options=UNSCOPED).first() is not None


def prepare(session: Session, user_id: int, username: str, issuer: str) -> Waiting:
    """The second factor that waits for its first code; made if there is none. Raises ValueError for a confirmed one."""
    row = _row(session, user_id)
    if row is not None and row.confirmed_at is not None:
        raise ValueError("this second factor is in use")
    text = row.secret if row is not None else pyotp.random_base32()
    if row is None:
        session.execute(insert(_TABLE).values(user_id=user_id, secret=text, codes=[]), execution_options=UNSCOPED)
    return Waiting(text, pyotp.TOTP(text).provisioning_uri(name=username, issuer_name=issuer))


def confirm(session: Session, user_id: int, typed: str, key: str) -> list[str] | None:
    """Confirm the second factor by its first code: the recovery codes, shown once; None for a wrong code."""
    row = _row(session, user_id)
    if row is None or row.confirmed_at is not None or not _take_step(session, row, typed):
        return None
    return renew_codes(session, user_id, key, confirmed_at=now())


def renew_codes(session: Session, user_id: int, key: str, **changed: Any) -> list[str]:
    """New recovery codes in place of those before."""
    codes = ["-".join("".join(secrets.choice(_ALPHABET) for _n in range(GROUP)) for _m in "ab") for _k in range(CODES)]
    values = {"codes": [_digest(code, user_id, key) for code in codes], **changed}
    session.execute(update(_TABLE).where(_FACTORS.user_id == user_id).values(**values), execution_options=UNSCOPED)
    return codes


def check(session: Session, user_id: int, typed: str, key: str) -> Used | None:
    """Whether a code is right, and use it up: that of the telephone, or a recovery code. None if it is wrong."""
    row = _row(session, user_id)
    if row is None or row.confirmed_at is None:
        return None
    if _take_step(session, row, typed):
        return Used()
    digest = _digest(typed, user_id, key)
    left = [code for code in row.codes if not hmac.compare_digest(code, digest)]
    if len(left) == len(row.codes):
        return None
    session.execute(update(_TABLE).where(_FACTORS.id == row.id).values(codes=left), execution_options=UNSCOPED)
    return Used(len(left))


def remove(session: Session, users: Iterable[int]) -> None:
    """Remove the second factors of accounts: their persons set up another one at the next log-in."""
    session.execute(delete(_TABLE).where(_FACTORS.user_id.in_([*users])), execution_options=UNSCOPED)


def _row(session: Session, user_id: int) -> Any:
    """The second factor of an account, locked against other servers until the transaction ends."""
    statement = select(_TABLE).where(_FACTORS.user_id == user_id).with_for_update()
    return session.execute(statement, execution_options=UNSCOPED).first()


def _take_step(session: Session, row: Any, typed: str) -> bool:
    """Whether a code is that of a step that no code was used of since, and take the step."""
    plain = "".join(typed.split())
    if not re.fullmatch("[0-9]{6}", plain):
        return False
    totp, present = pyotp.TOTP(row.secret), int(now().timestamp()) // STEP
    for step in (present + around for around in AROUND):
        if step > row.used_step and hmac.compare_digest(totp.at(step * STEP), plain):
            taken = update(_TABLE).where(_FACTORS.id == row.id, _FACTORS.used_step < step).values(used_step=step)
            result = session.execute(taken, execution_options=UNSCOPED)
            return cast(CursorResult[Any], result).rowcount == 1
    return False


def _digest(code: str, user_id: int, key: str) -> str:
    """The keyed hash of a recovery code as typed: case, blanks and dashes don't count."""
    plain = "".join(code.split()).replace("-", "").upper()
    return keyed_hash(f"recovery {user_id} {plain}", key)
