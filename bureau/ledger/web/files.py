"""A monthly ledger as a file: what page and command have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger
from bureau.ledger.totals import LedgerCounts, Totals
from bureau.printing.paper import Heading
from bureau.settings import settings
from models import Basis, Ledger, LedgerDraft, Squad
from panel.kinds import now, today
from panel.security.policy import AccessDenied, OutOfScope, Permission
from panel.security.session import actor_of, policy_of

WORDS = "案件台账"
BY_CLOSING = "（按结案）"
PERIOD = {Basis.ACCEPTED: "按受理时间", Basis.CLOSED: "按结案时间"}


@dataclass(frozen=True, slots=True)
class LedgerRequest:
    """Which ledger: of a month, by acceptance or closing, of one squad or of the whole bureau."""

    month: Month
    basis: Basis = Basis.ACCEPTED
    squad: int | None = None
    squad_name: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    name: str
    content: bytes
    rows: int


def squads(session: Session) -> list[tuple[int | None, str]]:
    """Whose ledger the actor may ask for, the usual one first; None is the whole bureau."""
    actor = actor_of(session)
    statement = select(Squad.id, Squad.name).order_by(Squad.name_key)
    if policy_of(session).criterion(actor, Permission.READ, Ledger) is None:
        return [(None, ""), *((id_, name) for id_, name in session.execute(statement))]
    own = statement.where(Squad.id.in_(actor.ids("squads")))
    return [(id_, name) for id_, name in session.execute(own)]


def order(session: Session, month: Month, basis: Basis, squad: int | None) -> LedgerRequest:
    """An order that the actor may give. AccessDenied without the right, OutOfScope for another squad than one's own;
    someone who has only one squad means that."""
    if not policy_of(session).may(actor_of(session), Permission.READ, Ledger):
        raise AccessDenied
    names = dict(squads(session))
    if squad is None and None not in names and names:
        squad = next(iter(names))
    if squad not in names:
        raise OutOfScope
    return LedgerRequest(month, basis, squad, names[squad])


def make(session: Session, wanted: LedgerRequest) -> LedgerFile:
    """The ledger as a workbook: as it was handed up, or as it stands now."""
    if not policy_of(session).may(actor_of(session), Permission.EXPORT, Ledger):
        raise AccessDenied
    frozen = submission.find(session, wanted.month, wanted.basis, wanted.squad)
    if frozen is not None:
        return LedgerFile(frozen.file_name, frozen.file, LedgerCounts.of(frozen.figures).rows)
    target, heading = BytesIO(), _heading(session, wanted)
    corrections = submission.corrections(session, wanted.month, wanted.basis, wanted.squad)
    rows = ledger.rows(session, wanted.month, wanted.basis, wanted.squad)
    tally = _write(target, heading, rows, corrections, wanted.basis)
    return LedgerFile(_name(heading.unit, wanted), target.getvalue(), tally.figures.rows)


def hand_up(session: Session, wanted: LedgerRequest) -> Ledger:
    """Make the ledger and keep it for good; the caller commits. Raises what submission.close() raises."""
    if not policy_of(session).may(actor_of(session), Permission.CREATE, Ledger):
        raise AccessDenied
    month, basis, squad = wanted.month, wanted.basis, wanted.squad
    submission.check(session, month, basis, squad)
    target, heading = BytesIO(), _heading(session, wanted)
    corrections = submission.corrections(session, month, basis, squad)
    rows = list(ledger.rows(session, month, basis, squad))
    tally = _write(target, heading, rows, corrections, basis)
    name = _name(heading.unit, wanted)
    kept = submission.close(session, month, basis, squad, rows, corrections, tally.figures, target.getvalue(), name)
    if squad is None:
        drafts.drop(session, month, basis)
    return kept


def draw_up(session: Session, month: Month, basis: Basis) -> LedgerDraft | None:
    """Make the bureau's ledger of a month, or make it anew, and let it wait to be checked; None when it is empty. The
    caller commits."""
    wanted = order(session, month, basis, None)
    submission.check(session, month, basis, None)
    target, heading = BytesIO(), _heading(session, wanted)
    corrections = submission.corrections(session, month, basis)
    rows = list(ledger.rows(session, month, basis))
    if not rows:
        return None
    digest = drafts.Digest(corrections)
    for row in rows:
        digest.add(row)
    _write(target, heading, rows, corrections, basis)
    found = drafts.find(session, month, basis) or LedgerDraft(month=str(month), basis=basis)
    found.made_at, found.rows, found.digest = now(), len(rows), str(digest)
    found.file_name, found.file = _name(heading.unit, wanted), target.getvalue()
    session.add(found)
    session.flush()
    return found


def draw_up_due(session: Session) -> None:
    """Periodic: on the first working day of a month, or as soon after it as a server runs, last month's ledgers."""
    for month, basis in drafts.due(session, today()):
        draw_up(session, month, basis)


def _write(*given: Any) -> Totals:
    from bureau.ledger.web import workbook  # noqa: PLC0415 - and openpyxl with it, when a ledger is written

    return workbook.write(*given)


def _heading(session: Session, wanted: LedgerRequest) -> Heading:
    values = settings.all_values(session)
    unit = f"{values['unit_name']}{wanted.squad_name}"
    return Heading(
        title=f"{unit}{values['ledger_title']}（{wanted.month.words}）",
        unit=unit,
        period=f"{wanted.month.span}（{PERIOD[wanted.basis]}）",
        made_on=today(),
        signatures=(values["ledger_maker"], values["ledger_checker"], values["ledger_head"]),
    )


def _name(unit: str, wanted: LedgerRequest) -> str:
    suffix = BY_CLOSING if wanted.basis == Basis.CLOSED else ""
    return re.sub(r'[\\/:*?"<>|\s]', "", f"{unit}{WORDS}{wanted.month.words}{suffix}") + ".xlsx"
