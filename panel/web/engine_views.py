"""The screens of the engine's own tables: imports, accounts, logs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from panel.base import Base
from panel.exports.records import ExportLog
from panel.i18n import Message
from panel.imports.records import ImportBatch, ImportRow
from panel.security.accounts import LoginLog, User, UserRole
from panel.security.login_records import LoginSession
from panel.security.records import AuditEntry
from panel.security.separation import SEPARATION
from panel.store.proposals import Proposal
from panel.web.imports.batch_views import BatchView, RowView
from panel.web.login.session_pages import SessionView
from panel.web.panel import FILES, SYSTEM
from panel.web.system.account_views import UserView
from panel.web.system.log_views import AuditView, ExportLogView, LoginLogView
from panel.web.system.proposal_views import ProposalView, UserRoleView
from panel.web.views import SchemaView

#: View, model, group in the side bar, icon. The roles grant access to them as to every table.
ENGINE_VIEWS: tuple[tuple[type[SchemaView], type[Base], Message, str], ...] = (
    (BatchView, ImportBatch, FILES, "upload"),
    (RowView, ImportRow, FILES, "list-ol"),
    (UserView, User, SYSTEM, "user-circle-o"),
    (UserRoleView, UserRole, SYSTEM, "key"),
    (ProposalView, Proposal, SYSTEM, "handshake-o"),
    (SessionView, LoginSession, SYSTEM, "desktop"),
    (LoginLogView, LoginLog, SYSTEM, "sign-in"),
    (AuditView, AuditEntry, SYSTEM, "book"),
    (ExportLogView, ExportLog, SYSTEM, "download"),
)


def engine_views(db: Any, replaced: Collection[type[Base]]) -> list[SchemaView]:
    """A view of each table of the engine, without those of the tables in `replaced`. A panel without administrators who
    act by two has no proposals."""
    left_out = {*replaced, *(() if SEPARATION.roles else (Proposal,))}
    return [
        view(model, db, group=group, icon=icon) for view, model, group, icon in ENGINE_VIEWS if model not in left_out
    ]
