"""Commands of imports: list, undo, comparison of a roster, by the same functions as the pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bureau.people import roster_diff
from bureau.people.roster_diff import RosterDiff
from panel import ids
from panel.errors import UserError
from panel.i18n import Message, _, clauses, listed, n_
from panel.imports.batches import File, error_text
from panel.imports.plans import PlanRow
from panel.imports.records import ImportBatch
from panel.imports.undo import import_undo
from panel.imports.undo.undo_plan import UndoPlan, Unit
from panel.jobs.rehearsal import write_shortly
from panel.kinds import ZONE
from panel.security.policy import AccessDenied, Permission
from panel.web.cli import acting, begin_writing, fail, read_file
from panel.web.panel import Panel

log = logging.getLogger(__name__)

COUNTS = {"rows": "row_count", "new": "new_count", "updated": "changed_count"}
COUNTS |= {"unchanged": "unchanged_count", "failed": "failed_count"}


person_option = click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def install(app: Flask, panel: Panel) -> None:
    _install_batches(app, panel)

    @app.cli.command("compare")
    @click.argument("table", type=click.Choice(["liaison"]))
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--street", metavar="NAME", help="Only this street; without it, all.")
    @json_option
    @person_option
    def compare(table: str, file: Path, street: str | None, as_json: bool, person: str | None) -> None:
        """Compare the roster FILE with the liaisons in office: who joined, left or changed. Writes nothing."""
        with _failing_with_message(as_json), acting(panel, person) as session:
            if not panel.policy.may(session.info["actor"], Permission.IMPORT, panel.tables[table]):
                raise UserError(AccessDenied().message)
            street_id = roster_diff.street_named(session, street) if street else None
            diff = roster_diff.compare_roster(session, File(file.name, read_file(file)), panel.registry, street_id)
            report = _compared(diff)
            session.rollback()
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
            return
        _print_comparison(report)


def _install_batches(app: Flask, panel: Panel) -> None:
    @app.cli.command("imports")
    @click.option(
        "--limit",
        default=20,
        show_default=True,
        metavar="N",
        type=click.IntRange(1, ids.HIGHEST),
        help="The latest so many.",
    )
    @json_option
    @person_option
    def imports(limit: int, as_json: bool, person: str | None) -> None:
        """List the imports, the latest first: number, time, person, table, file, and counts of rows."""
        with _failing_with_message(as_json), acting(panel, person) as session:
            if not panel.policy.may(session.info["actor"], Permission.READ, ImportBatch):
                raise UserError(AccessDenied().message)
            statement = select(ImportBatch).order_by(ImportBatch.id.desc()).limit(limit)
            rows = [_batch(batch) for batch in session.execute(statement).unique().scalars()]
        if as_json:
            click.echo(json.dumps({"imports": rows}, ensure_ascii=False))
            return
        for line in rows:
            numbers = {name: line[name] for name in COUNTS}
            result = _("{rows} rows: {new} new, {updated} changed, {unchanged} unchanged, {failed} failed.", **numbers)
            parts = [line["batch"], line["at"], line["person"], line["table"], line["file"], result]
            click.echo(" · ".join(str(part) for part in [*parts, *([_("taken back")] if line["undone"] else [])]))
        if not rows:
            click.echo(_("There are no imports yet."))

    @app.cli.command("undo")
    @click.argument("batch")
    @click.option("--dry-run", is_flag=True, help="Only say what would happen.")
    @json_option
    @person_option
    def undo(batch: str, dry_run: bool, as_json: bool, person: str | None) -> None:
        """Undo the import BATCH, except records that were changed since."""
        count, report, id_ = 0, {}, ids.parse(batch)

        def work(writer: Session) -> None:
            nonlocal count, report
            import_batch = writer.get(ImportBatch, id_) if id_ is not None else None
            if import_batch is None:
                raise UserError(_("There is no import batch {number}.", number=batch))
            undo_plan = import_undo.plan(writer, import_batch, panel.registry)
            if undo_plan.refusal is not None:
                raise UserError(undo_plan.refusal)
            report = _undone(undo_plan)
            if not dry_run:
                count = import_undo.run(writer, undo_plan, panel.registry, commit=False)

        with _failing_with_message(as_json), acting(panel, person) as session:
            if dry_run:
                work(session)
                session.rollback()
            else:
                write_shortly(session, Path(app.instance_path), work, lambda: begin_writing(session))
        report |= {"batch": id_, "applied": not dry_run}
        if as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
            return
        for line in report["stays"]:
            place = _("Sheet {sheet}, row {row}", sheet=line["sheet"], row=line["row"])
            click.echo(" · ".join(str(part) for part in (place, *line["reasons"])), err=True)
        result = _("{n} rows go back, {left} stay.", n=report["rows"], left=len(report["stays"]))
        ending = _("Nothing was written.") if dry_run else n_("{n} row taken back.", "{n} rows taken back.", count)
        click.echo(f"{result} {ending}")


@contextmanager
def _failing_with_message(as_json: bool) -> Iterator[None]:
    """Turn expected errors into one sentence and exit status 1."""
    try:
        yield
    except UserError as problem:
        _fail(problem.message, as_json)
    except OperationalError as error:
        log.exception("command", exc_info=error)
        _fail(_("The database can't be reached or is busy. Nothing was written."), as_json)


def _fail(message: Message, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": str(message)}, ensure_ascii=False))
        raise SystemExit(1)
    fail(message)


def _batch(batch: ImportBatch) -> dict[str, Any]:
    undo = batch.undo
    return {
        "batch": batch.id,
        "at": _local(batch.at),
        "person": batch.actor_name,
        "table": batch.table_name,
        "file": batch.file_name,
        **{name: getattr(batch, attr) for name, attr in COUNTS.items()},
        "undone": undo
        and {"at": _local(undo.at), "person": undo.actor_name, "rows": undo.row_count, "left": undo.left_count},
    }


def _local(moment: Any) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _undone(undo_plan: UndoPlan) -> dict[str, Any]:
    """The undo plan as a report: numbers of rows and records, and the rows that stay with reasons."""
    return {
        "rows": sum(not unit.alone for unit in undo_plan.going),
        "records": sum(len(unit.items) for unit in undo_plan.going),
        "stays": [_stays(unit) for unit in undo_plan.staying if not unit.alone],
    }


def _stays(unit: Unit) -> dict[str, Any]:
    table, record = unit.items[0].key
    reasons = [str(reason.message) for reason in unit.reasons]
    return {"sheet": unit.sheet, "row": unit.number, "table": table, "record": record, "reasons": reasons}


def _compared(diff: RosterDiff) -> dict[str, Any]:
    comparison = diff.comparison
    endings = roster_diff.endings(comparison)
    return {
        "rows": len(comparison.plan.rows),
        "joined": [_row(diff, row) for row in comparison.joined],
        "left": [
            {
                "id": person.id,
                "name": person.name,
                "community": person.community.name if person.community else "",
                "start_on": person.start_on.isoformat(),
                "open_cases": [number for _id, number in diff.open_cases.get(person.id, [])],
                "notes": [str(note) for note in _notes(endings, person.id)],
            }
            for person in comparison.left
        ],
        "changed": [
            {
                **_row(diff, row),
                "changes": [
                    {
                        "column": str(
                            field_or_message if isinstance(field_or_message, Message) else field_or_message.label
                        ),
                        "before": before,
                        "after": after,
                    }
                    for field_or_message, before, after in row.changes
                ],
            }
            for row in comparison.changed
        ],
        "unchanged": comparison.unchanged,
        "failed": [
            {**_row(diff, row), "messages": [error_text(error) for error in row.errors]} for row in comparison.failed
        ],
    }


def _notes(endings: Mapping[int, tuple[Message, list[Message]]], id_: int) -> list[Message]:
    """What importing the file does with a liaison's term, and why that is in doubt."""
    if id_ not in endings:
        return []
    note, doubts = endings[id_]
    return [note, *doubts]


def _row(diff: RosterDiff, row: PlanRow) -> dict[str, Any]:
    return {
        "sheet": row.sheet,
        "row": row.number,
        "name": row.effective("name") or "",
        "community": diff.place(row),
    }


def _print_comparison(report: dict[str, Any]) -> None:
    """Print who joined, left and changed, then the numbers; failed rows go to stderr."""
    for entry in report["failed"]:
        click.echo(" · ".join([str(entry["row"]), entry["name"], *entry["messages"]]), err=True)
    for entry in report["joined"]:
        click.echo(_("Joined: {name}, {community} (row {row})", **_named(entry)))
    for entry in report["left"]:
        cases = listed(entry["open_cases"])
        line = _("Left: {name}, {community}", name=entry["name"], community=entry["community"])
        line = _("{line}; open cases: {cases}", line=line, cases=cases) if cases else line
        click.echo(" · ".join(str(part) for part in (line, *entry["notes"])))
    for entry in report["changed"]:
        changes = clauses(f"{change['column']} {change['before']} → {change['after']}" for change in entry["changes"])
        line = _("Changed: {name}, {community} (row {row})", **_named(entry))
        click.echo(f"{line} {changes}")
    click.echo(
        _(
            "{joined} joined, {left} left, {changed} changed, {same} as stored, {failed} can't be read.",
            joined=len(report["joined"]),
            left=len(report["left"]),
            changed=len(report["changed"]),
            same=report["unchanged"],
            failed=len(report["failed"]),
        )
    )


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("name", "community", "row")}
