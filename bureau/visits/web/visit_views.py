"""The views of visits and assignments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import inspect

from bureau.visits import planning, visits
from bureau.visits.web import visit_places
from models import Assignment, Visit, VisitStatus
from panel.i18n import _
from panel.kinds import Invalid, today
from panel.search.listing import Quick
from panel.security.session import elevated
from panel.web.context import current_panel
from panel.web.pages import Button, Chip, DetailsPage
from panel.web.views import SchemaView

#: Columns that nobody changes, and columns that only leader and office change.
FIXED_COLUMNS, LEADER_COLUMNS = {"planned_on", "community_id"}, {"officer_id", "liaison_id", "reason"}


class VisitView(SchemaView):
    """Visits. Acts on a visit are on its own page."""

    quick = {
        "planned": Quick(_("To visit"), lambda _a: Visit.status == VisitStatus.PLANNED, counted=False),
        "this_week": Quick(
            _("This week"),
            lambda _a: Visit.planned_on.between(
                planning.monday_of(today()), planning.monday_of(today()) + timedelta(6)
            ),
        ),
        "missed": Quick(_("Missed"), lambda _a: Visit.status == VisitStatus.MISSED),
    }

    def places(self) -> list[Chip]:
        return visit_places.tabs()

    def on_save(self, record: Any, *, is_created: bool) -> None:
        """Refuse changes of Monday and community, so that a missed Monday can't be moved, and by officers those of
        LEADER_COLUMNS. Raises Invalid."""
        if is_created:
            return
        changed = {name for name in FIXED_COLUMNS | LEADER_COLUMNS if inspect(record).attrs[name].history.has_changes()}
        if changed & FIXED_COLUMNS:
            raise Invalid(_("A visit keeps its Monday and its community. What isn't needed is excused."))
        if changed and not visits.may_excuse(current_panel().session, record):
            raise Invalid(_("Officer, liaison and reason are changed by the leader or the office alone."))

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        page.buttons.append(Button(_("Visit page"), url_for("duty_visit", id_=record.id), "map-marker", primary=True))
        return page


class AssignmentView(SchemaView):
    """Assignments. Saving or deleting one updates the planned visits."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        session = current_panel().session
        before = set() if is_created else _previous_community(record)
        with session.no_autoflush:
            session.add(record)
        session.flush()
        with elevated(session):
            planning.follow(session, before | {record.community_id})

    def _delete(self, records: Any) -> None:
        communities = {record.community_id for record in records}
        super()._delete(records)
        session = current_panel().session
        with elevated(session):
            planning.follow(session, communities)
        session.commit()


def _previous_community(record: Assignment) -> set[int]:
    """The id of the community before an edit, as a set; empty if it didn't change."""
    return set(inspect(record).attrs.community_id.history.deleted or ())
