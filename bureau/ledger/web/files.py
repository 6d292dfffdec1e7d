"""The workbook of a monthly ledger, for page and command: made, handed up, drafted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.ledger import drafts, submission
from bureau.ledger import rows as ledger
from bureau.ledger.totals import LedgerCounts, Totals
from bureau.printing import paper
from bureau.printing.paper import Heading
from bureau.settings import settings
from models import Basis, Ledger, LedgerDraft, Squad
from panel.kinds import now, today
from panel.security.granted import granted
from panel.security.policy import AccessDenied, OutOfScope, Permission
from panel.security.session import actor_of, policy_of
from panel.store.sealed import heads

WORDS = "案件台账"
BY_CLOSING = "（按结案）"
#: The last line by setting: number and first digits of the newest seal of the logs. An import reads it as a note.
LOG_HEAD, SEAL_DIGITS = "注：日志封存号 {}-{}", 16
#: Drafts that one round makes.
DRAFTS_AT_ONCE = 2
PERIOD = {Basis.ACCEPTED: "按受理时间", Basis.CLOSED: "按结案时间"}


@dataclass(frozen=True, slots=True)
class LedgerRequest:
    """Which ledger: month, basis, and squad (an id; None is the whole bureau)."""

    month: Month
    basis: Basis = Basis.ACCEPTED
    squad: int | None = None
    squad_name: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    name: str
    content: bytes
    rows: int


def squads(session: Session, action: Permission = Permission.READ) -> list[tuple[int | None, str]]:
    """The squads whose ledger the actor may see, or do `action` to, as pairs of id and name, the default first; None is
    the whole bureau."""
    actor = actor_of(session)
    statement = select(Squad.id, Squad.name).order_by(Squad.name_key)
    if policy_of(session).criterion(actor, action, Ledger) is None:
        return [(None, ""), *((id_, name) for id_, name in session.execute(statement))]
    own_squads = statement.where(Squad.id.in_(actor.ids("squads")))
    return [(id_, name) for id_, name in session.execute(own_squads)]


def checked_params(session: Session, month: Month, basis: Basis, squad: int | None) -> LedgerRequest:
    """The checked parameters of a ledger. Without `squad` an actor who may not see the whole bureau gets their first
    squad.

    Raises AccessDenied without the right, OutOfScope for a squad outside the actor's scope."""
    if not policy_of(session).may(actor_of(session), Permission.READ, Ledger):
        raise AccessDenied
    names = dict(squads(session))
    if squad is None and None not in names and names:
        squad = next(iter(names))
    if squad not in names:
        raise OutOfScope
    return LedgerRequest(month, basis, squad, names[squad])


def make(session: Session, params: LedgerRequest) -> LedgerFile:
    """The workbook of a ledger: the stored one if it was handed up, else a new one. Raises AccessDenied without the
    right to export."""
    with granted(session, Permission.EXPORT, Ledger):
        if params.squad not in dict(squads(session, Permission.EXPORT)):
            raise OutOfScope
        return _make(session, params)


def _make(session: Session, params: LedgerRequest) -> LedgerFile:
    submitted = submission.find(session, params.month, params.basis, params.squad)
    if submitted is not None:
        return LedgerFile(submitted.file_name, submitted.file, LedgerCounts.of(submitted.figures).rows)
    target, heading = BytesIO(), _heading(session, params)
    corrections = submission.corrections(session, params.month, params.basis, params.squad)
    rows = ledger.rows(session, params.month, params.basis, params.squad)
    totals = _write(target, heading, rows, corrections, params.basis)
    return LedgerFile(_name(heading.unit, params), target.getvalue(), totals.figures.rows)


def hand_up(session: Session, params: LedgerRequest) -> Ledger:
    """Make the ledger, store it as handed up and delete its draft; the caller commits. Raises as submission.close()."""
    with granted(session, Permission.CREATE, Ledger):
        if params.squad not in dict(squads(session, Permission.CREATE)):
            raise OutOfScope
        return _hand_up(session, params)


def _hand_up(session: Session, params: LedgerRequest) -> Ledger:
    month, basis, squad = params.month, params.basis, params.squad
    submission.check(session, month, basis, squad)
    target, heading = BytesIO(), _heading(session, params)
    corrections = submission.corrections(session, month, basis, squad)
    rows = list(ledger.rows(session, month, basis, squad))
    totals = _write(target, heading, rows, corrections, basis)
    name = _name(heading.unit, params)
    submitted = submission.close(
        session, month, basis, squad, rows, corrections, totals.figures, target.getvalue(), name
    )
    if squad is None:
        drafts.drop(session, month, basis)
    return submitted


def draw_up(session: Session, month: Month, basis: Basis) -> LedgerDraft | None:
    """Make or replace the draft of the whole bureau's ledger and flush; None for a ledger without rows. The caller
    commits."""
    params = checked_params(session, month, basis, None)
    submission.check(session, month, basis, None)
    target, heading = BytesIO(), _heading(session, params)
    corrections = submission.corrections(session, month, basis)
    rows = list(ledger.rows(session, month, basis))
    if not rows:
        return None
    digest = drafts.Digest(corrections)
    for row in rows:
        digest.add(row)
    _write(target, heading, rows, corrections, basis)
    draft = drafts.find(session, month, basis) or LedgerDraft(month=str(month), basis=basis)
    draft.made_at, draft.rows, draft.digest = now(), len(rows), str(digest)
    draft.file_name, draft.file = _name(heading.unit, params), target.getvalue()
    session.add(draft)
    session.flush()
    return draft


def draw_up_due(session: Session) -> None:
    """Periodic: make the drafts of last month's ledgers, on the first working day of a month or later, and those of
    months that were missed. At most DRAFTS_AT_ONCE, because others can't write meanwhile."""
    drafts.drop_ahead(session, today())
    made = 0
    for month, basis in drafts.due(session, today()):
        made += draw_up(session, month, basis) is not None
        if made == DRAFTS_AT_ONCE:
            break


def _write(*args: Any) -> Totals:
    from bureau.ledger.web import workbook  # noqa: PLC0415 - and openpyxl with it, when a ledger is written

    return workbook.write(*args)


def _heading(session: Session, params: LedgerRequest) -> Heading:
    values = settings.all_values(session)
    period = f"{params.month.span}（{PERIOD[params.basis]}）"
    heading = paper.heading(values, f"{values['ledger_title']}（{params.month.words}）", period, part=params.squad_name)
    head = heads.current(session.connection()) if values["ledger_log_head"] else None
    return replace(heading, last_line=LOG_HEAD.format(head.block, head.seal[:SEAL_DIGITS])) if head else heading


def _name(unit: str, params: LedgerRequest) -> str:
    suffix = BY_CLOSING if params.basis == Basis.CLOSED else ""
    return paper.file_name(unit, WORDS, params.month.words, suffix)
