"""The tables of blocks and archives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy import Text as LongString
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from panel.base import Base, Path, Public
from panel.i18n import _
from panel.kinds import Data, now


class RowRange:
    """Mix-in: rows of one append-only table, from `first_id` to `last_id`. Nothing seals what tells of the sealing."""

    __scope__: ClassVar[Path] = Public()
    __append_only__: ClassVar[bool] = True
    __sealed__: ClassVar[bool] = False

    at: Mapped[datetime] = mapped_column(default=now)
    table_name: Mapped[str] = mapped_column(String(40))
    first_id: Mapped[int] = mapped_column(Integer)
    last_id: Mapped[int] = mapped_column(Integer)
    row_count: Mapped[int] = mapped_column(Integer)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - called with the class
        return (UniqueConstraint("table_name", "first_id"),)


class LogBlock(RowRange, Base):
    """A block of sealed rows: the rows of one table from `first_id` to `last_id`.

    `digest` covers the rows, in the columns that the table had then; `seal` covers the block and the seal of the block
    before, of whichever table. `marks` are four bytes of each row's hash, by which the first false row is named, and
    the ids where they aren't consecutive."""

    __tablename__ = "logblock"
    __label__ = _("Sealed block")
    __labels__ = _("Sealed blocks")
    __display__ = ("id",)

    columns: Mapped[str] = mapped_column(LongString)
    digest: Mapped[str] = mapped_column(String(64))
    marks: Mapped[dict[str, Any]] = mapped_column(Data().sql())
    #: Fingerprint of the key.
    key_name: Mapped[str] = mapped_column(String(16))
    #: Unique, so that two processes never continue from the same block.
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    seal: Mapped[str] = mapped_column(String(64), unique=True)


class LogArchive(RowRange, Base):
    """Rows of a log that left the database for a file: those from `first_id` to `last_id`. `seal` is an HMAC, so that
    nobody without the key lets rows go."""

    __tablename__ = "logarchive"
    __label__ = _("Archive of a log")
    __labels__ = _("Archives of logs")
    __display__ = ("file_name",)

    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(64))
