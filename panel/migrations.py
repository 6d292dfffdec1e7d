"""Alembic's commands over a folder of migrations. They run inside an application context: env.py takes the engine of
the panel."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def configured(directory: str) -> Config:
    """The settings of the folder, for the functions of `alembic.command`."""
    config = Config(Path(directory) / "alembic.ini", stdout=sys.stdout)
    config.set_main_option("script_location", directory.replace("%", "%%"))
    return config


def upgrade(directory: str, revision: str = "head") -> None:
    """Run the migrations up to a revision that the database lacks."""
    command.upgrade(configured(directory), revision)


def write(directory: str, message: str | None = None, rev_id: str | None = None) -> None:
    """Write a migration from what the declared schema has and the database lacks."""
    command.revision(configured(directory), message, autogenerate=True, rev_id=rev_id)


def check(directory: str) -> None:
    """Raise CommandError where a migration would find anything to do."""
    command.check(configured(directory))
