"""Commands of backups: one file, those of the schedule, and restoring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask

from bureau.settings import settings
from bureau.upkeep.web import backups
from bureau.upkeep.web.commands import MIGRATIONS, upgrade_database
from panel.errors import UserError
from panel.i18n import _
from panel.security.transactions import reading
from panel.store.backups import archive, copies, encryption, restoring
from panel.store.backups.errors import BackupError
from panel.store.backups.keeping import Entry
from panel.web.cli import fail
from panel.web.panel import Panel

key_option: Any = click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="The key file of encrypted backups."
)


@contextmanager
def _told() -> Iterator[None]:
    """End the command with the sentence of what went wrong."""
    try:
        yield
    except (BackupError, UserError) as problem:
        fail(problem.message)


def _note(panel: Panel, name: str) -> None:
    if not backups.note(panel, name):
        click.echo(_("The backup isn't in the export log: the database can't be written now."), err=True)


def _note_tools(panel: Panel) -> None:
    if problem := copies.tool_problem(panel.db.engine):
        click.echo(str(problem), err=True)


def install(app: Flask, panel: Panel) -> None:
    @app.cli.command("backup")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @key_option
    def backup(file: Path, key_file: Path | None) -> None:
        """Copy the whole database and every attachment into FILE, a ZIP archive, while the panel runs."""
        with _told():
            _note_tools(panel)
            size = archive.make(backups.place(panel, key_file), file)
        _note(panel, file.name)
        click.echo(_("Backed up to {file}, {size} KB.", file=file, size=max(1, size // 1024)))

    @app.cli.command("restore")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=False))
    @key_option
    @click.option("--unsealed", is_flag=True, help="Take an archive without a seal, or whose key is lost.")
    def restore(file: Path, key_file: Path | None, *, unsealed: bool) -> None:
        """Fill an empty database from a backup FILE and put its attachments back, after comparing all of it."""
        from panel import schema_state  # noqa: PLC0415 - loads Alembic

        with _told():
            known = schema_state.versions(MIGRATIONS)
            restoring.restore(backups.place(panel, key_file), file, known, unsealed=unsealed)
        upgrade_database(panel, keys=not unsealed)
        click.echo(_("Restored from {file}.", file=file))

    install_schedule(app, panel)


def install_schedule(app: Flask, panel: Panel) -> None:
    @app.cli.group("backups")
    def group() -> None:
        """The backups of the schedule: in BACKUP_FOLDER, with copies in BACKUP_SECOND."""

    @group.command("make")
    @click.option("--if-due", is_flag=True, help="Only if none was made since the hour of the schedule.")
    def make(*, if_due: bool) -> None:
        """Make a backup, verify it in a scratch folder, copy it to the second place, and delete old ones."""
        folder = backups.folder(panel)
        with reading(), panel.system_session() as session:
            kept, hour = backups.retention(session), int(settings.get(session, "backup_hour"))
        if if_due and not folder.due(hour):
            click.echo(_("Nothing was due."))
            return
        with _told():
            _note_tools(panel)
            entry = folder.make(kept)
        _note(panel, entry.name)
        _print(entry)
        if not entry.good:
            fail(entry.problem)
        if entry.second_problem:
            fail(entry.second_problem)

    @group.command("list")
    def list_() -> None:
        """Print the backups, the latest first."""
        for entry in backups.folder(panel).entries():
            _print(entry)

    @group.command()
    @click.argument("name", required=False)
    def verify(name: str | None) -> None:
        """Unpack the backup NAME, or the last one, into a scratch folder and compare all of it."""
        folder = backups.folder(panel)
        entries = folder.entries()
        if not entries:
            fail(_("There is no backup in {folder}.", folder=folder.path))
        with _told():
            entry = folder.verify(name or entries[0].name)
        _print(entry)
        if not entry.good:
            fail(entry.problem)

    @group.command("key")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    def key(file: Path) -> None:
        """Make a key FILE for encrypted backups; BACKUP_KEY_FILE names it. Keep a copy apart from the backups."""
        try:
            encryption.new_key(file)
        except OSError as error:
            fail(_("{file} can't be made: {error}", file=file, error=error.strerror or error))
        click.echo(_("Made {file}. Without it no encrypted backup can be read: keep a copy elsewhere.", file=file))

    _install_copy(group, panel)


def _install_copy(group: click.Group, panel: Panel) -> None:
    @group.command("copy")
    def copy() -> None:
        """Copy to the second place what it lacks, without waiting for the schedule."""
        folder = backups.folder(panel)
        if folder.second is None:
            fail(_("There is no second place. A backup on the same disk is lost with it: set BACKUP_SECOND."))
        if not folder.second.is_dir():
            fail(_("There is no folder {folder}.", folder=folder.second))
        with reading(), panel.system_session() as session:
            kept = backups.retention(session)
        with _told():
            lacking = folder.copy_lacking(kept)
        if lacking:
            fail(lacking[0].second_problem)
        click.echo(_("The second place has all backups."))


def _print(entry: Entry) -> None:
    states = {True: _("verified"), False: _("not good"), None: _("not verified")}
    second = _("copied to the second place") if entry.second else ""
    click.echo(f"{entry.name} {max(1, entry.size // 1024)} KB {states[entry.good]} {second}".rstrip())
