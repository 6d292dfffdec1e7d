"""Periodic work that keeps the database small and quick: archives by setting, statistics, the file rewritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bureau.ledger import draft_archive
from bureau.settings import settings
from panel.imports import row_archive
from panel.kinds import ZONE, now
from panel.security.keys import keys_of
from panel.security.session import may_write
from panel.store import maintenance
from panel.store.sealed import archive, sealing
from panel.web.context import current_panel

#: Days of a month of keeping.
MONTH = 30.5
#: Hours (from, until) in which the file isn't rewritten on working days: nobody can write meanwhile.
OFFICE = (7, 20)


def folder() -> Path:
    """The folder of the archives."""
    return Path(current_app.instance_path) / "archive"


def months_ago(months: int) -> datetime:
    return now() - timedelta(days=months * MONTH)


def archive_logs(session: Session) -> Callable[[], object] | None:
    """Periodic: archive old logs, if a setting says so; after the transaction that claims the work."""
    months = settings.get(session, "log_keep_months")
    return (lambda: run_archive(months_ago(months))) if months else None


def run_archive(before: datetime) -> list[str]:
    """Seal what is there, and archive the logs from before a moment. Returns the names of the files."""
    engine: Engine = current_panel().db.engine
    sealing.seal(engine)
    return archive.archive(engine, folder(), before)


def archive_import_rows(session: Session) -> Callable[[], object] | None:
    """Periodic: archive the rows of old imports, if a setting says so."""
    months = settings.get(session, "import_rows_months")
    if not months:
        return None
    return lambda: row_archive.archive(current_panel().db.engine, folder(), months_ago(months))


def archive_drafts(session: Session) -> Callable[[], object] | None:
    """Periodic: archive old drafts of ledgers, if a setting says so."""
    months = settings.get(session, "draft_keep_months")
    return (lambda: run_archive_of_drafts(months_ago(months))) if months else None


def run_archive_of_drafts(before: datetime) -> str | None:
    """Archive the drafts of ledgers from before a moment. Returns the name of the file."""
    panel = current_panel()
    with may_write(), panel.system_session() as session:
        return draft_archive.archive(session, folder(), before, keys_of(panel.db.engine).log)


def optimize(_session: Session) -> Callable[[], object]:
    """Periodic: renew the statistics of the database."""
    return lambda: maintenance.optimize(current_panel().db.engine)


def rewrite(_session: Session) -> Callable[[], object] | None:
    """Periodic: rewrite the file of SQLite outside office hours, once a tenth of it is empty."""
    at = now().astimezone(ZONE)
    if at.weekday() < 5 and OFFICE[0] <= at.hour < OFFICE[1]:
        return None

    def run() -> None:
        engine: Engine = current_panel().db.engine
        if maintenance.is_loose(engine):
            maintenance.rewrite(engine)

    return run
