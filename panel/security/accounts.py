"""Accounts, their roles, and the log-in log. The roles themselves are declared outside the engine."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, UniqueConstraint, and_, case, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import Base, Named, Path, Public, Record
from panel.errors import UserError
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Code, Day, Flag, Label, Moment, PersonName, Reference, Text, now, today
from panel.security import creation, separation
from panel.security.passwords import EARLIER
from panel.security.policy import table_of
from panel.security.records import AuditAction, AuditEntry
from panel.security.separation import SEPARATION
from panel.security.session import actor_of, policy_of
from panel.security.watches import Watch

#: Failed log-ins of an account at one place that keep it from logging in there, and for how long (等保 2.0).
MAX_FAILURES = 5
LOCK_MINUTES = 15


NOT_ONESELF = _("Nobody gives roles to their own account.")


class RoleName(Label):
    """The stored name of a role; the labels are set when the panel is assembled."""

    labels: ClassVar[dict[str, Message]] = {}


class User(Named, Record):
    """An account. The password is hashed by argon2. `stamp` changes with the password, which ends earlier sessions."""

    __tablename__ = "user"
    __label__ = _("Account")
    __labels__ = _("Accounts")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("name",)
    __name_in_files__ = "{username}"
    __told_apart_by__ = ("username",)
    __offered__ = False

    username: Mapped[str] = col(
        Code(40),
        _("User name"),
        required=True,
        key=True,
        unique=True,
        search=True,
        help=_("What is typed to log in."),
        locked=separation.USERNAME_LOCK,
    )
    name: Mapped[str] = col(PersonName(40), _("Full name"), required=True, search=True)
    active: Mapped[bool] = col(
        Flag(),
        _("Active"),
        required=True,
        default=True,
        help=_("Switch off instead of deleting: what they did stays on record."),
        locked=separation.ACCOUNT_LOCK,
    )
    must_change: Mapped[bool] = col(
        Flag(), _("Must change password"), required=True, default=True, readonly=True, listed=False
    )
    locked_until: Mapped[datetime | None] = col(
        Moment(),
        _("Locked until"),
        readonly=True,
        help=_("Only where the failures came from. Browsers that the person has logged in with before stay open."),
    )
    last_login_at: Mapped[datetime | None] = col(Moment(), _("Last log-in"), readonly=True)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    #: Failed log-ins since the last one that succeeded.
    failures: Mapped[int] = mapped_column(Integer, default=0)
    stamp: Mapped[str] = mapped_column(String(32), default="")
    #: When the password was set, and the hashes of those before, the latest first.
    password_at: Mapped[datetime | None] = mapped_column(default=now)
    earlier_hashes: Mapped[list[str] | None] = mapped_column(JSON)
    locale: Mapped[str] = mapped_column(String(20), default="")

    def set_password(self, hashed: str, *, must_change: bool) -> None:
        """Replace the password. The new stamp ends the sessions of the account; the old hash stays among the
        earlier ones."""
        for name, value in renewed(self.password_hash, self.earlier_hashes, hashed).items():
            setattr(self, name, value)
        self.must_change = must_change

    roles: Mapped[list[UserRole]] = relationship(
        back_populates="user", foreign_keys="UserRole.user_id", cascade="all, delete-orphan"
    )


def renewed(old: str, earlier: list[str] | None, hashed: str) -> dict[str, Any]:
    """The columns of an account whose password is replaced."""
    kept = [old, *(earlier or [])] if old else [*(earlier or [])]
    return {
        "password_hash": hashed,
        "earlier_hashes": kept[: EARLIER - 1],
        "password_at": now(),
        "stamp": secrets.token_hex(16),
    }


class UserRole(Record):
    """A role of an account. It is granted on the pages or by a command, never by an import."""

    __tablename__ = "userrole"
    __label__ = _("Role of an account")
    __labels__ = _("Roles of accounts")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("role",)
    __imported__ = False
    __locked__ = (separation.ROLE_LOCK,)
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    user_id: Mapped[int] = col(Reference("user"), _("Account"), required=True, key=True)
    role: Mapped[str] = col(RoleName(20), _("Role"), required=True, key=True)
    until: Mapped[date | None] = col(
        Day(), _("Valid until"), help=_("The role ends by itself after this day. Empty: it has no end.")
    )

    user: Mapped[User] = relationship(back_populates="roles", foreign_keys=[user_id])

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Errors: a role for one's own account, one that has ended, an unknown role, or one that conflicts with the
        account's other roles."""
        policy = policy_of(session)
        if self.user_id == actor_of(session).user_id:
            yield "user", NOT_ONESELF
        if self.until is not None and self.until < today():
            yield "until", _("This day is over.")
        if self.role not in policy.roles:
            yield "role", _("There is no such role.")
        others = select(UserRole.role).where(UserRole.user_id == self.user_id)
        if self.id is not None:
            others = others.where(UserRole.id != self.id)
        roles = frozenset(session.execute(others).scalars())
        if conflict := policy.conflict(session, roles | {self.role}):
            yield "role", conflict


def _check_roles(session: Session, written: creation.Written) -> Sequence[tuple[str, Message]]:
    """Nobody gives roles to their own account, or alone those that two give. The program's own work is exempt: it
    carries out what was confirmed."""
    actor, role = actor_of(session), table_of(UserRole).c
    if actor.system:
        return []
    statement = select(role.user_id, case((separation.role_needs_two(role), 1), else_=0))
    for user_id, by_two in session.connection().execute(statement.where(role.id.in_(written))):
        if user_id == actor.user_id:
            return [("user", NOT_ONESELF)]
        if by_two:
            return [("role", separation.ROLES_BY_TWO)]
    return []


creation.declare(UserRole, creation.RowRule(_check_roles))


def roles_in_force(user: User) -> frozenset[str]:
    """The roles of an account that count today."""
    return frozenset(role.role for role in user.roles if role.until is None or role.until >= today())


def administrator_problem(session: Session, user_id: int) -> Message | None:
    """Why an account can't be linked to a person: an administrator has it."""
    is_one = separation.administrators_among(session, {user_id})
    return separation.BELONGS_TO_ADMINISTRATOR if is_one else None


def _somebody_stays(session: Session, held: set[str]) -> None:
    """Raise UserError if nobody active has one of the administrators' roles `held` without an end any more."""
    user, role = table_of(User).c, table_of(UserRole).c
    holders = select(role.role).join(table_of(User), user.id == role.user_id).where(user.active, role.until.is_(None))
    left = set(session.connection().execute(holders).scalars())
    for name in sorted(held & SEPARATION.roles - left):
        raise UserError(separation.last_holder(RoleName.labels.get(name, _("Role"))))


def _accounts_stay(session: Session, ids: Collection[int]) -> None:
    role = table_of(UserRole).c
    held = session.connection().execute(select(role.role).where(role.user_id.in_(ids))).scalars()
    _somebody_stays(session, set(held))


def _roles_stay(session: Session, ids: Collection[int]) -> None:
    """The roles that were changed or taken, by the audit, which knows what was there before; of those that were given
    nothing is asked."""
    role, entry = table_of(UserRole).c, table_of(AuditEntry).c
    taken = and_(
        entry.table_name == UserRole.__tablename__, entry.record_id.in_(ids), entry.action != AuditAction.CREATE
    )
    changed = select(entry.record_id).where(taken)
    held = set(session.connection().execute(select(role.role).where(role.id.in_(ids), role.id.in_(changed))).scalars())
    for changes in session.connection().execute(select(entry.changes).where(taken)).scalars():
        held |= {value for value in (changes or {}).get("role", ()) if isinstance(value, str)}
    _somebody_stays(session, held)


#: The last holder of an administrator's role stays, by whichever door the role, its end or the account is changed.
WATCHES = (
    Watch(User, frozenset({"active"}), _accounts_stay),
    Watch(UserRole, frozenset({"user_id", "role", "until"}), _roles_stay, rows=True),
)


class LoginOutcome(Choices):
    OK = "ok", _("Logged in"), "good"
    WRONG = "wrong", _("Wrong name or password"), "warn"
    LOCKED = "locked", _("Locked"), "bad"
    INACTIVE = "inactive", _("Not active"), "bad"
    LOGOUT = "logout", _("Logged out"), ""
    IDLE = "idle", _("Ended after idling"), ""
    PASSWORD = "password", _("Password changed"), "brand"
    ENDED = "ended", _("Session ended"), ""
    CODE = "code", _("Wrong code of the second factor"), "warn"


class LoginLog(Base):
    """A log-in that succeeded, failed or was refused, or the end of a session."""

    __tablename__ = "loginlog"
    __label__ = _("Log-in record")
    __labels__ = _("Log-in log")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
    __archivable__ = True
    __display__ = ("username",)
    __table_args__ = (Index("ix_loginlog_user_id", "user_id"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    username: Mapped[str] = col(Text(80), _("User name"), required=True, search=True, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    outcome: Mapped[LoginOutcome] = col(Choice(LoginOutcome), _("Log-in result"), required=True)
    address: Mapped[str] = col(Text(60), _("IP address"), required=True, default="")
    agent: Mapped[str] = col(Text(200), _("Browser"), required=True, default="", listed=False, filter=False)
