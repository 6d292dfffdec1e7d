"""The group of an application's commands. The module of a command is imported when the command is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DatabaseError

from panel.i18n import Message
from panel.security.transactions import reading
from panel.store import fingerprints
from panel.store.backups.errors import BROKEN
from panel.store.db_errors import is_broken
from panel.web.cli import fail
from panel.web.panel import Panel

#: Commands that make the database or its keys fit, and look at the keys themselves.
_WITHOUT_KEYS = frozenset({"db", "keys", "restore", "setup"})


def key_problem(panel: Panel) -> Message | None:
    """Why the keys aren't those of the database, or None."""
    with reading(), panel.db.engine.connect() as connection:
        return fingerprints.problem(connection, panel.keys(), panel.app.instance_path)


class Commands(AppGroup):
    """`modules` maps the name of a module to its commands. Its `install(app, panel)` adds them to the application."""

    def __init__(self, panel: Panel, modules: Mapping[str, Sequence[str]]) -> None:
        super().__init__(panel.app.name)
        self._panel = panel
        self._modules = {name: module for module, names in modules.items() for name in names}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self._modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._modules and cmd_name not in self.commands:
            before = set(self.commands)
            import_module(self._modules[cmd_name]).install(self._panel.app, self._panel)
            for name in self.commands.keys() - before - _WITHOUT_KEYS:
                self._require_keys(self.commands[name])
        return super().get_command(ctx, cmd_name)

    def _require_keys(self, command: click.Command) -> None:
        """Let a command be refused if the keys aren't those of the database: what it hashes would match nothing. A
        database with broken pages is told in a sentence."""
        invoke = command.invoke

        def checked(ctx: click.Context) -> Any:
            try:
                with self._panel.app.app_context():
                    if problem := key_problem(self._panel):
                        fail(problem)
                return invoke(ctx)
            except DatabaseError as error:
                if not is_broken(error):
                    raise
                fail(BROKEN)

        command.invoke = checked  # type: ignore[method-assign]
