"""Backups of this installation: where they are, how long they are kept, when they are made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bureau.cases import attachments
from bureau.settings import settings
from panel.errors import UserError
from panel.exports import requests
from panel.exports.records import ExportFormat
from panel.security.policy import Actor
from panel.security.session import set_actor
from panel.store import disk
from panel.store.backups.archive import Place
from panel.store.backups.errors import BackupError
from panel.store.backups.keeping import Folder, Retention

if TYPE_CHECKING:
    from panel.web.panel import Panel


log = logging.getLogger(__name__)


def place(panel: Panel, key_file: Path | None = None) -> Place:
    """The installation of a panel. Needs an application context."""
    app = panel.app
    keys = panel.keys()
    return Place(
        panel.db.engine,
        attachments.store(app.instance_path),
        keys,
        Path(app.instance_path),
        key_file or app.config.get("BACKUP_KEY_FILE"),
    )


def folder(panel: Panel) -> Folder:
    """The folder of the backups, with its second place."""
    app: Flask = panel.app
    path = app.config.get("BACKUP_FOLDER") or Path(app.instance_path) / "backups"
    return Folder(place(panel), Path(path), app.config.get("BACKUP_SECOND"))


def retention(session: Session) -> Retention:
    """How many backups are kept, from the settings."""
    days, weeks, months = (int(settings.get(session, f"backup_{part}")) for part in ("days", "weeks", "months"))
    return Retention(days, weeks, months)


def note(panel: Panel, name: str) -> bool:
    """Add a backup to the export log; False if the database can't be written now: the backup is worth more."""
    try:
        with panel.system_session() as session:
            set_actor(session, Actor("command line", system=True))
            requests.note_file(session, name, table_name="backup", format=ExportFormat.of_file(name))
    except OperationalError as error:
        log.warning("the backup %s isn't in the export log: %s", name, error.orig)
        return False
    return True


def make_due(session: Session) -> Callable[[], None] | None:
    """Periodic: make a backup if the schedule asks for one, or copies that the second place lacks; the work itself is
    done after the transaction. Keeps the reserve of a full disk besides."""
    panel: Panel = current_app.extensions["panel"]
    disk.reserve(Path(panel.app.instance_path))
    backups = folder(panel)
    kept, is_due = retention(session), backups.due(int(settings.get(session, "backup_hour")))
    if not is_due and not backups.copies_due():
        return None

    def make() -> None:
        try:
            if is_due:
                note(panel, backups.make(kept).name)
            else:
                backups.copy_lacking(kept)
        except (BackupError, UserError) as problem:  # noted beside the backups, and shown to the administrator
            log.error("no backup was made or copied: %s", problem.message)

    return make
