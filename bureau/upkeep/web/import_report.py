"""The report of the command `import`: as one JSON object, or as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from panel.i18n import Message, _, bracketed, listed
from panel.imports.plans import Outcome, Plan
from panel.imports.questions import About, Question


def build(
    plan: Plan | None, batch: int | None, problem: Message | None, questions: Sequence[Question]
) -> dict[str, Any]:
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
        "left_out": [
            {"sheet": left.sheet, "row": left.row, "why": str(left.why)} for left in (plan.left_out if plan else ())
        ],
        "questions": [_question(question) for question in questions],
    }


def _question(question: Question) -> dict[str, Any]:
    """A question with its offers, each with the option of the command that gives this answer."""
    return {
        "sheet": question.sheet,
        "row": question.row,
        "column": question.column,
        "header": question.header,
        "about": question.about.value,
        "text": str(question.text),
        "offers": [
            {"answer": offer.answer, "label": str(offer.label), "option": _option(question, offer.answer)}
            for offer in question.offers
        ],
    }


def _option(question: Question, answer: str) -> str:
    if question.about is About.ROW:
        return f"--confirm {answer}"
    if question.about is About.VALUE:
        return f"--value {question.key}={answer}"
    return f"--map {question.key if question.sheet else question.column}={answer}"


def echo(report: dict[str, Any], problem: Message | None) -> None:
    """Print the result as one line; questions, errors and warnings go to stderr."""
    for error in report["errors"]:
        if error["row"]:
            _line(_place(error), error["column"], error["value"], error["message"])
    for question in report["questions"]:
        _line(_place(question), question["column"], question["header"], question["text"])
        for offer in question["offers"]:
            click.echo(f"    {offer['option']}  {offer['label']}", err=True)
    if left_out := report["left_out"]:
        rows = listed(bracketed(left["row"], left["why"]) for left in left_out[:20])
        click.echo(_("Rows not read: {rows}", rows=rows if len(left_out) <= 20 else f"{rows} …"), err=True)
    if skipped := report["skipped_sheets"]:
        click.echo(_("Sheets not read: {names}", names=listed(skipped)), err=True)
    if ignored := report["ignored_columns"]:
        click.echo(_("Columns not imported: {names}", names=listed(ignored)), err=True)
    for warning in report["warnings"]:
        click.echo(warning, err=True)
    if problem is not None:
        click.echo(str(problem), err=True)
        return
    numbers = {k: report[k] for k in ("rows", "new", "updated", "unchanged", "failed")}
    words = _("{rows} rows: {new} new, {updated} changed, {unchanged} unchanged, {failed} failed.", **numbers)
    written = _("Written as batch {number}.", number=report["batch"])
    ending = written if report["applied"] else _("Nothing was written.")
    click.echo(f"{words} {ending}")


def _place(entry: dict[str, Any]) -> Message | str:
    if not entry["row"]:
        return str(entry["sheet"])
    return _("Sheet {sheet}, row {row}", sheet=entry["sheet"], row=entry["row"])


def _line(*parts: object) -> None:
    click.echo(" · ".join(str(part) for part in parts if part), err=True)
