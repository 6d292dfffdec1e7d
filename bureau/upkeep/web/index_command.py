"""The command that makes the text indexes anew."""

from __future__ import annotations

import click
from flask import Flask

from panel.i18n import _
from panel.search import text_index
from panel.security.session import may_write
from panel.web.panel import Panel


def install(app: Flask, panel: Panel) -> None:
    @app.cli.command("reindex")
    def reindex() -> None:
        """Make the text indexes anew, by which searches find words; `check` tells when that is needed."""
        with may_write(), panel.db.engine.begin() as connection:
            for model in text_index.indexed():
                number = text_index.rebuild(connection, model)
                click.echo(_("{table}: {n} records indexed.", table=model.__labels__, n=number))
