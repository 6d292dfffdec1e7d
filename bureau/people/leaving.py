"""Nobody leaves while something hangs on them: rules at the end of every transaction that ends a term, retires an
officer, or deactivates their account. What hangs on them is given to others before, on the page of the handover."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bureau.people import holdings
from bureau.people.holdings import Held
from models import Liaison, Officer
from panel.base import UNSCOPED
from panel.errors import UserError, Way
from panel.i18n import Message, _
from panel.security.accounts import User
from panel.security.policy import table_of
from panel.security.watches import Watch

PAGE = "handover"


def refusal(session: Session, name: str, held: Iterable[Held]) -> Message:
    """The sentence that says what hangs on somebody who leaves."""
    if things := holdings.summary(session, held):
        return _("{name} still holds: {things}. Hand over first.", name=name, things=things)
    return _("Matters that {name} holds must be handed over first. Ask the office.", name=name)


def way(table: str, id_: int) -> Way:
    return Way(_("Hand over"), PAGE, {"person": f"{table}:{id_}"})


def _refuse(session: Session, table: str, names: Mapping[int, str]) -> None:
    """Raise UserError if something hangs on one of these people."""
    held = holdings.holding_up(session, table, names)
    for id_ in sorted(held):
        raise UserError(refusal(session, names[id_], held[id_]), way(table, id_))


def _names(session: Session, model: type[Liaison] | type[Officer], *where: ColumnElement[bool]) -> dict[int, str]:
    columns = table_of(model).c
    statement = select(columns.id, columns.name).where(*where)
    return {row.id: row.name for row in session.execute(statement, execution_options=UNSCOPED)}


def _liaisons_end(session: Session, ids: Collection[int]) -> None:
    _refuse(session, "liaison", _names(session, Liaison, Liaison.id.in_(ids), Liaison.end_on.is_not(None)))


def _liaisons_move(session: Session, ids: Collection[int]) -> None:
    """A liaison who goes to another community leaves the first one: that is an end and a new term."""
    _refuse(session, "liaison", _names(session, Liaison, Liaison.id.in_(ids)))


def _officers_retire(session: Session, ids: Collection[int]) -> None:
    _refuse(session, "officer", _names(session, Officer, Officer.id.in_(ids), Officer.active.is_(False)))


def _accounts_end(session: Session, ids: Collection[int]) -> None:
    ended = select(table_of(User).c.id).where(table_of(User).c.id.in_(ids), table_of(User).c.active.is_(False))
    _refuse(session, "liaison", _names(session, Liaison, Liaison.user_id.in_(ended)))
    _refuse(session, "officer", _names(session, Officer, Officer.user_id.in_(ended)))


WATCHES = (
    Watch(Liaison, frozenset({"end_on"}), _liaisons_end),
    Watch(Liaison, frozenset({"community_id"}), _liaisons_move),
    Watch(Officer, frozenset({"active"}), _officers_retire),
    Watch(User, frozenset({"active"}), _accounts_end),
)
