"""The tables of imports: files, their rows, what was taken back, and what headers mean."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Base, Path, Public, Via
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Code, Data, Label, Moment, Reference, Text, Whole, now
from panel.kinds.encrypted import EncryptedData


class OutcomeName(Label):
    """What became of an imported row, by its stored name."""

    labels: ClassVar[dict[str, Message]] = {}


class ImportBatch(Base):
    """A file that was imported: which, by whom, and what became of its rows."""

    __tablename__ = "importbatch"
    __label__ = _("Import batch")
    __labels__ = _("Import batches")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
    __display__ = ("id", "file_name")
    __table_args__ = (Index("ix_importbatch_file", "sha256", "table_name"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    file_name: Mapped[str] = col(Text(200), _("File"), required=True, search=True)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, search=True)
    row_count: Mapped[int] = col(Whole(), _("Rows"), required=True, default=0, filter=False)
    new_count: Mapped[int] = col(Whole(), _("New"), required=True, default=0, filter=False)
    changed_count: Mapped[int] = col(Whole(), _("Changed"), required=True, default=0, filter=False)
    unchanged_count: Mapped[int] = col(Whole(), _("Unchanged"), required=True, default=0, filter=False)
    failed_count: Mapped[int] = col(Whole(), _("Failed"), required=True, default=0, filter=False)
    sha256: Mapped[str] = col(Code(64), _("Fingerprint of the file"), required=True, listed=False, filter=False)
    actor_id: Mapped[int | None] = mapped_column(Integer)
    #: The headers of each sheet, as they stand in the file.
    labels: Mapped[dict[str, list[str]]] = mapped_column(Data().sql(), default=dict)

    undo: Mapped[ImportUndo | None] = relationship(
        back_populates="batch", lazy="joined", innerjoin=False, uselist=False, viewonly=True
    )


class ImportRow(Base):
    """A row of an imported file: what became of it, where it went, what it replaced. Cells are kept of failed rows,
    values before of changed ones; both may hold personal data are stored encrypted and go after a set
    number of days.

    `version` is the one that its record was written in: 1 of a new record, None where the record itself was left.
    `besides` are other records that were written with the row: table, id, version, values before (None of a new one),
    and whether it stands alone, as one does that was made for more than one row."""

    __tablename__ = "importrow"
    __label__ = _("Imported row")
    __labels__ = _("Imported rows")
    __scope__: ClassVar[Path] = Via("batch_id")
    __display__ = ("number",)
    __order__ = "id"

    batch_id: Mapped[int] = col(Reference("importbatch"), _("Import batch"), required=True, listed=False)
    number: Mapped[int] = col(Whole(), _("Row in the file"), required=True)
    sheet: Mapped[str] = col(Text(80), _("Sheet"), required=True, default="", below="number")
    outcome: Mapped[str] = col(OutcomeName(20), _("What became of it"), required=True)
    record_id: Mapped[int | None] = col(Whole(), _("Record no."))
    reason: Mapped[str | None] = col(Text(1000, lines=2), _("Reason"))
    cells: Mapped[list[Any] | None] = mapped_column(EncryptedData())
    before: Mapped[dict[str, Any] | None] = mapped_column(EncryptedData())
    version: Mapped[int | None] = mapped_column(Integer)
    besides: Mapped[list[list[Any]] | None] = mapped_column(EncryptedData())

    batch: Mapped[ImportBatch] = relationship()


class HeaderMap(Base):
    """Which column of a table each header of a file means, as somebody said by hand: remembered for files with the same
    headers. `fingerprint` is that of the headers in their order; `meanings` maps a header to a field's name, or to
    nothing where the column is left out."""

    __tablename__ = "headermap"
    __label__ = _("Header mapping")
    __labels__ = _("Header mappings")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("table_name",)
    __table_args__ = (UniqueConstraint("table_name", "fingerprint"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    fingerprint: Mapped[str] = col(Code(64), _("Fingerprint of the file"), required=True, listed=False, filter=False)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True)
    meanings: Mapped[dict[str, str]] = mapped_column(Data().sql(), default=dict)


class WordMap(Base):
    """What a word in a column of a table means, as somebody answered: remembered for later files. `meaning` is the text
    to read in place of the word, empty to leave the cell empty."""

    __tablename__ = "wordmap"
    __label__ = _("Word mapping")
    __labels__ = _("Word mappings")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("word",)
    __table_args__ = (UniqueConstraint("table_name", "column_name", "word"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    column_name: Mapped[str] = col(Code(40), _("Column"), required=True)
    word: Mapped[str] = col(Text(40), _("Word"), required=True)
    meaning: Mapped[str] = col(Text(200), _("Meaning"), required=True, default="")
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True)


class ImportUndo(Base):
    """That an import was taken back: by whom, how many of its rows, and which ones were left, with the reason."""

    __tablename__ = "importundo"
    __label__ = _("Import taken back")
    __labels__ = _("Imports taken back")
    __scope__: ClassVar[Path] = Via("batch_id")
    __append_only__ = True
    __display__ = ("at",)

    batch_id: Mapped[int] = col(Reference("importbatch"), _("Import batch"), required=True, unique=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True)
    row_count: Mapped[int] = col(Whole(), _("Rows taken back"), required=True, default=0)
    left_count: Mapped[int] = col(Whole(), _("Rows left"), required=True, default=0)
    #: Table, record, its version before the import and the one in which it was put back: the same values.
    restored: Mapped[list[list[Any]]] = mapped_column(Data().sql(), default=list)
    #: Sheet, row, table, record and reason of each row that was left.
    stayed: Mapped[list[list[Any]]] = mapped_column(Data().sql(), default=list)
    actor_id: Mapped[int | None] = mapped_column(Integer)

    batch: Mapped[ImportBatch] = relationship(back_populates="undo")
