"""Commands of tables: import, template, export, by the same functions as the pages."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from panel.errors import UserError
from panel.exports import requests, workbooks
from panel.exports.records import ExportFormat
from panel.fields import Field
from panel.i18n import Message, _
from panel.imports import batches, mapping
from panel.imports.batches import File
from panel.imports.headers import normalize, spellings
from panel.imports.plans import Options, Outcome, Plan
from panel.imports.rules import Registry, Rules, importable
from panel.security.policy import AccessDenied, Permission, model_of
from panel.security.session import actor_of, policy_of
from panel.web.cli import acting, fail, read_file
from panel.web.panel import Panel

log = logging.getLogger(__name__)


def install(app: Flask, panel: Panel) -> None:
    roles = panel.policy.roles.values()
    #: Only tables that some role may import; accounts and logs are none.
    tables = sorted(
        name
        for name, model in panel.tables.items()
        if importable(model) and any(Permission.IMPORT in role.grants.get(model, ()) for role in roles)
    )
    table = click.argument("table", type=click.Choice(tables))
    person = click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")

    @app.cli.command("import")
    @table
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--dry-run", is_flag=True, help="Only say what would happen.")
    @click.option("--create-missing", is_flag=True, help="Add streets, squads and departments that are not there yet.")
    @click.option("--good-rows", is_flag=True, help="Write the good rows even if others fail.")
    @click.option("--skip-existing", is_flag=True, help="Leave records that exist as they are.")
    @click.option("--clear-empty", is_flag=True, help="An empty cell clears what is stored.")
    @click.option(
        "--map",
        "mapped",
        metavar="HEADER=FIELD",
        multiple=True,
        help="What a header means; repeatable.",
    )
    @click.option("--sheet", default="", metavar="NAME", help="Read only the sheet with this name.")
    @click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Write the failed rows here.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
    @person
    def import_(  # noqa: PLR0917 - one for each option
        table: str,
        file: Path,
        dry_run: bool,
        create_missing: bool,
        good_rows: bool,
        skip_existing: bool,
        clear_empty: bool,
        mapped: tuple[str, ...],
        sheet: str,
        errors: Path | None,
        as_json: bool,
        person: str | None,
    ) -> None:
        """Import the rows of a workbook FILE into TABLE."""
        model = panel.tables[table]
        import_plan: Plan | None = None
        batch, problem = None, None
        try:
            meanings = _meanings(model, panel.registry.rules_of(model), mapped)
            options = Options(
                create_missing, good_rows, skip_existing, sheet=sheet, meanings=meanings, clear=clear_empty
            )
            upload = File(file.name, read_file(file))
            with acting(panel, person, write=not dry_run) as session:
                if not panel.policy.may(session.info["actor"], Permission.IMPORT, model):
                    raise UserError(AccessDenied().message)
                try:
                    import_plan = batches.plan(session, model, upload, options, panel.registry)
                except mapping.UnmappedError as error:
                    _check_headers(meanings, [guess.label for guess in error.guesses])
                    raise
                _check_headers(meanings, [label for labels in import_plan.headers for label in labels])
                failed = import_plan.count(Outcome.FAILED)
                if errors and failed:
                    _failed_rows(import_plan, errors, file)
                if not dry_run and (good_rows or not failed):
                    batch = batches.run(session, import_plan, upload, panel.registry)
                else:
                    session.rollback()
        except UserError as error:
            problem = error.message
        except OperationalError as error:
            problem = _("The database can't be reached or is busy. Nothing was written.")
            log.exception("import", exc_info=error)
        report = _report(import_plan, batch, problem)
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
        else:
            _print_report(report, problem)
        if problem or (report["failed"] and not good_rows):
            sys.exit(1)

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


def _meanings(model: Any, rules: Rules, mapped: tuple[str, ...]) -> dict[str, str] | None:
    """The columns by header from `--map`; None without any. Raises UserError for bad syntax or an unknown column."""
    texts = dict(text.rpartition("=")[::2] for text in mapped)
    if not all(texts):
        raise UserError(_("Write what a column means as --map “header=field”."))
    try:
        return mapping.parse_meanings(model, rules, texts) or None
    except KeyError as error:
        names = "、".join(name for name, _label in mapping.targets(model, rules))
        raise UserError(
            _("There is no column “{name}”. There are: {names}.", name=error.args[0], names=names)
        ) from None


def _check_headers(meanings: Mapping[str, str] | None, labels: Sequence[str]) -> None:
    """Raise UserError for a header in `--map` that isn't in the file, such as a misspelt one."""
    known = {spelling for label in labels for spelling in spellings(label)}
    for header in meanings or ():
        if normalize(header) not in known:
            names = "、".join(dict.fromkeys(label for label in labels if label))
            raise UserError(_("No header of the file is “{header}”. There are: {names}.", header=header, names=names))


def _failed_rows(plan: Plan, out: Path, file: Path) -> None:
    if out.resolve() == file.resolve():
        raise UserError(_("The failed rows would overwrite the file itself. Give another name."))
    try:
        workbooks.write_failed_rows(plan, out)
    except OSError:
        raise UserError(_("{file} can't be written.", file=out)) from None


@contextmanager
def _failing_with_message(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        fail(_("{file} can't be written.", file=out))
    except UserError as problem:
        fail(problem.message)


def _report(plan: Plan | None, batch: int | None, problem: Message | None) -> dict[str, Any]:
    """The report that `--json` prints."""
    counts = plan.counts() if plan else {}
    errors = [
        {
            "sheet": row.sheet,
            "row": row.number,
            "column": error.column,
            "value": error.value,
            "message": str(error.message),
        }
        for row in (plan.rows if plan else [])
        for error in row.errors
    ]
    if problem is not None:
        errors.append({"sheet": "", "row": 0, "column": "", "value": "", "message": str(problem)})
    return {
        "batch": batch,
        "applied": batch is not None,
        "rows": len(plan.rows) if plan else 0,
        "new": counts.get(Outcome.NEW, 0),
        "updated": counts.get(Outcome.CHANGED, 0),
        "unchanged": counts.get(Outcome.UNCHANGED, 0) + counts.get(Outcome.SKIPPED, 0),
        "failed": counts.get(Outcome.FAILED, 0),
        "ignored_columns": plan.ignored_columns if plan else [],
        "skipped_sheets": plan.skipped_sheets if plan else [],
        "warnings": [str(warning) for warning in plan.warnings] if plan else [],
        "errors": errors,
    }


def _print_report(report: dict[str, Any], problem: Message | None) -> None:
    """Print the result as one line; errors and warnings go to stderr."""
    for error in report["errors"]:
        if error["row"]:
            place = _("Sheet {sheet}, row {row}", sheet=error["sheet"], row=error["row"])
            parts = (place, error["column"], error["value"], error["message"])
            click.echo(" · ".join(str(part) for part in parts if part), err=True)
    if skipped := report["skipped_sheets"]:
        click.echo(_("Sheets not read: {names}", names="、".join(skipped)), err=True)
    if ignored := report["ignored_columns"]:
        click.echo(_("Columns not imported: {names}", names="、".join(ignored)), err=True)
    for warning in report["warnings"]:
        click.echo(warning, err=True)
    if problem is not None:
        fail(problem)
    numbers = {k: report[k] for k in ("rows", "new", "updated", "unchanged", "failed")}
    words = _("{rows} rows: {new} new, {updated} changed, {unchanged} unchanged, {failed} failed.", **numbers)
    written = _("Written as batch {number}.", number=report["batch"])
    ending = written if report["applied"] else _("Nothing was written.")
    click.echo(f"{words} {ending}")
