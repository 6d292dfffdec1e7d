"""Accounts and their roles: what the generated screens don't know of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import abort, flash
from flask_admin.actions import action
from sqlalchemy import select, update

from bureau.access.roles import mixed_roles
from bureau.settings import settings
from panel.i18n import _, for_the_record
from panel.kinds import Invalid, now
from panel.search.listing import Quick
from panel.security import audit, passwords
from panel.security.accounts import User, UserRole
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.web.context import current_actor, current_panel
from panel.web.views import SchemaView


def new_password(user: User) -> str:
    """Give an account a password to hand over once, which must be changed at the next log-in; ends its sessions."""
    password = passwords.temporary()
    hashed = current_panel().passwords.hash(password)
    user.password_hash, user.must_change, user.stamp = hashed, True, secrets.token_hex(16)
    user.failures, user.locked_until = 0, None
    return password


class UserView(SchemaView):
    """Accounts. A new one gets a password that is shown once."""

    quick = {
        "locked": Quick(_("Locked"), lambda _actor: User.locked_until > now()),
        "unused": Quick(_("Never logged in"), lambda _actor: User.last_login_at.is_(None)),
        "inactive": Quick(_("Not active"), lambda _actor: User.active.is_(False)),
    }

    def on_save(self, record: Any, *, is_created: bool) -> None:
        if is_created:
            password = new_password(record)
            flash(
                str(_("Password of {name}, shown only now: {password}", name=record.username, password=password)),
                "info",
            )

    def is_action_allowed(self, name: str) -> bool:
        if name == "delete":
            return False
        if name in ("reset", "unlock"):
            held = current_actor().roles
            return bool(held & ({"administrator"} if name == "reset" else {"administrator", "security"}))
        return bool(super().is_action_allowed(name))

    @action("reset", _("Reset password"))
    def action_reset(self, records: Sequence[User]) -> None:
        self._require_write()
        session = current_panel().session
        for user in records:
            password = new_password(user)
            audit.note(session, AuditAction.EVENT, "user", user.id, for_the_record(_("Password reset")))
            flash(
                str(_("Password of {name}, shown only now: {password}", name=user.username, password=password)), "info"
            )
        session.commit()

    @action("unlock", _("Unlock"))
    def action_unlock(self, records: Sequence[User]) -> None:
        """Core update: the security administrator may unlock, but edit nothing else of an account."""
        session = current_panel().session
        for user in records:
            audit.note(session, AuditAction.EVENT, "user", user.id, for_the_record(_("Unlocked")))
        session.connection().execute(
            update(User).where(User.id.in_([user.id for user in records])).values(failures=0, locked_until=None)
        )
        session.commit()
        flash(for_the_record(_("Unlocked: {names}", names="、".join(user.name for user in records))), "success")

    def _require_write(self) -> None:
        if not self.may(Permission.EDIT):
            abort(403)


class UserRoleView(SchemaView):
    """Roles of accounts; nobody changes their own, and administration is kept apart from business."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        session = current_panel().session
        if record.user_id == current_actor().user_id:
            raise Invalid(_("Nobody gives roles to their own account."))
        with session.no_autoflush:
            statement = select(UserRole.role).where(UserRole.user_id == record.user_id)
            if record.id is not None:
                statement = statement.where(UserRole.id != record.id)
            held = frozenset(session.execute(statement).scalars()) | {record.role}
            separate = settings.get(session, "separate_admins")
        if record.role not in current_panel().policy.roles:
            raise Invalid(_("There is no such role."))
        if separate and (problem := mixed_roles(held)):
            raise Invalid(problem)
