"""The tables of notices and of messages to other systems."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Base, Own, Path, Public, Record
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Code, Data, Flag, Label, Moment, Text, Whole, now


class NoticeName(Label):
    """What a notice is about, by its stored name."""

    labels: ClassVar[dict[str, Message]] = {}


class Notice(Base):
    """What one account is told of: a kind and a record, worded when it is read, through the reader's own scope.
    `mark` names the occasion, of which an account is told once."""

    __tablename__ = "notice"
    __label__ = _("Notice")
    __labels__ = _("Notices")
    __scope__: ClassVar[Path] = Own("owner_id")
    __display__ = ("kind",)
    __table_args__ = (UniqueConstraint("owner_id", "mark"), Index("ix_notice_unread", "owner_id", "read_at", "id"))

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    kind: Mapped[str] = col(NoticeName(20), _("Kind"), required=True)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True, default="")
    record_id: Mapped[int | None] = col(Whole(), _("Record no."))
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, default="")
    mark: Mapped[str] = mapped_column(String(120))
    #: Counts, where it is about many records.
    numbers: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())
    read_at: Mapped[datetime | None] = mapped_column()
    owner_id: Mapped[int] = mapped_column(Integer)


class Webhook(Record):
    """Where other systems are told of what happens, and of what; one row. Off until somebody turns it on."""

    __tablename__ = "webhook"
    __label__ = _("Webhook")
    __labels__ = _("Webhook")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("url",)

    active: Mapped[bool] = col(Flag(), _("On"), required=True, default=False)
    url: Mapped[str | None] = col(Text(300), _("Address"))
    base: Mapped[str | None] = col(Text(200), _("Address of this panel"))
    kinds: Mapped[list[str]] = col(Data(), _("Sent for"), required=True, default=list)
    #: Signs what is sent; no field, so that neither page nor audit ever shows it.
    secret: Mapped[str] = mapped_column(String(200), default="")


class DeliveryState(Choices):
    WAITING = "waiting", _("Waiting"), ""
    SENT = "sent", _("Sent"), "good"
    GIVEN_UP = "given_up", _("Given up"), "bad"


class WebhookDelivery(Base):
    """A message to another system, written with what it tells of and sent later. `payload` holds numbers and states,
    no personal data."""

    __tablename__ = "webhookdelivery"
    __label__ = _("Webhook delivery")
    __labels__ = _("Webhook deliveries")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("id",)
    __table_args__ = (Index("ix_webhookdelivery_due", "state", "next_at"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now)
    kind: Mapped[str] = col(NoticeName(20), _("Kind"), required=True)
    state: Mapped[DeliveryState] = col(Choice(DeliveryState), _("State"), required=True, default=DeliveryState.WAITING)
    attempts: Mapped[int] = col(Whole(), _("Attempts"), required=True, default=0)
    ended_at: Mapped[datetime | None] = col(Moment(), _("Ended"))
    problem: Mapped[str | None] = col(Text(200), _("Problem"))
    mark: Mapped[str] = mapped_column(String(120), unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(Data().sql())
    next_at: Mapped[datetime] = mapped_column(default=now)
