"""Attachments of cases. A row refers to a file in the instance folder by its SHA-256."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, relationship

from panel.base import Record, Via
from panel.fields import col, rule
from panel.i18n import _
from panel.kinds import Choice, Code, Moment, Reference, Text, Whole
from schema import locks
from schema.cases import Case
from schema.words import AttachmentPhase


class Attachment(Record):
    """A picture or PDF of a case (附件). Its content never changes; a removed one keeps its row with the reason."""

    __tablename__ = "attachment"
    __label__ = _("Attachment")
    __labels__ = _("Attachments")
    __scope__ = Via("case_id")
    __display__ = ("file_name",)
    __order__ = "id"
    __imported__ = False
    __locked__ = (locks.OF_ENDED,)
    __table_args__ = (
        rule("size_positive", "size > 0", _("A file can't be empty.")),
        rule(
            "removed_with_reason",
            "(removed_at IS NULL) = (removed_reason IS NULL)",
            _("A file is taken off with a reason."),
        ),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True, readonly=True)
    phase: Mapped[AttachmentPhase] = col(Choice(AttachmentPhase), _("What it shows"), required=True, readonly=True)
    file_name: Mapped[str] = col(Text(120), _("File name"), required=True, readonly=True)
    media_type: Mapped[str] = col(Code(40), _("Type of file"), required=True, readonly=True)
    size: Mapped[int] = col(Whole(), _("Size (bytes)"), required=True, readonly=True)
    width: Mapped[int | None] = col(Whole(), _("Width"), readonly=True)
    height: Mapped[int | None] = col(Whole(), _("Height"), readonly=True)
    sha256: Mapped[str] = col(Code(64), _("SHA-256"), required=True, readonly=True, index=True)
    #: The name at that time, because readers of a case may not read accounts.
    added_by: Mapped[str] = col(Text(80), _("Added by"), required=True, readonly=True)
    removed_at: Mapped[datetime | None] = col(Moment(), _("Taken off at"), readonly=True)
    removed_by: Mapped[str | None] = col(Text(80), _("Taken off by"), readonly=True)
    removed_reason: Mapped[str | None] = col(Text(200), _("Why it was taken off"), readonly=True)

    case: Mapped[Case] = relationship()
