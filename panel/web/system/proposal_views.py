"""The screens of roles and of proposals. A role that two give or take becomes a proposal; another administrator
confirms it on its page."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin.base import expose

from panel.errors import UserError
from panel.i18n import _
from panel.kinds import tidy
from panel.search.listing import Quick
from panel.security import passwords
from panel.security.policy import Permission
from panel.security.separation import ROLES_BY_TWO
from panel.store import proposals
from panel.store.proposals import Proposal, ProposalKind, ProposalStatus
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, DetailsPage
from panel.web.system.account_views import shown_once
from panel.web.views import SchemaView


def to_proposal(proposal: Proposal) -> Any:
    """The answer after something was asked for: the page of its proposal."""
    flash(str(_("Asked for. Another administrator confirms it on this page.")), "info")
    return redirect(url_for("proposal.details_view", id=proposal.id), 303)


class UserRoleView(SchemaView):
    """Roles of accounts. Those that two give or take are asked for here too."""

    def _save(self, form: Any, record: Any, *, is_created: bool) -> Any:
        saved, problems = super()._save(form, record, is_created=is_created)
        if is_created and saved is None and any(message == ROLES_BY_TWO for _name, message in problems):
            session, values = current_panel().session, form.data
            reason = str(_("Asked for on the page of roles."))
            asked = {name: values.get(name) for name in ("role", "until")}
            user_id = form["user"].data
            proposal = proposals.ask(session, ProposalKind.GRANT, reason, user_id=user_id, **asked)
            session.commit()
            abort(to_proposal(proposal))
        return saved, problems

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if self.may(Permission.DELETE) and Permission.DELETE not in self.acts(record):
            asked = {"kind": ProposalKind.REVOKE.value, "user": record.user_id, "role": record.role}
            page.buttons.append(Button(_("Ask to take the role…"), url_for("proposal.create_view", **asked)))
        return page


class ProposalView(SchemaView):
    """Proposals: asked for on the form, decided on the page of each."""

    quick = {"waiting": Quick(_("Waiting"), lambda _actor: Proposal.status == ProposalStatus.WAITING)}
    badge = "waiting"

    def on_save(self, record: Any, *, is_created: bool) -> None:
        record.asked_by = current_actor().name[:80]

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        session = current_panel().session
        if record.status is not ProposalStatus.WAITING:
            return page
        url = url_for("proposal.decide_view")
        if proposals.refusal(session, record) is None:
            values = {"id": str(record.id), "decision": "refuse"}
            page.buttons.append(Button(_("Refuse"), url, post=True, danger=True, values=values))
            question = _("Confirm it? It is carried out at once.")
            values = {"id": str(record.id), "decision": "confirm"}
            page.buttons.append(
                Button(_("Confirm"), url, "check", post=True, primary=True, confirm=question, values=values)
            )
        elif record.created_by_id == current_actor().user_id:
            values = {"id": str(record.id), "decision": "withdraw"}
            page.buttons.append(Button(_("Take back"), url, post=True, values=values))
        return page

    @expose("/decide/", methods=("POST",))
    def decide_view(self) -> Any:
        """Confirm, refuse or take back a proposal. A one-time password is shown in this answer alone."""
        self.require(Permission.READ)
        panel = current_panel()
        decision = tidy(request.form.get("decision"))
        password = passwords.temporary()
        # Hashed before the transaction begins, so that nobody waits.
        hashed = panel.passwords.hash(password) if decision == "confirm" else ""
        record = self.get_one(request.form.get("id"))
        session, kind = panel.session, record.kind
        try:
            if decision == "withdraw":
                proposals.withdraw(session, record)
            elif decision in ("confirm", "refuse"):
                confirm = decision == "confirm"
                proposals.decide(session, record, confirm=confirm, hashed=hashed, store=panel.store_setting)
            else:
                abort(404)
            session.commit()
        except UserError as problem:
            session.rollback()
            flash(str(problem.message), "danger")
        else:
            flash(str(record.status.label), "success")
            if decision == "confirm" and kind is ProposalKind.RESET:
                flash(str(shown_once(record.user, password)), "info")
        return redirect(self.get_url(".details_view", id=request.form.get("id")))
