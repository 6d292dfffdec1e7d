"""Monthly ledgers, and the counters of case and mediation numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Anchor, Base, Public, Record, Via
from panel.fields import col
from panel.i18n import _
from panel.kinds import Choice, Code, Data, Moment, Reference, Text, Whole, now
from schema.places import Squad
from schema.words import Basis


class Ledger(Base):
    """A monthly ledger (月度台账) handed up, with its workbook; append-only. Of one squad, or of the whole bureau."""

    __tablename__ = "ledger"
    __label__ = _("Monthly ledger")
    __labels__ = _("Monthly ledgers")
    __scope__ = Anchor()
    __append_only__ = True
    __display__ = ("month", "basis")
    __order__ = "-month"
    __table_args__ = (
        UniqueConstraint("month", "basis", "squad_id"),
        Index(
            "uq_ledger_whole",
            "month",
            "basis",
            unique=True,
            sqlite_where=text("squad_id IS NULL"),
            postgresql_where=text("squad_id IS NULL"),
            info={"message": _("This ledger has been handed up already.")},
        ),
    )

    month: Mapped[str] = col(Code(7), _("Month"), required=True)
    basis: Mapped[Basis] = col(Choice(Basis), _("Basis"), required=True)
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"))
    closed_at: Mapped[datetime] = col(Moment(), _("Handed up at"), required=True, default=now)
    actor_name: Mapped[str] = col(Text(80), _("Handed up by"), required=True, default="")
    actor_id: Mapped[int | None] = mapped_column()
    figures: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    squad: Mapped[Squad | None] = relationship()


class LedgerDraft(Record):
    """The draft of a monthly ledger of the whole bureau; deleted when the ledger is handed up."""

    __tablename__ = "ledgerdraft"
    __label__ = _("Ledger to check")
    __labels__ = _("Ledgers to check")
    __scope__ = Public()
    __display__ = ("month", "basis")
    __order__ = "-month"
    __table_args__ = (UniqueConstraint("month", "basis"),)

    month: Mapped[str] = col(Code(7), _("Month"), required=True)
    basis: Mapped[Basis] = col(Choice(Basis), _("Basis"), required=True)
    made_at: Mapped[datetime] = col(Moment(), _("Drawn up at"), required=True, default=now)
    rows: Mapped[int] = col(Whole(), _("Cases"), required=True, default=0)
    #: Digest of the content, to see whether the draft is still up to date.
    digest: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(String(200))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class LedgerLine(Base):
    """A line of a ledger handed up: the printed cells of a case, or a correction of an earlier ledger."""

    __tablename__ = "ledgerline"
    __label__ = _("Ledger line")
    __labels__ = _("Ledger lines")
    __scope__ = Via("ledger_id")
    __append_only__ = True
    __display__ = ("position",)
    __order__ = "id"
    __table_args__ = (UniqueConstraint("ledger_id", "correction", "position"),)

    ledger_id: Mapped[int] = col(Reference("ledger"), _("Monthly ledger"), required=True)
    position: Mapped[int] = mapped_column()
    correction: Mapped[bool] = mapped_column(default=False)
    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    cells: Mapped[list[Any]] = mapped_column(Data().sql(), default=list)

    ledger: Mapped[Ledger] = relationship()


class Counter(Base):
    """The last number used for a prefix and year; raised in the transaction that uses the number."""

    __tablename__ = "counter"
    __label__ = _("Counter")
    __labels__ = _("Counters")
    __scope__ = Public()
    __display__ = ("prefix", "year")
    __table_args__ = (UniqueConstraint("prefix", "year"),)

    prefix: Mapped[str] = mapped_column(String(20))
    year: Mapped[int] = mapped_column()
    last: Mapped[int] = mapped_column(default=0)
