"""Limits of log-in and sessions, which the office may set. The keys are stored like other settings; an application
declares those that it offers on its page."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import ids
from panel.base import UNSCOPED
from panel.store.records import Setting

#: Key of the roles that need a second factor, their names separated by commas.
FACTOR_ROLES = "factor_roles"


@dataclass(frozen=True, slots=True)
class Limits:
    """Each field is the key of a setting, with its default.

    `idle_minutes` and `session_hours` end sessions. `password_days` is the age at which a password must be changed, 0
    for never: GB/T 22239 (等保 2.0), level 2, 7.1.4.1 a asks that passwords are changed regularly, and assessors take
    90 days for that. `address_tries` are failed log-ins from an address, `account_tries` those of an account from
    places where it never logged in, in 15 minutes."""

    idle_minutes: int = 30
    session_hours: int = 12
    password_days: int = 90
    address_tries: int = 30
    account_tries: int = 20


DEFAULTS = Limits()


def read(session: Session) -> Limits:
    """The limits as set. One statement."""
    names = [f.name for f in fields(Limits)]
    statement = select(Setting.key, Setting.value).where(Setting.key.in_(names))
    stored = dict(session.execute(statement, execution_options=UNSCOPED).all())
    return Limits(**{name: number(stored.get(name), getattr(DEFAULTS, name)) for name in names})


def number(text: str | None, default: int) -> int:
    """The number in the text of a setting; the default if there is none."""
    return ids.number(text, default)


def factor_roles(session: Session) -> frozenset[str]:
    """The roles that need a second factor. One statement."""
    statement = select(Setting.value).where(Setting.key == FACTOR_ROLES)
    value = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    return frozenset(name for name in (value or "").replace("、", ",").replace("，", ",").split(",") if name)
