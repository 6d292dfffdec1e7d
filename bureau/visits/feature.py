"""The feature "visits": visits, survey and assignments."""

from bureau.menu import DUTY, OVERVIEW, ROSTER
from models import Assignment, SurveyEntry, Visit
from panel.i18n import _
from panel.web.features import Feature, Periodic, Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.visits import planning
    from bureau.visits.web import mondays, rota_page, visit_routes, visit_views, week_page

    return Site(
        views={Visit: visit_views.VisitView, Assignment: visit_views.AssignmentView},
        links=(
            Link(_("My Mondays"), "duty", "map-marker", OVERVIEW, mondays.may_attend, first=True, rank=3),
            Link(
                _("Visits of the week"),
                "duty_week",
                "calendar-check-o",
                DUTY,
                week_page.may_see_week,
                first=True,
                rank=6,
            ),
        ),
        routes=(*mondays.ROUTES, *week_page.ROUTES, *visit_routes.ROUTES, *rota_page.ROUTES),
        periodic=(Periodic("duty.plan", mondays.PLANNING_INTERVAL, planning.plan_and_miss),),
    )


FEATURE = Feature(
    screens=(
        Screen(Visit, DUTY, "map-marker", rank=30),
        Screen(SurveyEntry, DUTY, "binoculars", rank=31),
        Screen(Assignment, ROSTER, "calendar-check-o", rank=43),
    ),
    commands={"bureau.visits.web.commands": ("duty",)},
    site=_site,
)
