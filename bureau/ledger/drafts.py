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
from panel.kinds import now
from panel.security.session import elevated

#: Months for which missing drafts are made.
MOST_MONTHS = 24
#: A draft from so far in the future was made by a clock that was wrong, and is made again.
AHEAD = timedelta(minutes=5)


def due(session: Session, day: date) -> list[tuple[Month, Basis]]:
    """The ledgers that are neither drafted nor handed up, of the months since the last one that is, oldest first; at
    most MOST_MONTHS. Last month's isn't due before the first working day of this one."""
    first = Calendar.load(session).next_workday(day.replace(day=1) - timedelta(days=1))
    last = Month.of(day).plus(-1 if day >= first else -2)
    bases = [Basis.ACCEPTED, *([Basis.CLOSED] if settings.get(session, "ledger_by_closing") else [])]
    drafted = select(LedgerDraft.month, LedgerDraft.basis).where(LedgerDraft.made_at <= now() + AHEAD)
    submitted = select(Ledger.month, Ledger.basis).where(Ledger.squad_id.is_(None))
    present = {(month, basis) for statement in (drafted, submitted) for month, basis in session.execute(statement)}
    missing = []
    for basis in bases:
        known = [Month.parse(month) for month, of in present if of == basis and month < str(last)]
        # With none at all the bureau begins now; the first ledger is that of last month.
        month = max(known).plus(1) if known else Month.of(day).plus(-1)
        month = max(month, last.plus(1 - MOST_MONTHS))
        while month <= last:
            if (str(month), basis) not in present:
                missing.append((month, basis))
            month = month.plus(1)
    return sorted(missing, key=lambda one: (one[0], bases.index(one[1])))


def drop_ahead(session: Session, day: date) -> int:
    """Delete drafts of months that aren't over, made by a clock that was in the future, and return how many."""
    statement = select(LedgerDraft).where(LedgerDraft.month >= str(Month.of(day)))
    ahead = session.execute(statement).scalars().all()
    with elevated(session):
        for draft in ahead:
            session.delete(draft)
    session.flush()
    return len(ahead)


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
