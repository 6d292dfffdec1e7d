"""The engine's own tables, and the triggers that keep logs as they were written."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Connection, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Base, Own, Path, Public, Record, Via
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Code, Data, Flag, Label, Moment, Reference, Text, Whole, now


class OutcomeName(Label):
    """What became of an imported row, by its stored name."""

    labels: ClassVar[dict[str, Message]] = {}


class AuditAction(Choices):
    CREATE = "create", _("Created"), "good"
    EDIT = "edit", _("Changed"), "brand"
    DELETE = "delete", _("Deleted"), "bad"
    REVEAL = "reveal", _("Seen in clear"), "warn"
    EVENT = "event", _("Event"), ""


class AuditEntry(Base):
    """Who did what to which record. `changes` maps a field's name to [before, after] as its kind stores them;
    personal values stand there masked."""

    __tablename__ = "auditentry"
    __label__ = _("Audit entry")
    __labels__ = _("Audit trail")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
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


class Setting(Record):
    """A value that the office sets on screen; the bureau declares which there are."""

    __tablename__ = "setting"
    __label__ = _("Setting")
    __labels__ = _("Settings")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("key",)

    key: Mapped[str] = mapped_column(String(60), unique=True)
    value: Mapped[str] = col(Text(500), _("Value"), required=True, default="")


class PeriodicRun(Base):
    """When a piece of periodic work was last done; its row is what processes compete for."""

    __tablename__ = "periodicrun"
    __label__ = _("Periodic work")
    __labels__ = _("Periodic work")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("name",)

    name: Mapped[str] = mapped_column(String(60), unique=True)
    ran_at: Mapped[datetime | None] = mapped_column()


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
    values before of changed ones; both may hold personal data and go after a set number of days.

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
    cells: Mapped[list[Any] | None] = mapped_column(Data().sql())
    before: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())
    version: Mapped[int | None] = mapped_column(Integer)
    besides: Mapped[list[list[Any]] | None] = mapped_column(Data().sql())

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


class ExportFormat(Choices):
    XLSX = "xlsx", _("Excel workbook")
    CSV = "csv", _("CSV")


class ExportLog(Base):
    """A file that left the panel: who took which rows and columns of which table, masked or clear, and why. The filter
    stands in words, with personal values masked."""

    __tablename__ = "exportlog"
    __label__ = _("Export log entry")
    __labels__ = _("Export log")
    __scope__: ClassVar[Path] = Public()
    __append_only__ = True
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


class JobState(Choices):
    QUEUED = "queued", _("Waiting"), ""
    RUNNING = "running", _("Running"), "brand"
    DONE = "done", _("Done"), "good"
    FAILED = "failed", _("Failed"), "bad"
    CANCELLED = "cancelled", _("Cancelled"), ""
    INTERRUPTED = "interrupted", _("Interrupted"), "warn"


class Job(Base):
    """Long work done off the request, for its owner alone. How far it is stands in its folder, not here: while it
    writes, it may be the only one who can."""

    __tablename__ = "job"
    __label__ = _("Background task")
    __labels__ = _("Background tasks")
    __scope__: ClassVar[Path] = Own("owner_id")
    __display__ = ("title",)
    __table_args__ = (Index("ix_job_owner", "owner_id", "id"), Index("ix_job_state", "state"))

    kind: Mapped[str] = col(Code(40), _("Kind"), required=True)
    title: Mapped[str] = col(Text(200), _("Task"), required=True, default="")
    state: Mapped[JobState] = col(Choice(JobState), _("State"), required=True, default=JobState.QUEUED)
    created_at: Mapped[datetime] = col(Moment(), _("Asked for"), required=True, default=now)
    started_at: Mapped[datetime | None] = col(Moment(), _("Begun"))
    ended_at: Mapped[datetime | None] = col(Moment(), _("Ended"))
    #: When the owner has looked at how it ended.
    seen_at: Mapped[datetime | None] = mapped_column()
    owner_id: Mapped[int] = mapped_column(Integer)
    owner_name: Mapped[str] = mapped_column(String(80), default="")
    #: In which its sentences are worded.
    locale: Mapped[str] = mapped_column(String(20), default="")
    #: Tells the same work asked for twice.
    mark: Mapped[str] = mapped_column(String(80), default="")
    #: Why it failed, in words.
    message: Mapped[str] = mapped_column(String(1000), default="")
    params: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())


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


def create_append_only_triggers(connection: Connection) -> None:
    """Make the triggers that refuse to change or empty append-only tables. Idempotent; run after every migration,
    since a table rebuilt by a migration on SQLite loses them."""
    tables = [m.local_table.name for m in Base.registry.mappers if m.class_.__append_only__]  # type: ignore[attr-defined]
    if connection.dialect.name == "sqlite":
        for table in tables:
            for verb in ("UPDATE", "DELETE"):
                connection.execute(text(f'DROP TRIGGER IF EXISTS "keep_{table}_{verb.lower()}"'))
                connection.execute(
                    text(
                        f'CREATE TRIGGER "keep_{table}_{verb.lower()}" BEFORE {verb} ON "{table}" '
                        f"BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
                    )
                )
        return
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION keep_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END $$"
        )
    )
    for table in tables:
        connection.execute(text(f'DROP TRIGGER IF EXISTS "keep_{table}" ON "{table}"'))
        connection.execute(
            text(
                f'CREATE TRIGGER "keep_{table}" BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION keep_append_only()"
            )
        )
