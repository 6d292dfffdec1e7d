"""The tables of the audit trail, and of the earlier values that it holds masked only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Base, Path, Public
from panel.fields import col
from panel.i18n import _
from panel.kinds import Choice, Choices, Code, Data, Moment, Text, Whole, now
from panel.kinds.encrypted import EncryptedData


class AuditAction(Choices):
    CREATE = "create", _("Created"), "good"
    EDIT = "edit", _("Changed"), "brand"
    DELETE = "delete", _("Deleted"), "bad"
    REVEAL = "reveal", _("Seen in clear"), "warn"
    EVENT = "event", _("Event"), ""


class AuditEntry(Base):
    """An action on a record. `changes` maps field names to [before, after] in the JSON form of their kinds; personal
    values are masked."""

    __tablename__ = "auditentry"
    __label__ = _("Audit entry")
    __labels__ = _("Audit trail")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
    __archivable__ = True
    __display__ = ("table_name", "record_id")
    __table_args__ = (Index("ix_auditentry_record", "table_name", "record_id", "id"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, search=True)
    action: Mapped[AuditAction] = col(Choice(AuditAction), _("Act"), required=True)
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    record_id: Mapped[int | None] = col(Whole(), _("Record no."))
    note: Mapped[str] = col(Text(300), _("Note"), required=True, default="", search=True)
    changes: Mapped[dict[str, Any]] = col(Data(), _("Changes"), required=True, default=dict, filter=False)
    actor_id: Mapped[int | None] = mapped_column(Integer)
    record_version: Mapped[int | None] = mapped_column(Integer)
    #: The record that the row belongs to, as "table:id": that which its scope follows.
    about: Mapped[str | None] = mapped_column(String(60), index=True)
    #: The act that the change is part of, such as a step; None for an edit by itself.
    cause: Mapped[str | None] = mapped_column(String(40))


class EarlierValues(Base):
    """What the audit trail doesn't keep of a change: personal values before and after it, or all values of a deleted
    record; see panel/security/earlier.py. No role reads the table."""

    __tablename__ = "earliervalues"
    __label__ = _("Earlier values")
    __labels__ = _("Earlier values")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("table_name", "record_id")
    __table_args__ = (
        Index("ix_earliervalues_record", "table_name", "record_id", "version"),
        Index("ix_earliervalues_deleted", "table_name", "deleted", "id"),
    )

    at: Mapped[datetime] = mapped_column(default=now, index=True)
    actor_name: Mapped[str] = mapped_column(String(80), default="")
    table_name: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int] = mapped_column(Integer)
    #: The version that the change led to, or that of the deleted record.
    version: Mapped[int] = mapped_column(Integer)
    deleted: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Shared by the records that one transaction deleted.
    act: Mapped[str] = mapped_column(String(20))
    #: Of a change: [before, after] by field name; of a deleted record: its values by attribute.
    kept: Mapped[dict[str, Any]] = mapped_column(EncryptedData())
