"""The table of exports: who took which file."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Base, Path, Public
from panel.fields import col
from panel.i18n import _
from panel.kinds import Choice, Choices, Code, Flag, Moment, Text, Whole, now


class ExportFormat(Choices):
    XLSX = "xlsx", _("Excel workbook")
    CSV = "csv", _("CSV")
    #: A page that is made to be printed, such as the file of a case.
    PRINT = "print", _("Page to print")
    DOCX = "docx", _("Word document")
    PDF = "pdf", _("PDF")
    ZIP = "zip", _("ZIP archive")
    OTHER = "other", _("Other file")

    @classmethod
    def of_file(cls, name: str) -> ExportFormat:
        """The format that the ending of a file's name tells."""
        ending = name.rpartition(".")[2].lower()
        return cls.of(ending) if ending in {f.value for f in cls} else cls.OTHER


#: The formats that an export of a list offers.
FILE_FORMATS = (ExportFormat.XLSX, ExportFormat.CSV)


class ExportLog(Base):
    """A file that left the panel: who took which rows and columns of which table, masked or clear, and why. The filter
    stands in words, with personal values masked."""

    __tablename__ = "exportlog"
    __label__ = _("Export log entry")
    __labels__ = _("Export log")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
    __archivable__ = True
    __display__ = ("number",)

    number: Mapped[str] = col(Code(20), _("Export no."), required=True, unique=True, search=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, search=True)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    row_count: Mapped[int] = col(Whole(), _("Rows"), required=True, default=0)
    clear: Mapped[bool] = col(Flag(), _("In clear"), required=True, default=False)
    reason: Mapped[str | None] = col(Text(200), _("Reason"), search=True)
    filter: Mapped[str | None] = col(Text(1000, lines=2), _("Filter"), filter=False)
    columns: Mapped[str] = col(Text(2000, lines=2), _("Columns"), required=True, default="", listed=False, filter=False)
    format: Mapped[ExportFormat] = col(Choice(ExportFormat), _("Format"), required=True, default=ExportFormat.XLSX)
    file_name: Mapped[str] = col(Text(200), _("File"), required=True, default="", search=True, below="number")
    actor_id: Mapped[int | None] = mapped_column(Integer)
