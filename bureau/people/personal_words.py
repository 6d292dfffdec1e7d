"""What a password of a person must not contain: their unit, community and telephones."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import Community, Liaison, Officer, Squad
from panel.base import UNSCOPED

#: Endings of names, without which they are typed too.
_ENDINGS = ("社区", "街道", "中队", "分队", "大队")


def personal_words(session: Session, user_id: int) -> list[str]:
    """The words of an account's person. Three statements."""
    words: list[str | None] = [settings.get(session, "unit_name")]
    liaison = (
        select(Liaison.mobile, Liaison.telephone, Community.name)
        .join(Community, Community.id == Liaison.community_id)
        .where(Liaison.user_id == user_id)
    )
    officer = (
        select(Officer.mobile, Squad.name)
        .outerjoin(Squad, Squad.id == Officer.squad_id)
        .where(Officer.user_id == user_id)
    )
    for statement in (liaison, officer):
        for row in session.execute(statement, execution_options=UNSCOPED):
            words += row
    plain = [word for word in words if word]
    return plain + [word.removesuffix(ending) for word in plain for ending in _ENDINGS if word.endswith(ending)]
