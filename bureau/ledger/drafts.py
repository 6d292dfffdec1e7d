"""Last month's ledger, drawn up on the first working day: which are due, which wait, and whether one is still true."""

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
    """The ledgers of last month that should be there by now and are neither drawn up nor handed up."""
    first = Calendar.load(session).next_workday(day.replace(day=1) - timedelta(days=1))
    if day < first:
        return []
    month = Month.of(day).plus(-1)
    wanted = [Basis.ACCEPTED, *([Basis.CLOSED] if settings.get(session, "ledger_by_closing") else [])]
    drawn = select(LedgerDraft.basis).where(LedgerDraft.month == str(month))
    handed_up = select(Ledger.basis).where(Ledger.month == str(month), Ledger.squad_id.is_(None))
    there = {*session.execute(drawn).scalars(), *session.execute(handed_up).scalars()}
    return [(month, basis) for basis in wanted if basis not in there]


def waiting(session: Session) -> list[LedgerDraft]:
    """The ledgers that wait to be checked, the latest first; their files are not loaded."""
    return list(session.execute(select(LedgerDraft).order_by(LedgerDraft.month.desc(), LedgerDraft.id)).scalars())


def find(session: Session, month: Month, basis: Basis) -> LedgerDraft | None:
    statement = select(LedgerDraft).where(LedgerDraft.month == str(month), LedgerDraft.basis == basis)
    return session.execute(statement).scalar_one_or_none()


def file(session: Session, id_: int) -> LedgerDraft | None:
    """A ledger that waits, with its file."""
    statement = select(LedgerDraft).where(LedgerDraft.id == id_).options(undefer(LedgerDraft.file))
    return session.execute(statement).scalar_one_or_none()


def drop(session: Session, month: Month, basis: Basis) -> None:
    """What was handed up waits no longer, whoever handed it up."""
    found = find(session, month, basis)
    if found is not None:
        with elevated(session):
            session.delete(found)


class Digest:
    """Of all that a ledger says, whatever its file looks like."""

    def __init__(self, corrections: Sequence[Correction]) -> None:
        self._hash = sha256()
        for one in corrections:
            self._take((one.month, one.case_no, one.column, one.before, one.after))

    def add(self, row: LedgerRow) -> None:
        self._take(shown(value) for value in row.cells())

    def _take(self, texts: Iterable[str]) -> None:
        self._hash.update("\x1f".join((*texts, "\x1e")).encode())

    def __str__(self) -> str:
        return self._hash.hexdigest()
