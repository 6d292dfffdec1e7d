"""The screen of accounts, with the actions that reset a password and unlock. Accounts are never deleted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import abort, flash
from flask_admin.actions import action
from sqlalchemy import update

from panel.i18n import Message, _, in_default_locale
from panel.kinds import now
from panel.search.listing import Quick
from panel.security import audit, passwords
from panel.security.accounts import User, UserRole
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.web.context import current_actor, current_panel
from panel.web.views import SchemaView


def new_password(user: User) -> str:
    """Set a temporary password, which must be changed at the next log-in, unlock the account and end its sessions.
    Returns the password."""
    password = passwords.temporary()
    hashed = current_panel().passwords.hash(password)
    user.password_hash, user.must_change, user.stamp = hashed, True, secrets.token_hex(16)
    user.failures, user.locked_until = 0, None
    return password


def _shown_once(user: User, password: str) -> Message:
    return _("Password of {name}, shown only now: {password}", name=user.username, password=password)


class UserView(SchemaView):
    """Accounts. A new one gets a password that is shown once."""

    quick = {
        "locked": Quick(_("Locked"), lambda _actor: User.locked_until > now()),
        "unused": Quick(_("Never logged in"), lambda _actor: User.last_login_at.is_(None)),
        "inactive": Quick(_("Not active"), lambda _actor: User.active.is_(False)),
    }

    def may(self, act: Permission) -> bool:
        """Like the role's permissions, but accounts are deactivated, not deleted, because records refer to them."""
        return act is not Permission.DELETE and super().may(act)

    def may_reset(self) -> bool:
        return self.may(Permission.EDIT)

    def may_unlock(self) -> bool:
        """Whether the actor may edit accounts or their roles."""
        return self.may(Permission.EDIT) or current_panel().policy.may(current_actor(), Permission.EDIT, UserRole)

    def on_save(self, record: Any, *, is_created: bool) -> None:
        if is_created:
            flash(str(_shown_once(record, new_password(record))), "info")

    def is_action_allowed(self, name: str) -> bool:
        own = {"reset": self.may_reset, "unlock": self.may_unlock}
        return own[name]() if name in own else name != "delete" and bool(super().is_action_allowed(name))

    @action("reset", _("Reset password"))
    def action_reset(self, records: Sequence[User]) -> None:
        if not self.may_reset():
            abort(403)
        session = current_panel().session
        for user in records:
            password = new_password(user)
            audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Password reset")))
            flash(str(_shown_once(user, password)), "info")
        session.commit()

    @action("unlock", _("Unlock"))
    def action_unlock(self, records: Sequence[User]) -> None:
        """Unlock accounts. Not by the ORM, whose checks would require the permission to edit accounts."""
        session = current_panel().session
        for user in records:
            audit.note(session, AuditAction.EVENT, "user", user.id, in_default_locale(_("Unlocked")))
        session.connection().execute(
            update(User).where(User.id.in_([user.id for user in records])).values(failures=0, locked_until=None)
        )
        session.commit()
        flash(in_default_locale(_("Unlocked: {names}", names="、".join(user.name for user in records))), "success")
