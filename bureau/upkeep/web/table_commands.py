"""Commands of tables: template and export, by the same functions as the pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask

from panel.errors import UserError
from panel.exports import requests, workbooks
from panel.exports.records import ExportFormat
from panel.fields import Field
from panel.i18n import _
from panel.imports.rules import Registry, importable
from panel.security.policy import AccessDenied, Permission, model_of
from panel.security.session import actor_of, policy_of
from panel.web.cli import acting, fail
from panel.web.panel import Panel

log = logging.getLogger(__name__)


def table_argument(panel: Panel) -> Any:
    """The argument TABLE: only tables that some role may import; accounts and logs are none."""
    roles = panel.policy.roles.values()
    tables = sorted(
        name
        for name, model in panel.tables.items()
        if importable(model) and any(Permission.IMPORT in role.grants.get(model, ()) for role in roles)
    )
    return click.argument("table", type=click.Choice(tables))


def person_option() -> Any:
    return click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")


def install(app: Flask, panel: Panel) -> None:
    table = table_argument(panel)
    person = person_option()

    @app.cli.command("template")
    @table
    @click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
    def template(table: str, out: Path) -> None:
        """Write an empty workbook of TABLE to fill in."""
        with _failing_with_message(out), acting(panel, None) as session:
            workbooks.template(session, panel.tables[table], out, panel.registry)
        click.echo(_("Written: {file}", file=out))

    _install_export(app, panel, person)


def _install_export(app: Flask, panel: Panel, person: Any) -> None:
    @app.cli.command("export")
    @click.argument("table", type=click.Choice(sorted(panel.tables)))
    @click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--filter", "filters", metavar="FIELD=VALUE", multiple=True, help="Only rows that match; repeatable.")
    @click.option("--columns", default="", metavar="A,B,C", help="These columns, in this order.")
    @click.option("--csv", "as_csv", is_flag=True, help="Write CSV instead of a workbook.")
    @person
    def export(  # noqa: PLR0917 - one for each option
        table: str, out: Path, filters: tuple[str, ...], columns: str, as_csv: bool, person: str | None
    ) -> None:
        """Write the rows of TABLE in the scope of the account, with personal data masked as on screen."""
        with _failing_with_message(out), acting(panel, person) as session:
            export_request = _export_request(session, panel.tables[table], panel.registry, filters, columns)
            if as_csv:
                export_request = replace(export_request, format=ExportFormat.CSV)
            try:
                count = requests.to_file(session, requests.prepare(session, export_request, quick={}), out)
            except AccessDenied as error:
                raise UserError(error.message) from None
        click.echo(_("{n} rows written: {file}", n=count, file=out))


def _export_request(
    session: Any, model: Any, registry: Registry, filters: tuple[str, ...], names: str
) -> requests.ExportRequest:
    masked = policy_of(session).sees_masked(actor_of(session), model)

    def resolve_name(declared: Field, text: str) -> str:
        assert declared.target is not None
        finder = registry.finder_of(model_of(declared.target))
        finder.read(session, {text})
        match = finder.find(text)
        if isinstance(match, int):
            return str(match)
        raise UserError(match.message)

    arguments = requests.arguments_of(model, filters, masked=masked, resolve_name=resolve_name)
    column_names = tuple(name.strip() for name in names.replace("，", ",").split(",") if name.strip())
    return requests.ExportRequest(model, arguments, column_names)


@contextmanager
def _failing_with_message(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        fail(_("{file} can't be written.", file=out))
    except UserError as problem:
        fail(problem.message)
