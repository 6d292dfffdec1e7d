"""Proposals: what touches an administrator's account, or switches a protection off, is asked for by one and confirmed
by another administrator; then it is carried out at once. So are roles in general where the application says so
(SEPARATION.always). Each proposal stays on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship

from panel.base import UNSCOPED, Path, Public, Record
from panel.errors import UserError
from panel.fields import col
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Choice, Choices, Code, Day, Moment, Reference, Text, now, today
from panel.security import audit, creation
from panel.security.accounts import RoleName, User, UserRole
from panel.security.locks import EVERYTHING, unlocked
from panel.security.policy import AccessDenied, Permission, table_of
from panel.security.records import AuditAction
from panel.security.separation import SEPARATION, administers
from panel.security.session import actor_of, elevated, policy_of
from panel.store.login import tries
from panel.store.records import Setting

#: How the application stores a setting, and what it says of it.
Store = Callable[[Session, str, str], None]


class ProposalKind(Choices):
    GRANT = "grant", _("Give a role"), "brand"
    REVOKE = "revoke", _("Take a role"), "warn"
    RESET = "reset", _("Reset the password"), "warn"
    DEACTIVATE = "deactivate", _("Deactivate the account"), "bad"
    ACTIVATE = "activate", _("Activate the account"), "good"
    SETTING = "setting", _("Change a setting"), "bad"


class ProposalStatus(Choices):
    WAITING = "waiting", _("Waits for another administrator"), "warn"
    CONFIRMED = "confirmed", _("Confirmed and carried out"), "good"
    REFUSED = "refused", _("Refused"), "bad"
    WITHDRAWN = "withdrawn", _("Withdrawn"), ""


ROLE_KINDS = frozenset({ProposalKind.GRANT, ProposalKind.REVOKE})
STATUS = _("Status")


class Proposal(Record):
    """Something that one administrator asks for and another one confirms."""

    __tablename__, __label__, __labels__ = "proposal", _("Proposal"), _("Proposals")
    __scope__: ClassVar[Path] = Public()
    __display__, __order__ = ("kind", "user"), "-id"
    __imported__ = False

    kind: Mapped[ProposalKind] = col(Choice(ProposalKind), _("Proposed"), required=True)
    user_id: Mapped[int | None] = col(Reference("user"), _("Account"))
    role: Mapped[str | None] = col(RoleName(20), _("Role"), help=_("For giving and taking a role."))
    until: Mapped[date | None] = col(
        Day(), _("Valid until"), help=_("The role ends by itself after this day. Empty: it has no end.")
    )
    reason: Mapped[str] = col(Text(200), _("Reason"), required=True)
    status: Mapped[ProposalStatus] = col(
        Choice(ProposalStatus), STATUS, required=True, default=ProposalStatus.WAITING, readonly=True
    )
    asked_by: Mapped[str] = col(Text(80), _("Asked by"), required=True, default="", readonly=True)
    asked_at: Mapped[datetime] = col(Moment(), _("Asked at"), required=True, default=now, readonly=True)
    decided_by: Mapped[str | None] = col(Text(80), _("Decided by"), readonly=True)
    decided_at: Mapped[datetime | None] = col(Moment(), _("Decided at"), readonly=True, listed=False)
    setting: Mapped[str | None] = col(Code(40), _("Setting"), readonly=True, listed=False)
    value: Mapped[str | None] = mapped_column(String(500), default=None)

    user: Mapped[User | None] = relationship(foreign_keys=[user_id])

    def problems(self, session: Session) -> Iterator[tuple[str, Message]]:
        """Errors: what can't be asked for, by whom it is asked."""
        return problems(session, self)


def problems(session: Session, asked: Any) -> Iterator[tuple[str, Message]]:
    """What is wrong with a proposal, or with its row, for the actor who asks."""
    actor = actor_of(session)
    if not actor.system and not may_ask(session, asked.kind):
        yield "kind", _("Your role doesn't ask for this.")
    if asked.kind is ProposalKind.SETTING:
        return
    if asked.user_id is None:
        yield "user", _("This must be filled in.")
        return
    if asked.user_id == actor.user_id:
        yield "user", _("Nobody asks for anything about their own account.")
    if asked.kind in ROLE_KINDS:
        yield from _role_problems(session, asked)


def _role_problems(session: Session, asked: Any) -> Iterator[tuple[str, Message]]:
    policy, role = policy_of(session), table_of(UserRole).c
    if asked.role not in policy.roles:
        yield "role", _("There is no such role.")
        return
    held = frozenset(session.connection().execute(select(role.role).where(role.user_id == asked.user_id)).scalars())
    if asked.kind is ProposalKind.REVOKE:
        if asked.role not in held:
            yield "role", _("This account doesn't have this role.")
        return
    if asked.role in held:
        yield "role", _("This account has this role.")
    elif conflict := policy.conflict(session, held | {asked.role}):
        yield "role", conflict
    if asked.until is not None and asked.until < today():
        yield "until", _("This day is over.")


def may_ask(session: Session, kind: ProposalKind) -> bool:
    """Whether the actor's roles ask for this: those that give roles, edit accounts or settings."""
    policy, actor = policy_of(session), actor_of(session)
    if kind in ROLE_KINDS:
        return policy.may(actor, Permission.CREATE, UserRole)
    return policy.may(actor, Permission.EDIT, Setting if kind is ProposalKind.SETTING else User)


def _check(session: Session, written: creation.Written) -> Sequence[tuple[str, Message]]:
    """A proposal is one: nobody writes one that is decided, or about themselves."""
    if actor_of(session).system:
        return []
    rows = table_of(Proposal)
    for asked in session.connection().execute(select(rows).where(rows.c.id.in_(written))):
        if asked.status is not ProposalStatus.WAITING:
            return [("status", _("A proposal is decided by another administrator."))]
        if problem := next(problems(session, asked), None):
            return [problem]
    return []


creation.declare(Proposal, creation.RowRule(_check))


def ask(session: Session, kind: ProposalKind, reason: str, **values: Any) -> Proposal:
    """Add a proposal for the actor and flush. The same one that waits already is returned. Raises RowRefused."""
    same = [getattr(Proposal, name) == value for name, value in values.items()]
    statement = select(Proposal).where(Proposal.kind == kind, Proposal.status == ProposalStatus.WAITING, *same)
    if (waiting := session.execute(statement).scalars().first()) is not None:
        return waiting
    proposal = Proposal(kind=kind, reason=reason, asked_by=actor_of(session).name[:80], **values)
    session.add(proposal)
    session.flush()
    return proposal


def refusal(session: Session, proposal: Proposal) -> Message | None:
    """Why the actor can't confirm or refuse a proposal; None if they can: an administrator, neither the one who asked
    nor the one whom it is about."""
    actor = actor_of(session)
    if proposal.status is not ProposalStatus.WAITING:
        return _("This proposal is decided already.")
    if not actor.system and not actor.roles & SEPARATION.roles:
        return AccessDenied().message
    if actor.user_id is not None and actor.user_id in (proposal.created_by_id, proposal.user_id):
        return _("Another administrator decides this: neither who asked for it nor whose account it is.")
    return None


def decide(
    session: Session, proposal: Proposal, *, confirm: bool, hashed: str = "", store: Store | None = None
) -> None:
    """Confirm a proposal and carry it out, or refuse it, and flush. `hashed` is the hash of the one-time password of a
    reset. Raises UserError, or AccessDenied."""
    session.execute(select(Proposal.id).where(Proposal.id == proposal.id).with_for_update(), execution_options=UNSCOPED)
    session.refresh(proposal)
    if why := refusal(session, proposal):
        raise UserError(why)
    actor = actor_of(session)
    if confirm and proposal.kind is not ProposalKind.SETTING:
        problem = next((message for name, message in problems(session, proposal) if name != "kind"), None)
        if problem is not None:
            raise UserError(problem)
    with unlocked(session, EVERYTHING), elevated(session, f"{actor.name} ({proposal.asked_by})"[:80]):
        if confirm:
            _carry_out(session, proposal, hashed, store)
        proposal.status = ProposalStatus.CONFIRMED if confirm else ProposalStatus.REFUSED
        proposal.decided_by, proposal.decided_at = actor.name[:80], now()


def withdraw(session: Session, proposal: Proposal) -> None:
    """Take back a proposal of one's own, and flush. Raises UserError."""
    actor = actor_of(session)
    if proposal.status is not ProposalStatus.WAITING or actor.user_id != proposal.created_by_id:
        raise UserError(_("Who asked for it takes it back, as long as it waits."))
    with elevated(session):
        proposal.status = ProposalStatus.WITHDRAWN
        proposal.decided_by, proposal.decided_at = actor.name[:80], now()


def _carry_out(session: Session, proposal: Proposal, hashed: str, store: Store | None) -> None:
    if proposal.kind is ProposalKind.SETTING:
        assert store is not None
        store(session, proposal.setting or "", proposal.value or "")
        return
    user = session.get_one(User, proposal.user_id)
    if proposal.kind is ProposalKind.GRANT:
        session.add(UserRole(user_id=user.id, role=proposal.role or "", until=proposal.until))
    elif proposal.kind is ProposalKind.REVOKE:
        statement = select(UserRole).where(UserRole.user_id == user.id, UserRole.role == proposal.role)
        for role in session.execute(statement, execution_options=UNSCOPED).scalars():
            session.delete(role)
    elif proposal.kind is ProposalKind.RESET:
        set_password(user, hashed)
        audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Password reset")))
    else:
        user.active = proposal.kind is ProposalKind.ACTIVATE


def set_password(user: User, hashed: str) -> None:
    """Set a one-time password by its hash, which must be changed at the next log-in, unlock the account and end its
    sessions."""
    user.set_password(hashed, must_change=True)
    user.failures, user.locked_until = 0, None
    if (session := object_session(user)) is not None and user.id is not None:
        tries.unlock(session, [user.id])


def needs_two(session: Session, user_id: int) -> bool:
    """Whether two administrators act on this account."""
    user = table_of(User).c
    statement = select(user.id).where(user.id == user_id, SEPARATION.on(), administers(user.id))
    return session.connection().execute(statement).first() is not None


def end_roles(session: Session) -> None:
    """Periodic: clear away the roles that have ended, which the audit records."""
    for role in session.execute(select(UserRole).where(UserRole.until < today())).scalars():
        session.delete(role)
