"""Sessions of accounts, counted tries, and second factors."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Base, Path, Public
from panel.fields import col
from panel.i18n import _
from panel.kinds import Choice, Choices, Moment, Reference, Text, now
from panel.kinds.encrypted import Encrypted
from panel.security.accounts import User


class SessionEnd(Choices):
    LOGOUT = "logout", _("Logged out"), ""
    IDLE = "idle", _("Ended after idling"), ""
    LIMIT = "limit", _("Longest time reached"), ""
    PASSWORD = "password", _("Password changed"), "brand"
    SELF = "self", _("Ended from another session"), "warn"
    KEEPER = "keeper", _("Ended by the security administrator"), "bad"
    ACCOUNT = "account", _("Account or roles changed"), "warn"


class LoginSession(Base):
    """A session of an account. `digest` is the keyed hash of the id in the cookie, `stamp` the account's at that time.
    `used_at` is written once a minute at most. Rows are written by panel/store/login/sessions.py alone."""

    __tablename__ = "loginsession"
    __label__ = _("Log-in session")
    __labels__ = _("Log-in sessions")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("user",)
    __imported__ = False
    __offered__ = False

    user_id: Mapped[int] = col(Reference("user"), _("Account"), required=True, readonly=True)
    address: Mapped[str] = col(Text(60), _("IP address"), required=True, default="", readonly=True)
    agent: Mapped[str] = col(Text(200), _("Device"), required=True, default="", readonly=True, filter=False)
    began_at: Mapped[datetime] = col(Moment(), _("Logged in at"), required=True, default=now, readonly=True)
    used_at: Mapped[datetime] = col(Moment(), _("Last used"), required=True, default=now, readonly=True, index=True)
    ended_at: Mapped[datetime | None] = col(Moment(), _("Ended at"), readonly=True)
    ended: Mapped[SessionEnd | None] = col(Choice(SessionEnd), _("Why it ended"), readonly=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(32))
    stamp: Mapped[str] = mapped_column(String(32), default="")
    #: Whether nothing opens before a second factor is set up.
    factor_due: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship(foreign_keys=[user_id])


class TryCount(Base):
    """Tries of one kind by one party, such as failed log-ins from an address, until a moment. `key` is a keyed hash."""

    __tablename__ = "trycount"
    __label__ = _("Counted tries")
    __labels__ = _("Counted tries")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("id",)

    key: Mapped[str] = mapped_column(String(64), unique=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    until: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), index=True)


class SecondFactor(Base):
    """The second factor of an account: its encrypted secret, keyed hashes of recovery codes that are left, and the last
    step of 30 seconds whose code was used. `confirmed_at` is None until the first code was typed."""

    __tablename__ = "secondfactor"
    __label__ = _("Second factor")
    __labels__ = _("Second factors")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("id",)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), unique=True)
    secret: Mapped[str] = mapped_column(Encrypted())
    codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    used_step: Mapped[int] = mapped_column(Integer, default=0)
    confirmed_at: Mapped[datetime | None] = mapped_column()
