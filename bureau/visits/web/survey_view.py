"""The view of survey entries."""

from __future__ import annotations

from typing import Any

from flask import url_for

from panel.i18n import _
from panel.web.pages import Button, DetailsPage
from panel.web.views import SchemaView


class SurveyView(SchemaView):
    """Survey entries. Confirming one is a button; the page of the community has them all."""

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if self.may_change(record):
            page.buttons.insert(0, Button(_("Still so"), url_for("survey_confirm", id_=record.id), "check", post=True))
        page.buttons.insert(
            0, Button(_("Survey of the community"), url_for("survey", community=record.community_id), "binoculars")
        )
        return page
