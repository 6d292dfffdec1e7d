"""The view of mediations, and the page of one with its sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, request, url_for
from flask_admin.base import expose
from sqlalchemy import and_

from bureau.cases import workflow
from bureau.cases.web import case_columns
from bureau.mediation import records as mediations
from bureau.mediation.steps import END_MEDIATION, PERFORM, SESSION
from bureau.mediation.web import papers
from bureau.mediation.web.case_section import performance_cell, reads
from models import (
    Attending,
    Force,
    Mediation,
    MediationMember,
    MediationStatus,
    Performance,
)
from panel.i18n import _, listed
from panel.kinds import Moment, today
from panel.search.listing import Quick
from panel.web import details
from panel.web.context import current_panel
from panel.web.pages import Button, Change, DetailsPage, HistoryItem
from panel.web.views import SchemaView

#: Steps of the case that the page of a mediation offers.
OFFERED = (SESSION, END_MEDIATION, PERFORM)


@dataclass(slots=True)
class MediationPage(DetailsPage):
    """The page of a mediation; `sessions` has the newest first, `papers` are links to what can be printed."""

    sessions: list[HistoryItem] = field(default_factory=list)
    papers: list[Button] = field(default_factory=list)


class MediationView(SchemaView):
    """Mediations. Steps of the case begin, continue and end them."""

    quick = {
        "running": Quick(_("In mediation"), lambda _a: Mediation.status == MediationStatus.RUNNING),
        "due": Quick(
            _("To follow up"),
            lambda _a: and_(Mediation.performance == Performance.PENDING, Mediation.perform_by <= today()),
        ),
        "breached": Quick(_("Breached"), lambda _a: Mediation.performance == Performance.BREACHED, counted=False),
    }
    cells = {"case": case_columns.case_cell, "performance": performance_cell}

    @expose("/details/")
    def details_view(self) -> Any:
        return self._shown(self.get_one(request.args.get("id")))

    def shown_clear(self, record: Any) -> Any:
        """The answer after a reveal: the paper that `as` names, else the page."""
        return papers.render(record, request.args.get("as", ""), clear=True) or self._shown(record)

    def _shown(self, record: Any) -> Any:
        return self.render("mediation/mediation.html", page=self.details_page(record))

    def details_page(self, record: Any) -> DetailsPage:
        generated = details.build(self, record, without=("mediationsession",))
        by_mediation = mediations.sessions_of(current_panel().session, [record.id], members=reads(MediationMember))
        sessions = by_mediation[record.id]
        page = MediationPage(
            title=generated.title,
            sub=generated.sub,
            tag=generated.tag,
            groups=[group for group in generated.groups if any(cell.text for _label, cell, _wide in group.facts)],
            related=generated.related,
            history=generated.history,
            sessions=_timeline(sessions),
            papers=papers.links(record, sessions, lambda name: self.get_url(".paper_view", id=record.id, paper=name)),
        )
        if record.status is MediationStatus.AGREED:
            url = self.get_url(".paper_view", id=record.id, paper=papers.AGREEMENT)
            page.buttons.append(Button(_("Print the agreement"), url, "print"))
        for button in generated.buttons:
            button.primary = False
            page.buttons.append(button)
        if record.case is not None:
            page.buttons += _step_buttons(record)
        return page

    @expose("/paper/")
    def paper_view(self) -> Any:
        """A paper of the mediation to print; 404 for one that there isn't."""
        record = self.get_one(request.args.get("id"))
        name = request.args.get("paper", "")
        clear = self.get_url(".reveal_view", **{"id": record.id, "as": name}) if self.may_reveal(record) else ""
        return papers.render(record, name, clear_url=clear) or abort(404)


def _step_buttons(record: Mediation) -> list[Button]:
    """The buttons of the steps that fit the state of the mediation, the usual one last."""
    buttons = []
    for step in workflow.available(current_panel().session, record.case):
        required = MediationStatus.AGREED if step is PERFORM else MediationStatus.RUNNING
        if step in OFFERED and record.status is required:
            url = url_for("case.step_view", id=record.case_id, step=step.name)
            primary = step is SESSION or record.performance is Performance.PENDING
            buttons.append(Button(step.label, url, primary=primary))
    return sorted(buttons, key=lambda button: button.primary)


def _timeline(sessions: mediations.Sessions) -> list[HistoryItem]:
    items = []
    for sitting, members in reversed(sessions):
        facts = [Change(_("Place"), "", sitting.place or ""), Change(_("Chaired by"), "", sitting.chair or "")]
        by_force = [
            Change(force.label, "", listed(member.name for member in members if member.force is force))
            for force in Force
        ]
        items.append(
            HistoryItem(
                act=str(_("Session {n}: {who}", n=sitting.session_no, who=sitting.attending.label)),
                tone="brand" if sitting.attending is Attending.BOTH else "",
                who="",
                at=Moment().format(sitting.held_at.replace(second=0)),
                note=sitting.minutes,
                changes=[change for change in (*facts, *by_force) if change.after],
            )
        )
    return items
