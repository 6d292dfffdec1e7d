"""The versions of a checklist item. A version that cases refer to stays as it is: a change adds the next one, and ends
the one before it on the day before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import Case, ChecklistItem
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.errors import UserError
from panel.fields import fields
from panel.i18n import _
from panel.security.policy import SYSTEM, table_of
from panel.security.session import actor_of
from panel.security.watches import Watch

#: What may be changed in a version in use, since no case depends on it.
IN_PLACE = frozenset({"valid_until", "other_words"})


def last_day(begins: date | None, ends: date | None, next_start: date) -> date | None:
    """The last day of a version, in force from `begins` to `ends`, when the next one starts. A version that ends before
    that, or starts no earlier, keeps its end."""
    last = next_start - timedelta(days=1)
    if (begins is None or begins <= last) and (ends is None or ends > last):
        return last
    return ends


def until(ends: date | None, start: date) -> date | None:
    """The last day of the next version, taken over from the one before where it is not past."""
    return ends if ends is None or ends >= start else None


def used(session: Session, ids: Collection[int]) -> set[int]:
    """Those of these versions that a case refers to. Unscoped: the rule doesn't depend on who may see the case."""
    item, case = table_of(ChecklistItem).c, table_of(Case).c
    found: set[int] = set()
    for batch in chunks(ids):
        statement = select(item.id).where(item.id.in_(batch), exists().where(case.item_id == item.id))
        found |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return found


def _used_stay(session: Session, ids: Collection[int]) -> None:
    """Raise UserError if a case refers to one of these versions. The system's own work isn't held."""
    if actor_of(session) == SYSTEM:
        return
    item, taken = table_of(ChecklistItem).c, used(session, ids)
    if not taken:
        return
    statement = select(item.code, item.version_no).where(item.id.in_(taken)).order_by(item.code)
    for code, number in session.execute(statement, execution_options=UNSCOPED):
        raise UserError(
            _(
                "Cases refer to version {n} of {code}: it stays as it is. Its form adds the next one.",
                n=number,
                code=code,
            )
        )


#: A version in use stays as it is, by whichever way it is written. Form and import add the next version instead.
WATCHES = (Watch(ChecklistItem, frozenset({f.attr for f in fields(ChecklistItem)} - IN_PLACE), _used_stay),)
