"""The set-up steps of an empty system, shown on the home page until all are done."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from models import ChecklistItem, Community, Liaison, Squad, Street
from panel.base import UNSCOPED
from panel.i18n import _
from panel.security.accounts import User
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import SetupStep


def first_steps() -> list[SetupStep]:
    """The set-up steps; none once all are done. Two statements."""
    panel, actor = current_panel(), current_actor()
    models: list[Any] = [Street, Squad, User, ChecklistItem, Community, Liaison]
    linked = select(Liaison.id).where(Liaison.user_id.is_not(None))
    firsts = [*(select(model.id) for model in models), linked]
    statement = select(*(first.limit(1).scalar_subquery() for first in firsts))
    *found, first_linked = panel.session.execute(statement, execution_options=UNSCOPED).one()
    first_ids = dict(zip(models, found, strict=True))
    accounts = panel.session.execute(select(User.id).limit(2), execution_options=UNSCOPED).all()
    unit = values()["unit_name"]

    def link(table: str) -> str:
        view = panel.views[table]
        return url_for(f"{table}.index_view") if panel.policy.may(actor, Permission.READ, view.model) else ""

    steps = [
        SetupStep(_("Name of the unit"), _("It stands on every page and ledger."), url_for("settings"), bool(unit)),
        SetupStep(
            _("Streets"),
            _("Add them, or let the import of communities add them."),
            link("street"),
            first_ids[Street] is not None,
        ),
        SetupStep(_("Squads"), _("Mark the pilot squad."), link("squad"), first_ids[Squad] is not None),
        SetupStep(_("Accounts"), _("One for each person, with the roles they need."), link("user"), len(accounts) > 1),
        SetupStep(
            _("The two lists"),
            _("Check items and time limits."),
            link("checklistitem"),
            first_ids[ChecklistItem] is not None,
        ),
        SetupStep(_("Communities"), _("With street and squad."), link("community"), first_ids[Community] is not None),
        SetupStep(
            _("Liaison roster"),
            _("One active liaison for each community."),
            link("liaison"),
            first_ids[Liaison] is not None,
        ),
        SetupStep(
            _("Accounts of people"),
            _("The administrator makes them in one act; liaisons and officers see and report by them."),
            url_for("accounts") if panel.offers("accounts") else link("liaison"),
            first_linked is not None,
        ),
    ]
    return [] if all(step.done for step in steps) else steps
