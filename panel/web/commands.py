"""The group of an application's commands. The module of a command is imported when the command is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

import click
from flask.cli import AppGroup

from panel.web.panel import Panel


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
            import_module(self._modules[cmd_name]).install(self._panel.app, self._panel)
        return super().get_command(ctx, cmd_name)
