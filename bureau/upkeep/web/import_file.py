"""The command `import`, by the same functions as the pages."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bureau.upkeep.web import import_report
from bureau.upkeep.web.table_commands import person_option, table_argument
from panel.errors import UserError
from panel.exports import workbooks
from panel.i18n import _, listed
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.layout import mapping
from panel.imports.layout.headers import Header
from panel.imports.layout.labels import normalize, spellings
from panel.imports.plans import Options, Outcome, Plan
from panel.imports.questions import ALL_ROWS, Question, letter_index
from panel.imports.rules import Rules
from panel.jobs.rehearsal import write_shortly
from panel.security.policy import AccessDenied, Permission
from panel.store.db_errors import counting
from panel.web.cli import acting, begin_writing, read_file
from panel.web.panel import Panel

log = logging.getLogger(__name__)

#: Exit status if a question is open, so that nothing was written.
ASKED = 2

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--dry-run", is_flag=True, help="Only say what would happen."),
    click.option("--create-missing", is_flag=True, help="Add streets, squads and departments that are not there yet."),
    click.option("--good-rows", is_flag=True, help="Write the good rows even if others fail."),
    click.option("--skip-existing", is_flag=True, help="Leave records that exist as they are."),
    click.option("--clear-empty", is_flag=True, help="An empty cell clears what is stored."),
    click.option(
        "--map",
        "mapped",
        metavar="COLUMN=FIELD",
        multiple=True,
        help="What a column means, by its letter or header; nothing after “=” leaves it out. Repeatable.",
    ),
    click.option(
        "--value",
        "said",
        metavar="FIELD:WORD=VALUE",
        multiple=True,
        help="What a word in a column means; repeatable.",
    ),
    click.option(
        "--confirm",
        metavar="ROW,ROW",
        default="",
        help="Rows that are meant as they stand or are no footers; “all”: all that is asked about.",
    ),
    click.option("--header-row", type=click.IntRange(1), metavar="ROW", help="The row of the header."),
    click.option("--sheet", default="", metavar="NAME", help="Read only the sheet with this name."),
    click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Write the failed rows here."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."),
)


def install(app: Flask, panel: Panel) -> None:
    @app.cli.command("import")
    @table_argument(panel)
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @_with_options
    @person_option()
    def import_(table: str, file: Path, person: str | None, as_json: bool, **given: Any) -> None:
        """Import the rows of a workbook FILE into TABLE. Ends with status 2 if something in the file is in doubt."""
        model = panel.tables[table]
        import_plan: Plan | None = None
        batch, problem = None, None
        questions: Sequence[Question] = ()
        try:
            options = _options(model, panel.registry.rules_of(model), given)
            upload = File(file.name, read_file(file))
            with acting(panel, person) as session:
                if not panel.policy.may(session.info["actor"], Permission.IMPORT, model):
                    raise UserError(AccessDenied().message)

                def work(writer: Session) -> None:
                    nonlocal import_plan, batch, questions
                    try:
                        import_plan = batches.plan(writer, model, upload, options, panel.registry)
                    except mapping.UnmappedError as error:
                        _check_columns(options, error.headers)
                        questions = error.questions
                        raise
                    _check_columns(options, [part.header for part in import_plan.parts])
                    questions = import_plan.questions
                    failed = import_plan.count(Outcome.FAILED)
                    if given["errors"] and failed:
                        _write_failed_rows(import_plan, given["errors"], file)
                    if not given["dry_run"] and not questions and (options.good_rows or not failed):
                        batch = batches.run(writer, import_plan, upload, panel.registry, commit=False)

                if given["dry_run"]:
                    work(session)
                    session.rollback()
                else:
                    with counting(session):
                        write_shortly(session, Path(app.instance_path), work, lambda: begin_writing(session))
        except UserError as error:
            problem = error.message
        except OperationalError as error:
            problem = _("The database can't be reached or is busy. Nothing was written.")
            log.exception("import", exc_info=error)
        report = import_report.build(import_plan, batch, problem, questions)
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
        else:
            import_report.echo(report, problem)
        if questions:
            sys.exit(ASKED)
        if problem or (report["failed"] and not given["good_rows"]):
            sys.exit(1)


def _with_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _options(model: Any, rules: Rules, given: Mapping[str, Any]) -> Options:
    """The options of the import. Raises UserError for bad syntax or an unknown column."""
    rows = frozenset(filter(None, (row.strip() for row in given["confirm"].replace("，", ",").split(","))))
    return Options(
        create_missing=given["create_missing"],
        good_rows=given["good_rows"],
        skip_existing=given["skip_existing"],
        clear=given["clear_empty"],
        sheet=given["sheet"],
        columns=_columns(model, rules, given["mapped"]),
        replace=_words(model, rules, given["said"]),
        confirmed=rows,
        # A row that reads like a footer is only taken in by its own number.
        taken=rows - {ALL_ROWS},
        header_row=given["header_row"],
    )


def _columns(model: Any, rules: Rules, mapped: Sequence[str]) -> dict[str, str]:
    """The columns of the table by letter or header, from `--map`."""
    texts = dict(text.rpartition("=")[::2] for text in mapped)
    if not all(texts):
        raise UserError(_("Write what a column means as --map “header=field”."))
    return {text: _field_name(model, rules, field) if field else "" for text, field in texts.items()}


def _words(model: Any, rules: Rules, said: Sequence[str]) -> dict[str, dict[str, str]]:
    """The texts to read in place of words from `--value`, by column name."""
    replace: dict[str, dict[str, str]] = {}
    for text in said:
        place, equals, value = text.rpartition("=")
        field, colon, word = place.partition(":")
        if not (equals and colon and word.strip()):
            raise UserError(_("Write what a word means as --value “field:word=value”."))
        replace.setdefault(_field_name(model, rules, field), {})[word.strip()] = value.strip()
    return replace


def _field_name(model: Any, rules: Rules, text: str) -> str:
    try:
        return mapping.parse_meanings(model, rules, {"": text})[""]
    except KeyError as error:
        names = listed(name for name, _label in mapping.targets(model, rules))
        raise UserError(
            _("There is no column “{name}”. There are: {names}.", name=error.args[0], names=names)
        ) from None


def _check_columns(options: Options, headers: Sequence[Header]) -> None:
    """Raise UserError for a header or letter in `--map` that isn't in the file, such as a misspelt one."""
    labels = [label for header in headers for label in header.labels]
    known = {spelling for label in labels for spelling in spellings(label)}
    for key in options.columns:
        sheet, index = key.rpartition("!")[0], letter_index(key)
        places = (header for header in headers if sheet in ("", header.sheet))
        there = index is not None and any(index < len(header.labels) for header in places)
        if normalize(key) not in known and not there:
            names = listed(dict.fromkeys(label for label in labels if label))
            raise UserError(_("No header of the file is “{header}”. There are: {names}.", header=key, names=names))


def _write_failed_rows(plan: Plan, out: Path, file: Path) -> None:
    if out.resolve() == file.resolve():
        raise UserError(_("The failed rows would overwrite the file itself. Give another name."))
    try:
        workbooks.write_failed_rows(plan, out)
    except OSError:
        raise UserError(_("{file} can't be written.", file=out)) from None
