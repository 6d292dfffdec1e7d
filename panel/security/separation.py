"""The administrators of a panel are separate people (等保 2.0: system, security and audit administrator): what touches
the account of one of them is asked for by one and confirmed by another (panel/store/proposals.py).

The application says when the rule holds; a panel without administrative roles has none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import Lock
from panel.i18n import Message, _
from panel.kinds import today

ROLES_BY_TWO = _(
    "Two administrators give or take this role: one asks for it under “Proposals”, another confirms it there."
)
ACCOUNT_BY_TWO = _(
    "This is the account of an administrator: one asks for the change under “Proposals”, another confirms it."
)

BELONGS_TO_ADMINISTRATOR = _(
    "This is the account of an administrator, which belongs to nobody of a roster. Choose another account, or leave it "
    "empty."
)
USERNAME_STAYS = _("The user name of an administrator's account stays, so that nobody locks an administrator out.")


@dataclass(slots=True)
class Separation:
    """`roles` are those of the administrators; `on` is the condition that they are separate, `always` the one that two
    give and take every role."""

    roles: frozenset[str] = field(default_factory=frozenset)
    on: Callable[[], ColumnElement[bool]] = true
    always: Callable[[], ColumnElement[bool]] = false


SEPARATION = Separation()


def in_force(role: Any, day: Any = None) -> ColumnElement[bool]:
    """The condition that a role of an account counts on a day, today by default; `role` are the columns of UserRole. A
    role that has ended counts no more, whether or not it has been cleared away."""
    return or_(role.until.is_(None), role.until >= (today() if day is None else day))


def administers(user_id: Any) -> ColumnElement[bool]:
    """The condition that an account has a role of an administrator."""
    held = Base.metadata.tables["userrole"].alias("held").c
    return select(held.id).where(held.user_id == user_id, held.role.in_(sorted(SEPARATION.roles))).exists()


def role_needs_two(row: Any) -> ColumnElement[bool]:
    """The condition that two give or take a role; `row` are the columns of UserRole."""
    guarded = or_(row.role.in_(sorted(SEPARATION.roles)), administers(row.user_id))
    return or_(and_(SEPARATION.on(), guarded), SEPARATION.always())


def account_needs_two(row: Any) -> ColumnElement[bool]:
    """The condition that two change an account; `row` are the columns of User."""
    return and_(SEPARATION.on(), administers(row.id))


ROLE_LOCK = Lock(role_needs_two, ROLES_BY_TWO)
ACCOUNT_LOCK = Lock(account_needs_two, ACCOUNT_BY_TWO)


USERNAME_LOCK = Lock(account_needs_two, USERNAME_STAYS)


def administrators_among(session: Session, user_ids: Collection[int]) -> set[int]:
    """The accounts among these that two change."""
    if not user_ids:
        return set()
    user = Base.metadata.tables["user"].c
    statement = select(user.id).where(user.id.in_(user_ids), account_needs_two(user))
    return set(session.connection().execute(statement).scalars())


def last_holder(label: Message) -> Message:
    return _("Nobody else has the role “{role}” without an end. Give it to another account first.", role=label)
