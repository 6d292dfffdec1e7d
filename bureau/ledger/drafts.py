"""Drafts of last month's ledgers: made on the first working day, checked by the office, then handed up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from bureau.calendar.calendar import Calendar
from bureau.calendar.month import Month
from bureau.ledger.rows import LedgerRow, shown
from bureau.ledger.submission import Correction
from bureau.settings import settings
from models import Basis, Ledger, LedgerDraft
from panel.security.session import elevated


def due(session: Session, day: date) -> list[tuple[Month, Basis]]:
    """The ledgers of last month that are neither drafted nor handed up; none before the first working day of the
    month."""
    first = Calendar.load(session).next_workday(day.replace(day=1) - timedelta(days=1))
    if day < first:
        return []
    month = Month.of(day).plus(-1)
    bases = [Basis.ACCEPTED, *([Basis.CLOSED] if settings.get(session, "ledger_by_closing") else [])]
    drafted = select(LedgerDraft.basis).where(LedgerDraft.month == str(month))
    submitted = select(Ledger.basis).where(Ledger.month == str(month), Ledger.squad_id.is_(None))
    present = {*session.execute(drafted).scalars(), *session.execute(submitted).scalars()}
    return [(month, basis) for basis in bases if basis not in present]


def all_drafts(session: Session) -> list[LedgerDraft]:
    """All drafts, the latest month first, without their files."""
    return list(session.execute(select(LedgerDraft).order_by(LedgerDraft.month.desc(), LedgerDraft.id)).scalars())


def find(session: Session, month: Month, basis: Basis) -> LedgerDraft | None:
    """The draft of a month without its file."""
    statement = select(LedgerDraft).where(LedgerDraft.month == str(month), LedgerDraft.basis == basis)
    return session.execute(statement).scalar_one_or_none()


def file(session: Session, id_: int) -> LedgerDraft | None:
    """A draft with its file, by its id."""
    statement = select(LedgerDraft).where(LedgerDraft.id == id_).options(undefer(LedgerDraft.file))
    return session.execute(statement).scalar_one_or_none()


def drop(session: Session, month: Month, basis: Basis) -> None:
    """Delete the draft of a ledger that was handed up, also for an actor who may not delete drafts."""
    draft = find(session, month, basis)
    if draft is not None:
        with elevated(session):
            session.delete(draft)


class Digest:
    """A SHA-256 digest over the rows and corrections of a ledger, independent of its workbook. A draft whose digest
    differs from the present one is out of date."""

    def __init__(self, corrections: Sequence[Correction]) -> None:
        self._hash = sha256()
        for correction in corrections:
            self._take((correction.month, correction.case_no, correction.column, correction.before, correction.after))

    def add(self, row: LedgerRow) -> None:
        self._take(shown(value) for value in row.cells())

    def _take(self, texts: Iterable[str]) -> None:
        self._hash.update("\x1f".join((*texts, "\x1e")).encode())

    def __str__(self) -> str:
        return self._hash.hexdigest()
