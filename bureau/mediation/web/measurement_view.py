"""The view of measurements."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin.base import expose

from bureau.mediation import measuring
from models import (
    Conclusion,
    Measurement,
)
from panel.i18n import _
from panel.search.listing import Quick
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.guards import safe_target
from panel.web.pages import Button, DetailsPage
from panel.web.views import SchemaView


class MeasurementView(SchemaView):
    """Measurements. One without a conclusion shows the reason and can be judged later."""

    add_label = _("Record a measurement")
    quick = {
        "open": Quick(_("Not judged"), lambda _a: Measurement.conclusion.is_(None)),
        "over": Quick(_("Over the limit"), lambda _a: Measurement.conclusion == Conclusion.OVER, counted=False),
    }

    def on_save(self, record: Any, *, is_created: bool) -> None:
        session = current_panel().session
        session.flush()
        if obstacle := measuring.obstacle_of(session, record):
            flash(str(_("Kept without a conclusion.")) + " " + str(obstacle), "warning")

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if record.conclusion is None:
            page.sub = str(measuring.obstacle_of(current_panel().session, record) or page.sub)
            if self.may_change(record):
                url = self.get_url(".judge_view")
                again = Button(_("Judge now"), url, "gavel", post=True, values={"id": str(record.id)})
                page.buttons.insert(0, again)
        return page

    @expose("/judge/", methods=("POST",))
    def judge_view(self) -> Any:
        """Judge a measurement that has no conclusion yet. 403 for a locked record."""
        self.require(Permission.EDIT)
        record = self.get_one(request.form.get("id"))
        if not self.may_change(record):
            abort(403)
        session = current_panel().session
        obstacle = measuring.obstacle_of(session, record)
        if obstacle is None and record.conclusion is None:
            measuring.judge(session, record)
            session.commit()
            conclusion = record.conclusion
            flash(str(_("Judged: {words}", words=conclusion.label if conclusion else "")), "success")
        elif obstacle is not None:
            flash(str(obstacle), "warning")
        return redirect(safe_target(request.form.get("url")) or self.get_url(".details_view", id=record.id))
