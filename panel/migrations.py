"""Alembic commands for a folder of migrations. They need an application context: env.py uses the panel's engine."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def configured(directory: str) -> Config:
    """Alembic's configuration for the folder."""
    config = Config(Path(directory) / "alembic.ini", stdout=sys.stdout)
    config.set_main_option("script_location", directory.replace("%", "%%"))
    return config


def upgrade(directory: str, revision: str = "head") -> None:
    """Run the missing migrations up to a revision."""
    command.upgrade(configured(directory), revision)


def write(directory: str, message: str | None = None, rev_id: str | None = None) -> None:
    """Write a migration from the differences between the declared schema and the database."""
    command.revision(configured(directory), message, autogenerate=True, rev_id=rev_id)


def check(directory: str) -> None:
    """Raise CommandError if the declared schema and the database differ."""
    command.check(configured(directory))
