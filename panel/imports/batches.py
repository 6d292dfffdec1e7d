"""An import from file to stored batch, used by the page, the command and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel import progress, sheets
from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.fields import all_fields
from panel.i18n import Message, _, clauses, in_default_locale, labelled
from panel.imports import changes, importing, words
from panel.imports.layout import mapping
from panel.imports.plans import CellError, Options, Outcome, Plan, PlanRow
from panel.imports.records import ImportBatch, ImportRow
from panel.imports.rules import Registry
from panel.imports.undo import import_undo
from panel.kinds import Kind, Moment, now, tidy
from panel.security import watches
from panel.security.creation import RowRefused
from panel.security.policy import AccessDenied, table_of
from panel.security.session import actor_of
from panel.store import bulk
from panel.store.db_errors import explain, not_free

READING = _("Reading the file")


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file: its name (cleaned, at most 200 characters) and its bytes."""

    name: str
    data: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", tidy(self.name)[-200:])

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


class ProtectedError(UserError):
    """A password protects the file."""


def read(file: File, sheet: str = "") -> sheets.Book:
    """The file's sheets and rows. Raises UserError if the file can't be read, ProtectedError if it wants a password."""
    try:
        return sheets.read(file.data).only(sheet) if sheet else sheets.read(file.data)
    except sheets.ProtectedFile as problem:
        raise ProtectedError(problem.message) from None
    except sheets.UnreadableFile as problem:
        raise UserError(problem.message) from None


def unlocked(file: File, password: str) -> File:
    """The file without its protection. Raises ProtectedError if the password doesn't open it."""
    try:
        return File(file.name, sheets.unlock(file.data, password))
    except sheets.UnreadableFile as problem:
        raise ProtectedError(problem.message) from None


def plan(
    session: Session,
    model: type[Base],
    file: File,
    options: Options,
    registry: Registry,
    *,
    book: sheets.Book | None = None,
) -> Plan:
    """Plan a file. Pass `book` if the file has been read already. Raises UserError if it can't be imported at all."""
    progress.report(READING)
    result = importing.plan(session, model, book or read(file, options.sheet), options, registry)
    if message := imported_before(session, model, file):
        result.warnings.insert(0, message)
    return result


def run(session: Session, plan: Plan, file: File, registry: Registry, *, commit: bool = True) -> int:
    """Write a plan and its batch, commit unless `commit` is false, and return the id of the batch.

    All or nothing: on an error the session is rolled back and UserError says why; the caller counts a NotFreeError."""
    progress.report(progress.WRITING)
    try:
        changes.settle(session, plan, registry.rules_of(plan.model))
        batch = _insert_batch(session, plan, file)
        importing.apply(session, plan, registry, note=in_default_locale(_("Import batch {number}", number=batch)))
        _insert_rows(session, plan, batch)
        for part in plan.parts:
            if part.said:
                mapping.remember(session, plan.model, part.header)
        words.remember(session, plan, registry)
        import_undo.delete_expired(session, registry.keep_days(session))
        watches.check(session)
        if commit:
            session.commit()
    except bulk.StaleRow:
        session.rollback()
        raise UserError(
            _("Somebody changed one of these records meanwhile. Nothing was written; look at the preview again.")
        ) from None
    except IntegrityError as error:
        session.rollback()
        tries = plan.count(Outcome.NEW) + plan.count(Outcome.CHANGED)
        if refusal := not_free(session, error, plan.model, tries):
            refusal.message = _nothing_written(refusal.message)
            raise refusal from None
        raise UserError(_nothing_written(explain(error, plan.model)[1])) from None
    except (AccessDenied, RowRefused) as refusal:
        session.rollback()
        raise UserError(_nothing_written(refusal.message)) from None
    except UserError:
        session.rollback()
        raise
    return batch


def _nothing_written(message: Message) -> Message:
    return _("{reason} Nothing was written.", reason=message)


def _insert_batch(session: Session, plan: Plan, file: File) -> int:
    actor, counts = actor_of(session), plan.counts()
    values = {
        "at": now(),
        "file_name": file.name,
        "sha256": file.sha256,
        "table_name": plan.model.__tablename__,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "row_count": len(plan.rows),
        "new_count": counts[Outcome.NEW],
        "changed_count": counts[Outcome.CHANGED],
        "unchanged_count": counts[Outcome.UNCHANGED] + counts[Outcome.SKIPPED],
        "failed_count": counts[Outcome.FAILED],
        "labels": {part.sheet: part.labels for part in plan.parts},
    }
    table = table_of(ImportBatch)
    return int(session.connection().execute(insert(table).values(values).returning(table.c.id)).scalar_one())


def _insert_rows(session: Session, plan: Plan, batch: int) -> None:
    rows = (_row_values(plan, row, batch) for row in plan.rows)
    while chunk := list(islice(rows, bulk.BATCH_SIZE)):
        session.connection().execute(insert(table_of(ImportRow)), chunk)


def _row_values(plan: Plan, row: PlanRow, batch: int) -> dict[str, Any]:
    """The values of ImportRow for a row."""
    bad = {error.index for error in row.errors}
    values = {
        "batch_id": batch,
        "sheet": row.sheet[:80],
        "number": row.number,
        "outcome": row.outcome.value,
        "record_id": None if row.failed else row.id,
        "reason": reasons(row)[:1000] or None,
        "cells": [[_json(cell), i in bad] for i, cell in enumerate(row.cells)] if row.failed else None,
        "before": _before(plan, row),
        "version": row.written,
        "besides": _besides(row),
    }
    row.release_empty()
    return values


def reasons(row: PlanRow) -> str:
    """The errors and notes of a row in one text."""
    notes = (str(note) for note in (*row.notes, *row.repeats))
    return clauses([*(error_text(error) for error in row.errors), *notes])


def error_text(error: CellError) -> str:
    return str(labelled(error.column, error.message)) if error.column else str(error.message)


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _before(plan: Plan, row: PlanRow) -> dict[str, Any] | None:
    """The values that a changed row replaced, as their kinds store them."""
    if row.outcome is not Outcome.CHANGED or row.renewed is not None:
        return None
    kinds: dict[str, Kind] = {f.attr: f.kind for f in all_fields(plan.model)}
    return {attr: kinds[attr].store(row.stored.get(attr)) for attr in row.values if attr in kinds}


def _besides(row: PlanRow) -> list[list[Any]] | None:
    """Other records written with a row, as ImportRow stores them."""
    stored = []
    for beside in row.besides:
        kinds = {f.attr: f.kind for f in all_fields(beside.model)}
        before = beside.before and {attr: kinds[attr].store(value) for attr, value in beside.before.items()}
        stored.append([beside.model.__tablename__, beside.id, beside.version, before, beside.alone])
    return stored or None


def imported_before(session: Session, model: type[Base], file: File) -> Message | None:
    """A warning if a file of the same content was imported into this table before."""

    table = table_of(ImportBatch)
    statement = (
        select(table.c.id, table.c.at)
        .where(table.c.sha256 == file.sha256, table.c.table_name == model.__tablename__)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    batch = session.execute(statement, execution_options=UNSCOPED).first()
    if batch is None:
        return None
    at = Moment().format(batch.at.replace(second=0))
    return _("This very file was imported before: batch {number}, {at}.", number=batch.id, at=at)
