"""Ledgers handed up: their lines and their workbook are stored for good. Later changes of their cases appear in the
next ledger as corrections."""

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
from panel.i18n import _, in_default_locale
from panel.kinds import ZONE, Invalid, now
from panel.security import audit
from panel.security.policy import AccessDenied, Permission
from panel.security.records import AuditAction
from panel.security.session import actor_of, policy_of

#: Earlier months whose ledgers are checked for corrections.
MONTHS_BACK = 12
#: Columns not compared: the number shifts, the remark depends on the time.
NOT_COMPARED = {"序号", "备注"}
CLOSED_AT = "办结时间"


@dataclass(frozen=True, slots=True)
class Correction:
    """A difference between a ledger handed up and the case now: column, value then, value now."""

    case_id: int
    month: str
    case_no: str
    column: str
    before: str
    after: str


def find(session: Session, month: Month, basis: Basis, squad: int | None) -> Ledger | None:
    """The ledger handed up of a month, if the actor may see it, without its file. `squad` is an id."""
    statement = select(Ledger).where(Ledger.month == str(month), *_kind(basis, squad))
    return session.execute(statement).scalar_one_or_none()


def submitted_ledgers(session: Session) -> list[Ledger]:
    """All ledgers handed up that the actor may see, the latest month first, without their files."""
    statement = select(Ledger).options(joinedload(Ledger.squad)).order_by(Ledger.month.desc(), Ledger.id.desc())
    return list(session.execute(statement).scalars())


def file(session: Session, id_: int) -> Ledger | None:
    """A ledger handed up with its file, by its id."""
    statement = select(Ledger).where(Ledger.id == id_).options(undefer(Ledger.file))
    return session.execute(statement).scalar_one_or_none()


def lines(session: Session, ledger: Ledger, limit: int) -> list[tuple[int, list[str]]]:
    """The first `limit` lines of a ledger handed up: pairs of case id and printed cells."""
    statement = (
        select(LedgerLine.case_id, LedgerLine.cells)
        .where(LedgerLine.ledger_id == ledger.id, LedgerLine.correction.is_(False))
        .order_by(LedgerLine.position)
        .limit(limit)
    )
    return [(case_id, cells) for case_id, cells in session.execute(statement)]


def stored_corrections(session: Session, ledger: Ledger) -> list[Correction]:
    """The corrections in a ledger handed up."""
    statement = (
        select(LedgerLine.case_id, LedgerLine.cells)
        .where(LedgerLine.ledger_id == ledger.id, LedgerLine.correction)
        .order_by(LedgerLine.position)
    )
    return [Correction(case_id, *cells) for case_id, cells in session.execute(statement)]


def close(  # noqa: PLR0917 - the parts of a ledger
    session: Session,
    month: Month,
    basis: Basis,
    squad: int | None,
    rows: Sequence[LedgerRow],
    corrections: Sequence[Correction],
    counts: LedgerCounts,
    content: bytes,
    file_name: str,
) -> Ledger:
    """Store a ledger as handed up and flush; the caller commits.

    Raises AccessDenied without the right, Invalid when the month isn't over or its ledger was handed up before."""
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
        figures=asdict(counts),
        file_name=file_name,
        sha256=sha256(content).hexdigest(),
        file=content,
    )
    session.add(ledger)
    try:
        session.flush()
    except IntegrityError:
        raise Invalid(_("This ledger has been handed up already.")) from None
    lines = [
        {"correction": False, "case_id": row.case_id, "position": row.number, "cells": [shown(c) for c in row.cells()]}
        for row in rows
    ]
    lines += [
        {
            "correction": True,
            "case_id": correction.case_id,
            "position": position,
            "cells": [correction.month, correction.case_no, correction.column, correction.before, correction.after],
        }
        for position, correction in enumerate(corrections, 1)
    ]
    if lines:
        # One statement for all lines. Unscoped: they belong to the ledger just added.
        values = [{**line, "ledger_id": ledger.id} for line in lines]
        session.execute(insert(LedgerLine), values, execution_options=UNSCOPED)
    audit.note(
        session, AuditAction.EVENT, "ledger", ledger.id, in_default_locale(_("Handed up: {name}", name=file_name))
    )
    return ledger


def check(session: Session, month: Month, basis: Basis, squad: int | None) -> None:
    """Raise Invalid when the month isn't over or its ledger was handed up before."""
    if now() < month.end:
        day = month.end.date()
        raise Invalid(_("The month isn't over yet; its ledger can be handed up from {day} on.", day=day))
    submitted = find(session, month, basis, squad)
    if submitted is not None:
        raise Invalid(
            _(
                "{name} has handed this ledger up already, on {day}.",
                name=submitted.actor_name,
                day=submitted.closed_at.astimezone(ZONE).date(),
            )
        )


def corrections(session: Session, month: Month, basis: Basis, squad: int | None = None) -> list[Correction]:
    """The differences of cases from the ledgers handed up of the last MONTHS_BACK months, except those already
    corrected, in the order of month, case and column."""
    since = _earlier(month, basis, squad)
    stored_lines, corrected = _stored_lines(session, since)
    if not stored_lines:
        return []
    by_month: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for row in stored_lines:
        by_month[row.month][row.case_id] = row.cells
    chosen = _lines(LedgerLine.case_id).where(*since, _written_since()).correlate(None)
    facts = ledgerfacts.load(session, chosen)
    builders = {text: Builder(Month.parse(text), basis, facts) for text in sorted(by_month)}
    differences = []
    for case in ledgerfacts.cases(session, chosen):
        for text, builder in builders.items():
            before = by_month[text].get(case.id)
            if before is None:
                continue
            after = _as_of_now(builder, case, before)
            for column, old, new in zip(COLUMNS, before, after, strict=True):
                known = corrected.get((text, case.id, column), old)
                if column not in NOT_COMPARED and known != new:
                    differences.append(Correction(case.id, text, case.case_no, column, known, new))
    return sorted(
        differences, key=lambda correction: (correction.month, correction.case_no, COLUMNS.index(correction.column))
    )


def _stored_lines(
    session: Session, earlier: Sequence[ColumnElement[bool]]
) -> tuple[list[Row[Any]], dict[tuple[str, int, str], str]]:
    """The lines of earlier ledgers whose cases were changed since, and the latest corrected value by month, case and
    column."""
    statement = (
        _lines(Ledger.month, LedgerLine.correction, LedgerLine.case_id, LedgerLine.cells)
        .where(*earlier, or_(LedgerLine.correction, _written_since()))
        .order_by(Ledger.month, LedgerLine.position)
    )
    stored_lines, corrected = [], {}
    for row in session.execute(statement):
        if row.correction:
            of_month, _case_no, column, _before, after = row.cells
            corrected[of_month, row.case_id, column] = after
        else:
            stored_lines.append(row)
    return stored_lines, corrected


def _lines(*columns: Any) -> Select[Any]:
    """Select columns of lines with their ledger and case."""
    return (
        select(*columns)
        .select_from(LedgerLine)
        .join(Ledger, LedgerLine.ledger_id == Ledger.id)
        .join(Case, LedgerLine.case_id == Case.id)
    )


def _earlier(month: Month, basis: Basis, squad: int | None) -> list[ColumnElement[bool]]:
    return [Ledger.month < str(month), Ledger.month >= str(month.plus(-MONTHS_BACK)), *_kind(basis, squad)]


def _written_since() -> ColumnElement[bool]:
    """The condition that the case, a party, a referral or feedback was changed after its ledger was handed up."""
    models: tuple[Any, ...] = (CaseParty, Referral, Feedback)
    parts = [
        select(model.id).where(model.case_id == Case.id, model.updated_at >= Ledger.closed_at).exists()
        for model in models
    ]
    return or_(Case.updated_at >= Ledger.closed_at, *parts)


def _as_of_now(builder: Builder, case: Row[Any], before: list[str]) -> list[str]:
    """The cells that an earlier ledger would show for the case now; a closure undone by a later reopening is marked."""
    row = builder.row(case, 0)
    if row is None:
        return before
    cells = [shown(value) for value in row.cells()]
    reopened = next(
        (
            change.at
            for change in builder.facts.changes.get(case.id, ())
            if change.before is CaseStatus.CLOSED and change.at >= builder.end
        ),
        None,
    )
    if row.closed_at is not None and reopened is not None:
        cells[COLUMNS.index(CLOSED_AT)] = f"{reopened.astimezone(ZONE):%Y-%m-%d}{REOPENED}"
    return cells


def _kind(basis: Basis, squad: int | None) -> list[ColumnElement[bool]]:
    return [Ledger.basis == basis, Ledger.squad_id.is_(None) if squad is None else Ledger.squad_id == squad]
