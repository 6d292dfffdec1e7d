"""Whether what is stored agrees: the schema, the database, the chains of events, the numbers of cases, the files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from bureau.cases import events
from models import Attachment, Case, CaseEvent, Counter, Mediation
from panel import schema_state
from panel.i18n import Message, _
from panel.kinds import now
from panel.store.files import GRACE_PERIOD, Store

#: Sentences of one kind; a thousand more of them tell no more.
MOST = 20
BATCH_SIZE = 5000


def check(session: Session, store: Store, migrations: str) -> list[Message]:
    """What is wrong, a sentence each; empty when all is well. Reads everything, changes nothing.

    Wants a session of the system's: what anybody has stored is looked at."""
    found: list[Message] = []
    for part in (
        _schema(session, migrations),
        _database(session),
        _chains(session),
        _numbers(session),
        _files(session, store),
    ):
        sentences = list(part)
        found += sentences[:MOST]
        if len(sentences) > MOST:
            found.append(_("… and {n} more of the same kind.", n=len(sentences) - MOST))
    return found


def _schema(session: Session, migrations: str) -> Iterator[Message]:
    """The tables are those that this program declares; `migrations` is the folder of their versions."""
    if problem := schema_state.problem(session.connection(), migrations):
        yield problem


def _database(session: Session) -> Iterator[Message]:
    """SQLite's own checks; PostgreSQL looks after itself."""
    if session.connection().dialect.name != "sqlite":
        return
    for (line,) in session.connection().execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield _("The database is damaged: {line}", line=line)
    for row in session.connection().execute(text("PRAGMA foreign_key_check")):
        yield _("{table} no. {id} refers to something that no longer exists.", table=row[0], id=row[1])


def _chains(session: Session) -> Iterator[Message]:
    """Each case's events are whole, sealed one upon the other, and end in the state that the case stands in."""
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
    bare = select(Case.case_no).where(~select(CaseEvent.id).where(CaseEvent.case_id == Case.id).exists())
    for number in session.execute(bare.order_by(Case.id)).scalars():
        yield _("{number} has no event: nothing tells how it came.", number=number)


def _numbers(session: Session) -> Iterator[Message]:
    """Every number that was given has its case or mediation, and none lies beyond the counter."""
    for counter in session.execute(select(Counter).order_by(Counter.prefix, Counter.year)).scalars():
        stem = f"{counter.prefix}-{counter.year}-"
        used = set()
        given = (Case.case_no, Mediation.mediation_no)
        for number in (n for column in given for n in session.execute(_beginning(column, stem)).scalars()):
            if re.fullmatch(r"\d{6,9}", end := number.removeprefix(stem)):
                used.add(int(end))
        for missing in sorted(set(range(1, counter.last + 1)) - used):
            yield _("Nothing has the number {number}, though it was given.", number=f"{stem}{missing:06d}")
        for beyond in sorted(n for n in used if n > counter.last):
            yield _("{number} lies beyond the counter: it would be given again.", number=f"{stem}{beyond:06d}")


def _beginning(column: Any, stem: str) -> Select[Any]:
    return select(column).where(column.startswith(stem, autoescape=True))


def _files(session: Session, store: Store) -> Iterator[Message]:
    """Every attachment's file is there and is what it was, and no file has been left behind."""
    named = set()
    query = select(Attachment.sha256, Attachment.file_name, Attachment.removed_at, Case.case_no).join(
        Case, Case.id == Attachment.case_id
    )
    state: dict[str, bool | None] = {}
    for row in session.execute(query.order_by(Attachment.id)):
        if row.removed_at is not None:
            if row.removed_at > now() - GRACE_PERIOD:
                named.add(row.sha256)
            continue
        named.add(row.sha256)
        if row.sha256 not in state:
            state[row.sha256] = store.verify(row.sha256)
        if state[row.sha256] is None:
            yield _("{number}: the file of {name} is missing.", number=row.case_no, name=row.file_name)
        elif not state[row.sha256]:
            yield _("{number}: the file of {name} has been changed.", number=row.case_no, name=row.file_name)
    limit = (now() - 2 * GRACE_PERIOD).timestamp()
    left = sum(store.path(d).stat().st_mtime <= limit for d in store.digests() if d not in named)
    if left:
        yield _("{n} files belong to no attachment; the periodic work should have cleared them away.", n=left)
