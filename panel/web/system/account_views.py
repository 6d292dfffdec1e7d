"""The screen of accounts, with the actions that reset a password and unlock. Accounts are never deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash
from flask_admin.actions import action
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from panel.i18n import Message, _, in_default_locale, listed
from panel.kinds import now, today
from panel.search import extra_columns
from panel.search.extra_columns import ExtraColumn, Value
from panel.search.listing import Quick
from panel.security import audit, passwords
from panel.security.accounts import RoleName, User, UserRole
from panel.security.login_records import SessionEnd
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.store import proposals
from panel.store.login import factors, sessions, tries
from panel.store.proposals import set_password
from panel.web.context import current_actor, current_panel
from panel.web.pages import DetailsPage
from panel.web.system import view_as
from panel.web.views import SchemaView


def new_password(user: User) -> str:
    """Set a temporary password, which must be changed at the next log-in, unlock the account and end its sessions.
    Returns the password."""
    password = passwords.temporary()
    set_password(user, current_panel().passwords.hash(password))
    return password


def shown_once(user: User, password: str) -> Message:
    return _("Password of {name}, shown only now: {password}", name=user.username, password=password)


def _roles(session: Session, users: Sequence[int]) -> dict[int, Value]:
    """The roles of accounts that haven't ended. One statement."""
    names: dict[int, list[str]] = {}
    lasting = or_(UserRole.until.is_(None), UserRole.until >= today())
    held = select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_(users), lasting).order_by(UserRole.id)
    for user_id, role in session.execute(held):
        names.setdefault(user_id, []).append(str(RoleName.labels.get(role, role)))
    return {user_id: Value(listed(roles)) for user_id, roles in names.items()}


extra_columns.declare(User, ExtraColumn(name="roles", label=_("Roles"), after="name", values=_roles, reads=(UserRole,)))


class UserView(SchemaView):
    """Accounts. A new one gets a password that is shown once."""

    many_changes = False
    quick = {
        "locked": Quick(_("Locked"), lambda _actor: User.locked_until > now()),
        "unused": Quick(_("Never logged in"), lambda _actor: User.last_login_at.is_(None)),
        "inactive": Quick(_("Not active"), lambda _actor: User.active.is_(False)),
    }
    copies = False

    def may(self, act: Permission) -> bool:
        """Like the role's permissions, but accounts are deactivated, not deleted, because records refer to them."""
        return act is not Permission.DELETE and super().may(act)

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if (sees := view_as.button(record.id)) is not None:
            page.buttons.insert(0, sees)
        return page

    def may_reset(self) -> bool:
        return self.may(Permission.EDIT)

    def may_unlock(self) -> bool:
        """Whether the actor may edit accounts or their roles."""
        return self.may(Permission.EDIT) or current_panel().policy.may(current_actor(), Permission.EDIT, UserRole)

    def on_save(self, record: Any, *, is_created: bool) -> None:
        if is_created:
            flash(str(shown_once(record, new_password(record))), "info")

    def is_action_allowed(self, name: str) -> bool:
        own = {"reset": self.may_reset, "unlock": self.may_unlock, "factor": self.may_reset}
        return own[name]() if name in own else name != "delete" and bool(super().is_action_allowed(name))

    @action("reset", _("Reset password"))
    def action_reset(self, records: Sequence[User]) -> None:
        if not self.may_reset():
            abort(403)
        session = current_panel().session
        for user in records:
            if user.id == current_actor().user_id:
                flash(str(_("Nobody resets their own password. Change it on the page “Change password”.")), "danger")
                continue
            if proposals.needs_two(session, user.id):
                reason = str(_("Asked for on the page of accounts."))
                proposals.ask(session, proposals.ProposalKind.RESET, reason, user_id=user.id)
                words = _("{name} administers: another administrator confirms under “Proposals”.", name=user.username)
                flash(str(words), "info")
                continue
            password = new_password(user)
            audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Password reset")))
            flash(str(shown_once(user, password)), "info")
        session.commit()

    @action("factor", _("Remove second factor"), _("Remove the second factor? It is set up again at the next log-in."))
    def action_factor(self, records: Sequence[User]) -> None:
        """For a telephone that was lost. The sessions end, so that whoever has it is put out."""
        if not self.may_reset():
            abort(403)
        session = current_panel().session
        if by_two := [user.username for user in records if proposals.needs_two(session, user.id)]:
            names = listed(by_two)
            words = _("{names} administer: their second factor is removed by the command user reset.", names=names)
            flash(str(words), "danger")
            return
        ids = [user.id for user in records]
        factors.remove(session, ids)
        sessions.end_of(session, ids, SessionEnd.ACCOUNT)
        for user in records:
            audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Second factor removed")))
        session.commit()
        names = listed(user.name for user in records)
        flash(str(_("Second factor removed: {names}", names=names)), "success")

    @action("unlock", _("Unlock"))
    def action_unlock(self, records: Sequence[User]) -> None:
        """Unlock accounts."""
        session = current_panel().session
        for user in records:
            audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Unlocked")))
        tries.unlock(session, [user.id for user in records])
        session.commit()
        flash(str(_("Unlocked: {names}", names=listed(user.name for user in records))), "success")
