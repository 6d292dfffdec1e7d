"""Accounts, their roles, and the log-in log. The roles themselves are declared outside the engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import Base, Named, Path, Public, Record
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Code, Flag, Label, Moment, PersonName, Reference, Text, now
from panel.security.session import actor_of, policy_of

#: Failed log-ins that lock an account, and for how long (等保 2.0).
MAX_FAILURES = 5
LOCK_MINUTES = 15


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
        Code(40), _("User name"), required=True, key=True, unique=True, search=True, help=_("What is typed to log in.")
    )
    name: Mapped[str] = col(PersonName(40), _("Full name"), required=True, search=True)
    active: Mapped[bool] = col(
        Flag(),
        _("Active"),
        required=True,
        default=True,
        help=_("Switch off instead of deleting: what they did stays on record."),
    )
    must_change: Mapped[bool] = col(
        Flag(), _("Must change password"), required=True, default=True, readonly=True, listed=False
    )
    locked_until: Mapped[datetime | None] = col(Moment(), _("Locked until"), readonly=True)
    last_login_at: Mapped[datetime | None] = col(Moment(), _("Last log-in"), readonly=True)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    stamp: Mapped[str] = mapped_column(String(32), default="")
    locale: Mapped[str] = mapped_column(String(20), default="")

    roles: Mapped[list[UserRole]] = relationship(
        back_populates="user", foreign_keys="UserRole.user_id", cascade="all, delete-orphan"
    )


class UserRole(Record):
    """A role of an account. It is granted on the pages or by a command, never by an import."""

    __tablename__ = "userrole"
    __label__ = _("Role of an account")
    __labels__ = _("Roles of accounts")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("role",)
    __imported__ = False
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    user_id: Mapped[int] = col(Reference("user"), _("Account"), required=True, key=True)
    role: Mapped[str] = col(RoleName(20), _("Role"), required=True, key=True)

    user: Mapped[User] = relationship(back_populates="roles", foreign_keys=[user_id])

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Errors: a role for one's own account, an unknown role, or one that conflicts with the account's other
        roles."""
        policy = policy_of(session)
        if self.user_id == actor_of(session).user_id:
            yield "user", _("Nobody gives roles to their own account.")
        if self.role not in policy.roles:
            yield "role", _("There is no such role.")
        others = select(UserRole.role).where(UserRole.user_id == self.user_id)
        if self.id is not None:
            others = others.where(UserRole.id != self.id)
        roles = frozenset(session.execute(others).scalars())
        if conflict := policy.conflict(session, roles | {self.role}):
            yield "role", conflict


class LoginOutcome(Choices):
    OK = "ok", _("Logged in"), "good"
    WRONG = "wrong", _("Wrong name or password"), "warn"
    LOCKED = "locked", _("Locked"), "bad"
    INACTIVE = "inactive", _("Not active"), "bad"
    LOGOUT = "logout", _("Logged out"), ""
    IDLE = "idle", _("Ended after idling"), ""
    PASSWORD = "password", _("Password changed"), "brand"


class LoginLog(Base):
    """A log-in that succeeded, failed or was refused, or the end of a session."""

    __tablename__ = "loginlog"
    __label__ = _("Log-in record")
    __labels__ = _("Log-in log")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
    __display__ = ("username",)
    __table_args__ = (Index("ix_loginlog_user_id", "user_id"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    username: Mapped[str] = col(Text(80), _("User name"), required=True, search=True, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    outcome: Mapped[LoginOutcome] = col(Choice(LoginOutcome), _("Log-in result"), required=True)
    address: Mapped[str] = col(Text(60), _("IP address"), required=True, default="")
    agent: Mapped[str] = col(Text(200), _("Browser"), required=True, default="", listed=False, filter=False)
