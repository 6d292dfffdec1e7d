"""Templates that the office puts in place of a paper's own."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Public, Record
from panel.fields import col
from panel.i18n import _
from panel.kinds import Code, Text


class PaperTemplate(Record):
    """The office's own template of a paper; without one the paper's own is used."""

    __tablename__ = "papertemplate"
    __label__ = _("Template")
    __labels__ = _("Templates")
    __scope__ = Public()
    __display__ = ("paper",)

    paper: Mapped[str] = col(Code(40), _("Paper"), required=True, unique=True)
    actor_name: Mapped[str] = col(Text(80), _("Uploaded by"), required=True, default="")
    file_name: Mapped[str] = mapped_column(String(200))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
