"""Commands on tables: a workbook in, a table or its template out. They take the path that the pages take."""

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
    #: Tables that no role imports (accounts, logs) aren't imported here either.
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
        "said",
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
        said: tuple[str, ...],
        sheet: str,
        errors: Path | None,
        as_json: bool,
        person: str | None,
    ) -> None:
        """Bring the rows of a workbook FILE into TABLE."""
        model = panel.tables[table]
        made: Plan | None = None
        batch, problem = None, None
        try:
            meanings = _meanings(model, panel.registry.rules_of(model), said)
            options = Options(
                create_missing, good_rows, skip_existing, sheet=sheet, meanings=meanings, clear=clear_empty
            )
            given = File(file.name, read_file(file))
            with acting(panel, person, write=not dry_run) as session:
                if not panel.policy.may(session.info["actor"], Permission.IMPORT, model):
                    raise UserError(AccessDenied().message)
                try:
                    made = batches.plan(session, model, given, options, panel.registry)
                except mapping.UnmappedError as unmapped:
                    _known_headers(meanings, [guess.label for guess in unmapped.guesses])
                    raise
                _known_headers(meanings, [label for labels in made.headers for label in labels])
                failed = made.count(Outcome.FAILED)
                if errors and failed:
                    _failed_rows(made, errors, file)
                if not dry_run and (good_rows or not failed):
                    batch = batches.run(session, made, given, panel.registry)
                else:
                    session.rollback()
        except UserError as unusable:
            problem = unusable.message
        except OperationalError as error:
            problem = _("The database can't be reached or is busy. Nothing was written.")
            log.exception("import", exc_info=error)
        report = _report(made, batch, problem)
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
        else:
            _say(report, problem)
        if problem or (report["failed"] and not good_rows):
            sys.exit(1)

    @app.cli.command("template")
    @table
    @click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
    def template(table: str, out: Path) -> None:
        """Write an empty workbook of TABLE to fill in."""
        with _writing(out), acting(panel, None) as session:
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
        """Write the rows of TABLE that the account reaches, personal data masked as on its screen."""
        with _writing(out), acting(panel, person) as session:
            order = _order(session, panel.tables[table], panel.registry, filters, columns)
            if as_csv:
                order = replace(order, format=ExportFormat.CSV)
            try:
                n = requests.to_file(session, requests.prepare(session, order, quick={}), out)
            except AccessDenied as refusal:
                raise UserError(refusal.message) from None
        click.echo(_("{n} rows written: {file}", n=n, file=out))


def _order(
    session: Any, model: Any, registry: Registry, filters: tuple[str, ...], names: str
) -> requests.ExportRequest:
    masked = policy_of(session).sees_masked(actor_of(session), model)

    def resolve_name(declared: Field, text: str) -> str:
        assert declared.target is not None
        finder = registry.finder_of(model_of(declared.target))
        finder.read(session, {text})
        found = finder.find(text)
        if isinstance(found, int):
            return str(found)
        raise UserError(found.message)

    arguments = requests.arguments_of(model, filters, masked=masked, resolve_name=resolve_name)
    wanted = tuple(name.strip() for name in names.replace("，", ",").split(",") if name.strip())
    return requests.ExportRequest(model, arguments, wanted)


def _meanings(model: Any, rules: Rules, said: tuple[str, ...]) -> dict[str, str] | None:
    """What `--map` tells of headers; None when nothing is told."""
    given = dict(one.rpartition("=")[::2] for one in said)
    if not all(given):
        raise UserError(_("Write what a column means as --map “header=field”."))
    try:
        return mapping.parse_meanings(model, rules, given) or None
    except KeyError as unknown:
        names = "、".join(name for name, _label in mapping.targets(model, rules))
        raise UserError(
            _("There is no column “{name}”. There are: {names}.", name=unknown.args[0], names=names)
        ) from None


def _known_headers(meanings: Mapping[str, str] | None, labels: Sequence[str]) -> None:
    """Raise UserError where a header was told that stands nowhere in the file: a slip must not go by in silence."""
    there = {spelling for label in labels for spelling in spellings(label)}
    for said in meanings or ():
        if normalize(said) not in there:
            names = "、".join(dict.fromkeys(label for label in labels if label))
            raise UserError(_("No header of the file is “{header}”. There are: {names}.", header=said, names=names))


def _failed_rows(made: Plan, out: Path, file: Path) -> None:
    if out.resolve() == file.resolve():
        raise UserError(_("The failed rows would overwrite the file itself. Give another name."))
    try:
        workbooks.write_failed_rows(made, out)
    except OSError:
        raise UserError(_("{file} can't be written.", file=out)) from None


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        fail(_("{file} can't be written.", file=out))
    except UserError as problem:
        fail(problem.message)


def _report(made: Plan | None, batch: int | None, problem: Message | None) -> dict[str, Any]:
    """What `--json` prints."""
    counts = made.counts() if made else {}
    errors = [
        {
            "sheet": row.sheet,
            "row": row.number,
            "column": error.column,
            "value": error.value,
            "message": str(error.message),
        }
        for row in (made.rows if made else [])
        for error in row.errors
    ]
    if problem is not None:
        errors.append({"sheet": "", "row": 0, "column": "", "value": "", "message": str(problem)})
    return {
        "batch": batch,
        "applied": batch is not None,
        "rows": len(made.rows) if made else 0,
        "new": counts.get(Outcome.NEW, 0),
        "updated": counts.get(Outcome.CHANGED, 0),
        "unchanged": counts.get(Outcome.UNCHANGED, 0) + counts.get(Outcome.SKIPPED, 0),
        "failed": counts.get(Outcome.FAILED, 0),
        "ignored_columns": made.ignored_columns if made else [],
        "skipped_sheets": made.skipped_sheets if made else [],
        "warnings": [str(warning) for warning in made.warnings] if made else [],
        "errors": errors,
    }


def _say(report: dict[str, Any], problem: Message | None) -> None:
    """One line of result; what failed goes to stderr."""
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
