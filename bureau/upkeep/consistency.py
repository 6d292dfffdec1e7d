"""Consistency check of schema, database, sealed logs, event chains, numbers, attachment files and text indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from bureau.cases import events, numbering
from models import Attachment, Case, CaseEvent, Counter, Mediation, Referral
from panel import schema_state
from panel.i18n import Message, _
from panel.kinds import now
from panel.search import text_index
from panel.store import append_only
from panel.store.files import GRACE_PERIOD, Store
from panel.store.sealed import checking as sealed_logs

#: Most problems reported by one check.
MAX_PROBLEMS = 20
BATCH_SIZE = 5000


def check(session: Session, store: Store, migrations: str, heads: Path | None = None) -> list[Message]:
    """The problems found, a sentence each. Changes nothing. Needs a session of the system actor, because it reads
    everything. `migrations` is the folder of the migrations, `heads` the file of the heads of the logs."""
    problems: list[Message] = []
    for one_kind in (
        _schema(session, migrations),
        _database(session),
        append_only.trigger_problems(session.connection()),
        sealed_logs.problems(session.connection(), heads, store.folder.parent / "archive"),
        _chains(session),
        _numbers(session),
        _files(session, store),
        _text_indexes(session),
    ):
        sentences = list(one_kind)
        problems += sentences[:MAX_PROBLEMS]
        if len(sentences) > MAX_PROBLEMS:
            problems.append(_("… and {n} more of the same kind.", n=len(sentences) - MAX_PROBLEMS))
    return problems


def _schema(session: Session, migrations: str) -> Iterator[Message]:
    """The schema matches the program."""
    if problem := schema_state.problem(session.connection(), migrations):
        yield problem


def _database(session: Session) -> Iterator[Message]:
    """SQLite's integrity and foreign key checks. PostgreSQL needs none."""
    if session.connection().dialect.name != "sqlite":
        return
    for (line,) in session.connection().execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield _("The database is damaged: {line}", line=line)
    for row in session.connection().execute(text("PRAGMA foreign_key_check")):
        yield _("{table} no. {id} refers to something that no longer exists.", table=row[0], id=row[1])


def _chains(session: Session) -> Iterator[Message]:
    """The hash chain of each case is whole and ends in the state of the case."""
    columns = [getattr(CaseEvent, name) for name in (*events.SEALED, "previous_hash", "hash")]
    statement = (
        select(*columns, Case.case_no, Case.status)
        .join(Case, Case.id == CaseEvent.case_id)
        .order_by(CaseEvent.case_id, CaseEvent.seq)
        .execution_options(yield_per=BATCH_SIZE)
    )
    for _id, rows in groupby(session.execute(statement), key=lambda row: row.case_id):
        chain = list(rows)
        last = chain[-1]
        if (broken := events.verify(chain)) is not None:
            yield _("{number}: the chain of its events is broken at event {seq}.", number=last.case_no, seq=broken)
        elif last.to_status is not last.status:
            yield _(
                "{number} is “{state}”, but its last event says “{other}”.",
                number=last.case_no,
                state=last.status.label,
                other=last.to_status.label,
            )
    without_events = select(Case.case_no).where(~select(CaseEvent.id).where(CaseEvent.case_id == Case.id).exists())
    for number in session.execute(without_events.order_by(Case.id)).scalars():
        yield _("{number} has no event: nothing tells how it came.", number=number)


def _numbers(session: Session) -> Iterator[Message]:
    """Every number up to the counter belongs to a case, mediation, referral or agreement, and none exceeds it."""
    for counter in session.execute(select(Counter).order_by(Counter.prefix, Counter.year)).scalars():
        prefix, year, used = counter.prefix, counter.year, set()
        stems = (
            (Case.case_no, f"{prefix}-{year}-", r"(\d{6,9})"),
            (Mediation.mediation_no, f"{prefix}-{year}-", r"(\d{6,9})"),
            (Referral.document_no, f"{prefix}〔{year}〕", r"(\d{1,9})号"),
            (Mediation.agreement_no, f"{prefix}〔{year}〕", r"(\d{1,9})号"),
        )
        form = numbering.case_no
        for column, stem, ending in stems:
            for number in session.execute(_numbers_of(column, stem)).scalars():
                if match := re.fullmatch(ending, number.removeprefix(stem)):
                    used.add(int(match[1]))
                    form = numbering.document_no if "〔" in stem else form
        for missing in sorted(set(range(1, counter.last + 1)) - used):
            yield _("Nothing has the number {number}, though it was given.", number=form(prefix, year, missing))
        for beyond in sorted(n for n in used if n > counter.last):
            yield _("{number} lies beyond the counter: it would be given again.", number=form(prefix, year, beyond))


def _text_indexes(session: Session) -> Iterator[Message]:
    """The index of each table that has one says what its rows say."""
    for model in text_index.indexed():
        if ids := text_index.differing(session.connection(), model):
            yield _(
                "{n} records of {table} are not found by their words, such as no. {id}. "
                "Run: flask --app admin_app reindex",
                n=len(ids),
                table=model.__labels__,
                id=ids[0],
            )


def _numbers_of(column: Any, stem: str) -> Select[Any]:
    return select(column).where(column.startswith(stem, autoescape=True))


def _files(session: Session, store: Store) -> Iterator[Message]:
    """Every attachment has its unchanged file, and no unused file is older than the grace period."""
    referenced = set()
    query = select(Attachment.sha256, Attachment.file_name, Attachment.removed_at, Case.case_no).join(
        Case, Case.id == Attachment.case_id
    )
    state: dict[str, bool | None] = {}
    for row in session.execute(query.order_by(Attachment.id)):
        if row.removed_at is not None:
            if row.removed_at > now() - GRACE_PERIOD:
                referenced.add(row.sha256)
            continue
        referenced.add(row.sha256)
        if row.sha256 not in state:
            state[row.sha256] = store.verify(row.sha256)
        if state[row.sha256] is None:
            yield _("{number}: the file of {name} is missing.", number=row.case_no, name=row.file_name)
        elif not state[row.sha256]:
            yield _("{number}: the file of {name} has been changed.", number=row.case_no, name=row.file_name)
    limit = (now() - 2 * GRACE_PERIOD).timestamp()
    unused = sum(store.path(d).stat().st_mtime <= limit for d in store.digests() if d not in referenced)
    if unused:
        yield _("{n} files belong to no attachment; the periodic work should have cleared them away.", n=unused)
