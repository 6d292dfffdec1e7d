"""Month close: a ledger that is handed up is kept as it was, line by line and byte by byte; what changes in its cases
later is told in the next ledger as corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, undefer

from bureau.calendar.month import Month
from bureau.ledger import facts as ledgerfacts
from bureau.ledger.rows import COLUMNS, REOPENED, Builder, LedgerRow, shown
from bureau.ledger.totals import LedgerCounts
from models import Basis, Case, CaseParty, CaseStatus, Feedback, Ledger, LedgerLine, Referral
from panel.base import UNSCOPED
from panel.i18n import _, for_the_record
from panel.kinds import ZONE, Invalid, now
from panel.security import audit
from panel.security.policy import AccessDenied, Permission
from panel.security.records import AuditAction
from panel.security.session import actor_of, policy_of

#: How far back corrections look.
MONTHS = 12
#: Not compared: the number shifts, the remark tells of the moment.
SKIPPED = {"序号", "备注"}
CLOSED_AT = "办结时间"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a ledger that was handed up said of a case, and what should stand there."""

    case_id: int
    month: str
    case_no: str
    column: str
    before: str
    after: str


def find(session: Session, month: Month, basis: Basis, squad: int | None) -> Ledger | None:
    """The ledger that was handed up, if the actor may see it."""
    statement = select(Ledger).where(Ledger.month == str(month), *_kind(basis, squad))
    return session.execute(statement).scalar_one_or_none()


def handed_up(session: Session) -> list[Ledger]:
    """All ledgers handed up that the actor may see, the latest first; their files are not loaded."""
    statement = select(Ledger).options(joinedload(Ledger.squad)).order_by(Ledger.month.desc(), Ledger.id.desc())
    return list(session.execute(statement).scalars())


def file(session: Session, id_: int) -> Ledger | None:
    """A ledger handed up, with its file."""
    statement = select(Ledger).where(Ledger.id == id_).options(undefer(Ledger.file))
    return session.execute(statement).scalar_one_or_none()


def lines(session: Session, ledger: Ledger, limit: int) -> list[tuple[int, list[str]]]:
    """The first lines of a ledger handed up: the case's id and the printed cells."""
    statement = (
        select(LedgerLine.case_id, LedgerLine.cells)
        .where(LedgerLine.ledger_id == ledger.id, LedgerLine.correction.is_(False))
        .order_by(LedgerLine.position)
        .limit(limit)
    )
    return [(case_id, cells) for case_id, cells in session.execute(statement)]


def kept_corrections(session: Session, ledger: Ledger) -> list[Correction]:
    """The corrections that a ledger handed up tells of."""
    statement = (
        select(LedgerLine.case_id, LedgerLine.cells)
        .where(LedgerLine.ledger_id == ledger.id, LedgerLine.correction)
        .order_by(LedgerLine.position)
    )
    return [Correction(case_id, *cells) for case_id, cells in session.execute(statement)]


def close(  # noqa: PLR0917 - what a ledger is
    session: Session,
    month: Month,
    basis: Basis,
    squad: int | None,
    rows: Sequence[LedgerRow],
    corrections: Sequence[Correction],
    figures: LedgerCounts,
    content: bytes,
    file_name: str,
) -> Ledger:
    """Hand a ledger up: from now on this is the ledger of that month. Flushes; the caller commits.

    Raises AccessDenied for those who may not, Invalid with a sentence when the month isn't over or its ledger is
    there."""
    actor = actor_of(session)
    if not policy_of(session).may(actor, Permission.CREATE, Ledger):
        raise AccessDenied
    check(session, month, basis, squad)
    ledger = Ledger(
        month=str(month),
        basis=basis,
        squad_id=squad,
        closed_at=now(),
        actor_name=actor.name,
        actor_id=actor.user_id,
        figures=asdict(figures),
        file_name=file_name,
        sha256=sha256(content).hexdigest(),
        file=content,
    )
    session.add(ledger)
    try:
        session.flush()
    except IntegrityError:
        raise Invalid(_("This ledger has been handed up already.")) from None
    full = [
        {"correction": False, "case_id": row.case_id, "position": row.number, "cells": [shown(c) for c in row.cells()]}
        for row in rows
    ]
    full += [
        {
            "correction": True,
            "case_id": one.case_id,
            "position": position,
            "cells": [one.month, one.case_no, one.column, one.before, one.after],
        }
        for position, one in enumerate(corrections, 1)
    ]
    if full:
        # Many lines of the program's own in one statement; they lie in the scope of the ledger written above.
        values = [{**line, "ledger_id": ledger.id} for line in full]
        session.execute(insert(LedgerLine), values, execution_options=UNSCOPED)
    audit.note(session, AuditAction.EVENT, "ledger", ledger.id, for_the_record(_("Handed up: {name}", name=file_name)))
    return ledger


def check(session: Session, month: Month, basis: Basis, squad: int | None) -> None:
    """Raise Invalid, with a sentence, when a ledger can't be handed up."""
    if now() < month.end:
        day = month.end.date()
        raise Invalid(_("The month isn't over yet; its ledger can be handed up from {day} on.", day=day))
    before = find(session, month, basis, squad)
    if before is not None:
        raise Invalid(
            _(
                "{name} has handed this ledger up already, on {day}.",
                name=before.actor_name,
                day=before.closed_at.astimezone(ZONE).date(),
            )
        )


def corrections(session: Session, month: Month, basis: Basis, squad: int | None = None) -> list[Correction]:
    """What differs by now from earlier ledgers handed up, and hasn't been told in one of them yet."""
    since = _earlier(month, basis, squad)
    frozen, told = _frozen(session, since)
    if not frozen:
        return []
    by_month: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for row in frozen:
        by_month[row.month][row.case_id] = row.cells
    chosen = _lines(LedgerLine.case_id).where(*since, _written_since()).correlate(None)
    facts = ledgerfacts.load(session, chosen)
    builders = {text: Builder(Month.parse(text), basis, facts) for text in sorted(by_month)}
    found = []
    for case in ledgerfacts.cases(session, chosen):
        for text, builder in builders.items():
            before = by_month[text].get(case.id)
            if before is None:
                continue
            after = _as_of_now(builder, case, before)
            for column, was, is_ in zip(COLUMNS, before, after, strict=True):
                last = told.get((text, case.id, column), was)
                if column not in SKIPPED and last != is_:
                    found.append(Correction(case.id, text, case.case_no, column, last, is_))
    return sorted(found, key=lambda one: (one.month, one.case_no, COLUMNS.index(one.column)))


def _frozen(
    session: Session, earlier: Sequence[ColumnElement[bool]]
) -> tuple[list[Row[Any]], dict[tuple[str, int, str], str]]:
    """Lines of earlier ledgers in whose cases something was written since, and by month, case and column what later
    ledgers have already corrected them to."""
    statement = (
        _lines(Ledger.month, LedgerLine.correction, LedgerLine.case_id, LedgerLine.cells)
        .where(*earlier, or_(LedgerLine.correction, _written_since()))
        .order_by(Ledger.month, LedgerLine.position)
    )
    frozen, told = [], {}
    for row in session.execute(statement):
        if row.correction:
            of_month, _case_no, column, _before, after = row.cells
            told[of_month, row.case_id, column] = after
        else:
            frozen.append(row)
    return frozen, told


def _lines(*columns: Any) -> Select[Any]:
    """Lines of ledgers handed up, with their ledger and their case."""
    return (
        select(*columns)
        .select_from(LedgerLine)
        .join(Ledger, LedgerLine.ledger_id == Ledger.id)
        .join(Case, LedgerLine.case_id == Case.id)
    )


def _earlier(month: Month, basis: Basis, squad: int | None) -> list[ColumnElement[bool]]:
    return [Ledger.month < str(month), Ledger.month >= str(month.plus(-MONTHS)), *_kind(basis, squad)]


def _written_since() -> ColumnElement[bool]:
    """Something of the case was written after its ledger was handed up."""
    models: tuple[Any, ...] = (CaseParty, Referral, Feedback)
    parts = [
        select(model.id).where(model.case_id == Case.id, model.updated_at >= Ledger.closed_at).exists()
        for model in models
    ]
    return or_(Case.updated_at >= Ledger.closed_at, *parts)


def _as_of_now(builder: Builder, case: Row[Any], before: list[str]) -> list[str]:
    """The cells of a case as its earlier ledger would have them now; a closure that was undone since is marked."""
    row = builder.row(case, 0)
    if row is None:
        return before
    cells = [shown(value) for value in row.cells()]
    reopened = next(
        (c.at for c in builder.facts.changes.get(case.id, ()) if c.before is CaseStatus.CLOSED and c.at >= builder.end),
        None,
    )
    if row.closed_at is not None and reopened is not None:
        cells[COLUMNS.index(CLOSED_AT)] = f"{reopened.astimezone(ZONE):%Y-%m-%d}{REOPENED}"
    return cells


def _kind(basis: Basis, squad: int | None) -> list[ColumnElement[bool]]:
    return [Ledger.basis == basis, Ledger.squad_id.is_(None) if squad is None else Ledger.squad_id == squad]
