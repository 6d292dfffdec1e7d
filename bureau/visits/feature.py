"""The feature "visits": visits, survey and assignments."""

from bureau.menu import OVERVIEW, STAFF, WORK
from bureau.people import communities
from bureau.people.holdings import PeopleFeature
from bureau.visits import handover, planning, survey_import
from models import Assignment, SurveyEntry, Visit
from panel.i18n import _
from panel.web.features import Periodic, Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.people.web import cards
    from bureau.visits.web import (
        mondays,
        person_visits,
        rota_page,
        survey_page,
        survey_view,
        visit_places,
        visit_routes,
        visit_views,
        week_page,
    )

    cards.SOURCES["visits"] = person_visits.last_and_next
    return Site(
        views={
            Visit: visit_views.VisitView,
            Assignment: visit_views.AssignmentView,
            SurveyEntry: survey_view.SurveyView,
        },
        links=(
            Link(
                visit_places.MINE,
                "duty",
                "map-marker",
                OVERVIEW,
                visit_places.may_attend,
                first=True,
                rank=3,
                covers=("visit",),
            ),
            Link(Visit.__labels__, "duty_week", "map-marker", WORK, visit_places.may_see_week, covers=("visit",)),
            Link(_("Survey of the community"), "survey", "binoculars", WORK, survey_page.in_menu, rank=51),
        ),
        routes=(
            *mondays.ROUTES,
            *week_page.ROUTES,
            *visit_routes.ROUTES,
            *rota_page.ROUTES,
            *survey_page.ROUTES,
        ),
        periodic=(Periodic("duty.plan", mondays.PLANNING_INTERVAL, planning.plan_and_miss),),
    )


# Planned visits follow the people of a community that another was merged into.
if planning.follow not in communities.FOLLOWERS:
    communities.FOLLOWERS.append(planning.follow)

FEATURE = PeopleFeature(
    handbook="visits",
    holdings=handover.HOLDINGS,
    screens=(
        Screen(
            Visit,
            WORK,
            "map-marker",
            rank=30,
            empty=_("None yet. The visits of each Monday are planned by themselves for every community in use."),
        ),
        Screen(
            SurveyEntry,
            WORK,
            "binoculars",
            rank=31,
            empty=_(
                "None yet. Officers add them during their visits on Mondays, liaisons to the survey of their community."
            ),
        ),
        Screen(Assignment, STAFF, "calendar-check-o", rank=43),
    ),
    commands={"bureau.visits.web.commands": ("duty",)},
    rules={"surveyentry": survey_import.SurveyRules},
    site=_site,
)
