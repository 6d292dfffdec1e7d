"""The table of settings."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Path, Public, Record
from panel.fields import col
from panel.i18n import _
from panel.kinds import Text


class Setting(Record):
    """A value that the office sets on a page; the keys are declared in bureau/settings."""

    __tablename__ = "setting"
    __label__ = _("Setting")
    __labels__ = _("Settings")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("key",)

    key: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[str] = col(Text(500), _("Value"), required=True, default="")
