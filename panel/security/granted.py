"""Acts take their rows from the roles that grant them: within granted(), a session reaches what those roles reach
together, and nothing that another role of the account merely reads.

with granted(session, Permission.EXPORT, Case):
    session.scalars(select(Case))  # for a leader who is head too: the squad's cases, not the bureau's
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from panel.base import Base
from panel.security.policy import AccessDenied, Actor, Permission
from panel.security.session import actor_of, policy_of, set_actor


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to one act on all of these tables."""

    action: Permission
    models: tuple[type[Base], ...]


@contextmanager
def granted_all(session: Session, grants: Sequence[Grant]) -> Iterator[None]:
    """As granted(), by the roles that have all these rights."""
    with ExitStack() as stack:
        for grant in grants:
            stack.enter_context(granted(session, grant.action, *grant.models))
        yield


@contextmanager
def granted(session: Session, action: Permission, *models: type[Base]) -> Iterator[None]:
    """Let the session act by those roles alone that grant `action` on all of these tables, for everything that it reads
    in the block. Raises AccessDenied if no role of the actor does. The system acts as it is."""
    actor = actor_of(session)
    narrowed = policy_of(session).narrowed(actor, action, *models)
    if not (narrowed.system or narrowed.roles):
        raise AccessDenied
    with acting_as(session, narrowed):
        yield


@contextmanager
def acting_as(session: Session, actor: Actor) -> Iterator[None]:
    """Let the session act as this actor for the block."""
    before = actor_of(session)
    if actor == before:
        yield
        return
    set_actor(session, actor)
    try:
        yield
    finally:
        set_actor(session, before)
