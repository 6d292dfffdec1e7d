"""No community is closed while something hangs on it: a rule at the end of every transaction that closes one. The
merger moves what hangs and closes in one act."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bureau.people import communities, leaving
from models import ENDED, Assignment, Case, Community, CommunityStatus, Liaison, Visit, VisitStatus
from panel.base import UNSCOPED
from panel.errors import UserError, Way
from panel.i18n import Message, _
from panel.kinds import today
from panel.security.policy import table_of
from panel.security.watches import Watch


def _close(session: Session, ids: Collection[int]) -> None:
    """Raise UserError if something hangs on one of these communities, closed otherwise than by a merger."""
    columns = table_of(Community).c
    statement = select(columns.id, columns.name).where(
        columns.id.in_(ids), columns.status == CommunityStatus.CLOSED, columns.merged_into_id.is_(None)
    )
    for row in session.execute(statement.order_by(columns.id), execution_options=UNSCOPED).all():
        if things := _hanging(session, row.id):
            sentence = _(
                "{name} can't be closed yet: {things}. Merge it into another community, or end the cases, hand over "
                "the liaison and end the assignments first.",
                name=row.name,
                things=things,
            )
            raise UserError(sentence, _way(session, row.id))


def _hanging(session: Session, community: int) -> Message | None:
    """What hangs on a community, with numbers; None for nothing. A fixed number of statements, read past the scope."""
    kinds: tuple[tuple[Message, Any, tuple[Any, ...]], ...] = (
        (_("Open cases"), Case, (Case.status.not_in(ENDED),)),
        (_("Liaisons in office"), Liaison, (_goes_on(Liaison),)),
        (_("Assignments to communities"), Assignment, (_goes_on(Assignment),)),
        (_("Planned visits"), Visit, (Visit.status == VisitStatus.PLANNED, Visit.planned_on >= today())),
    )
    message: Message | None = None
    for label, model, where in kinds:
        statement = select(func.count(model.id)).where(model.community_id == community, *where)
        if n := session.execute(statement, execution_options=UNSCOPED).scalar_one():
            one = _("{label} {n}", label=label, n=n)
            message = one if message is None else _("{first}, {second}", first=message, second=one)
    return message


def _goes_on(model: type[Liaison] | type[Assignment]) -> Any:
    return or_(model.end_on.is_(None), model.end_on >= today())


def _way(session: Session, community: int) -> Way:
    if communities.may_merge(session):
        return Way(_("Merge into another"), "communities_merge", {"community": community}, allowed=True)
    return Way(_("Handover"), leaving.PAGE)


WATCHES = (Watch(Community, frozenset({"status"}), _close),)
