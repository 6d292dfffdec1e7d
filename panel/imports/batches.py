"""An import from file to batch: the one path that page, command and tests take."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel import progress, sheets
from panel.base import Base
from panel.errors import UserError
from panel.fields import all_fields
from panel.i18n import Message, _, for_the_record
from panel.imports import import_undo, importing, mapping
from panel.imports.matching import UNSCOPED
from panel.imports.plans import CellError, Options, Outcome, Plan, PlanRow
from panel.imports.rules import Registry
from panel.kinds import Kind, Moment, now, tidy
from panel.security.policy import AccessDenied, table_of
from panel.security.records import ImportBatch, ImportRow
from panel.security.session import actor_of
from panel.store import bulk
from panel.store.db_errors import explain

READING = _("Reading the file")


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file: its name as the sender called it, and its bytes."""

    name: str
    data: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", tidy(self.name)[-200:])

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


def read(file: File, sheet: str = "") -> sheets.Book:
    """The file's sheets and rows. Raises UserError with a sentence for a file that can't be taken at all."""
    try:
        return sheets.read(file.data).only(sheet) if sheet else sheets.read(file.data)
    except sheets.UnreadableFile as problem:
        raise UserError(problem.message) from None


def plan(
    session: Session,
    model: type[Base],
    file: File,
    options: Options,
    registry: Registry,
    *,
    book: sheets.Book | None = None,
) -> Plan:
    """Plan a file; its `book`, if it has been read already. Raises UserError with a sentence for one that can't be
    taken at all."""
    progress.tell(READING)
    made = importing.plan(session, model, book or read(file, options.sheet), options, registry)
    if message := again(session, model, file):
        made.warnings.insert(0, message)
    return made


def run(session: Session, made: Plan, file: File, registry: Registry, *, commit: bool = True) -> int:
    """Write a plan and its batch in the session's transaction, commit (or leave that to the caller), and return the
    batch's id. Nothing is written unless all of it is; UserError says why not."""
    progress.tell(progress.WRITING)
    try:
        batch = _open(session, made, file)
        importing.apply(session, made, registry, note=for_the_record(_("Import batch {number}", number=batch)))
        _keep_rows(session, made, batch)
        if made.options.meanings is not None:
            for labels in made.headers:
                mapping.remember(session, made.model, labels, made.options.meanings)
        import_undo.forget(session, registry.keep_days(session))
        if commit:
            session.commit()
    except bulk.StaleRow:
        session.rollback()
        raise UserError(
            _("Somebody changed one of these records meanwhile. Nothing was written; look at the preview again.")
        ) from None
    except IntegrityError as error:
        session.rollback()
        raise UserError(_nothing(explain(error, made.model)[1])) from None
    except AccessDenied as refusal:
        session.rollback()
        raise UserError(_nothing(refusal.message)) from None
    except UserError:
        session.rollback()
        raise
    return batch


def _nothing(message: Message) -> Message:
    return _("{reason} Nothing was written.", reason=message)


def _open(session: Session, made: Plan, file: File) -> int:
    actor, counts = actor_of(session), made.counts()
    values = {
        "at": now(),
        "file_name": file.name,
        "sha256": file.sha256,
        "table_name": made.model.__tablename__,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "row_count": len(made.rows),
        "new_count": counts[Outcome.NEW],
        "changed_count": counts[Outcome.CHANGED],
        "unchanged_count": counts[Outcome.UNCHANGED] + counts[Outcome.SKIPPED],
        "failed_count": counts[Outcome.FAILED],
        "labels": {part.sheet: part.labels for part in made.parts},
    }
    table = table_of(ImportBatch)
    return int(session.connection().execute(insert(table).values(values).returning(table.c.id)).scalar_one())


def _keep_rows(session: Session, made: Plan, batch: int) -> None:
    rows = (_kept(made, row, batch) for row in made.rows)
    while some := list(islice(rows, bulk.AT_ONCE)):
        session.connection().execute(insert(table_of(ImportRow)), some)


def _kept(made: Plan, row: PlanRow, batch: int) -> dict[str, Any]:
    """A row as ImportRow keeps it."""
    bad = {error.index for error in row.errors}
    values = {
        "batch_id": batch,
        "sheet": row.sheet[:80],
        "number": row.number,
        "outcome": row.outcome.value,
        "record_id": None if row.failed else row.id,
        "reason": reasons(row)[:1000] or None,
        "cells": [[_json(cell), i in bad] for i, cell in enumerate(row.cells)] if row.failed else None,
        "before": _before(made, row),
        "version": row.written,
        "besides": _besides(row),
    }
    row.rest()
    return values


def reasons(row: PlanRow) -> str:
    """Why a row failed, or what it brings along, in words."""
    return "；".join([*(words(error) for error in row.errors), *(str(note) for note in row.notes)])


def words(error: CellError) -> str:
    return f"{error.column}：{error.message}" if error.column else str(error.message)


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _before(made: Plan, row: PlanRow) -> dict[str, Any] | None:
    """What a changed row replaced, as the kinds store it."""
    if row.outcome is not Outcome.CHANGED or row.renewed is not None:
        return None
    kinds: dict[str, Kind] = {f.attr: f.kind for f in all_fields(made.model)}
    return {attr: kinds[attr].store(row.stored.get(attr)) for attr in row.values if attr in kinds}


def _besides(row: PlanRow) -> list[list[Any]] | None:
    """What else was written with a row, as ImportRow keeps it."""
    found = []
    for one in row.besides:
        kinds = {f.attr: f.kind for f in all_fields(one.model)}
        before = one.before and {attr: kinds[attr].store(value) for attr, value in one.before.items()}
        found.append([one.model.__tablename__, one.id, one.version, before, one.alone])
    return found or None


def again(session: Session, model: type[Base], file: File) -> Message | None:
    """That this very file has been imported into this table before, and when."""
    table = table_of(ImportBatch)
    statement = (
        select(table.c.id, table.c.at)
        .where(table.c.sha256 == file.sha256, table.c.table_name == model.__tablename__)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    found = session.execute(statement, execution_options=UNSCOPED).first()
    if found is None:
        return None
    at = Moment().format(found.at.replace(second=0))
    return _("This very file was imported before: batch {number}, {at}.", number=found.id, at=at)
