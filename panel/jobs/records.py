"""The tables of jobs and of periodic work."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from panel.base import Base, Own, Path, Public
from panel.fields import col
from panel.i18n import _
from panel.kinds import Choice, Choices, Code, Data, Moment, Text, now


class PeriodicRun(Base):
    """The last time of a piece of periodic work. Processes lock the row to claim the work."""

    __tablename__ = "periodicrun"
    __label__ = _("Periodic work")
    __labels__ = _("Periodic work")
    __scope__: ClassVar[Path] = Public()
    __display__ = ("name",)

    name: Mapped[str] = mapped_column(String(60), unique=True)
    ran_at: Mapped[datetime | None] = mapped_column()


class JobState(Choices):
    QUEUED = "queued", _("Waiting"), ""
    RUNNING = "running", _("Running"), "brand"
    DONE = "done", _("Done"), "good"
    FAILED = "failed", _("Failed"), "bad"
    CANCELLED = "cancelled", _("Cancelled"), ""
    INTERRUPTED = "interrupted", _("Interrupted"), "warn"


class Job(Base):
    """A background job, visible to its owner alone. Its progress is a file in its folder, not a column, because on
    SQLite the job itself may hold the write lock."""

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
    #: When the owner first saw that it had ended.
    seen_at: Mapped[datetime | None] = mapped_column()
    owner_id: Mapped[int] = mapped_column(Integer)
    owner_name: Mapped[str] = mapped_column(String(80), default="")
    #: The installation (instance folder) that keeps its files and runs it: JobStore.server.
    server: Mapped[str] = mapped_column(String(32), default="")
    #: Last sign of life while it runs.
    beat_at: Mapped[datetime | None] = mapped_column()
    #: The language of its messages.
    locale: Mapped[str] = mapped_column(String(20), default="")
    #: Identifies a repeated request for the same work.
    mark: Mapped[str] = mapped_column(String(80), default="")
    #: Why it failed.
    message: Mapped[str] = mapped_column(String(1000), default="")
    params: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())
