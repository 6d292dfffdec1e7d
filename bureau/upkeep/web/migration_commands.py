"""`flask db …`: Alembic's commands on the panel's database, for developers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from flask import Flask

from bureau.upkeep.web.commands import MIGRATIONS
from panel import migrations
from panel.web.cli import fail
from panel.web.panel import Panel

message = click.option("-m", "--message", help="What the migration changes; names its file.")
rev_id = click.option("--rev-id", help="The number of the migration; made up if not given.")
verbose = click.option("-v", "--verbose", is_flag=True, help="Tell more of each migration.")


def install(app: Flask, _panel: Panel) -> None:
    @app.cli.group("db")
    def db() -> None:
        """Alembic's commands, for developers."""

    @db.command("migrate")
    @message
    @rev_id
    def migrate(message: str | None, rev_id: str | None) -> None:
        """Write a migration from what the declared schema has and the database lacks."""
        with _failing_with_message():
            migrations.write(MIGRATIONS, message, rev_id)

    @db.command("revision")
    @message
    @rev_id
    def revision(message: str | None, rev_id: str | None) -> None:
        """Write an empty migration."""
        with _failing_with_message():
            command.revision(_config(), message, rev_id=rev_id)

    @db.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade(revision: str) -> None:
        """Run the migrations that the database lacks."""
        with _failing_with_message():
            migrations.upgrade(MIGRATIONS, revision)

    @db.command("downgrade")
    @click.argument("revision", default="-1")
    def downgrade(revision: str) -> None:
        """Go back by one migration, or to REVISION."""
        with _failing_with_message():
            command.downgrade(_config(), revision)

    @db.command("stamp")
    @click.argument("revision", default="head")
    def stamp(revision: str) -> None:
        """Note REVISION in the database without running anything."""
        with _failing_with_message():
            command.stamp(_config(), revision)

    @db.command("check")
    def check() -> None:
        """Tell whether a migration is missing."""
        with _failing_with_message():
            migrations.check(MIGRATIONS)

    @db.command("current")
    @verbose
    def current(verbose: bool) -> None:
        """Show the revision of the database."""
        with _failing_with_message():
            command.current(_config(), verbose=verbose)

    @db.command("heads")
    @verbose
    def heads(verbose: bool) -> None:
        """Show the newest revision."""
        with _failing_with_message():
            command.heads(_config(), verbose=verbose)

    @db.command("history")
    @click.option("-r", "--rev-range", metavar="FROM:TO", help="Only these.")
    @verbose
    def history(rev_range: str | None, verbose: bool) -> None:
        """Show the migrations, the newest first."""
        with _failing_with_message():
            command.history(_config(), rev_range, verbose=verbose)

    @db.command("show")
    @click.argument("revision", default="head")
    def show(revision: str) -> None:
        """Show one migration."""
        with _failing_with_message():
            command.show(_config(), revision)


@contextmanager
def _failing_with_message() -> Iterator[None]:
    try:
        yield
    except (CommandError, RuntimeError) as problem:
        fail(problem)


def _config() -> Config:
    return migrations.configured(MIGRATIONS)
