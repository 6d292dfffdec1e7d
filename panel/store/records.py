"""The tables of settings and of receipts of forms."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Base, Own, Path, Public, Record
from panel.fields import col
from panel.i18n import _
from panel.kinds import Text, now


class Setting(Record):
    """A value that the office sets on a page; the keys are declared in bureau/settings."""

    __tablename__ = "setting"
    __label__ = _("Setting")
    __labels__ = _("Settings")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("key",)

    key: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[str] = col(Text(500), _("Value"), required=True, default="")


class FormReceipt(Base):
    """The receipt of a submitted form, by its token: the record that it made, and the address that it was answered
    with. `digest` is a keyed hash of what was typed."""

    __tablename__ = "formreceipt"
    __label__ = _("Receipt of a form")
    __labels__ = _("Receipts of forms")
    __scope__: ClassVar[Path] = Own("owner_id")
    __display__ = ("id",)
    __table_args__ = (UniqueConstraint("owner_id", "token"),)

    at: Mapped[datetime] = mapped_column(default=now, index=True)
    owner_id: Mapped[int] = mapped_column(Integer)
    token: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    table_name: Mapped[str] = mapped_column(String(40), default="")
    record_id: Mapped[int | None] = mapped_column(Integer)
    #: "" if the answer was no redirect, None until it is given.
    location: Mapped[str | None] = mapped_column(String(500))
