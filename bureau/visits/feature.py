"""Every Monday."""

from bureau.menu import DUTY, OVERVIEW, ROSTER
from bureau.visits import planning
from bureau.visits.web import commands, mondays, rota_page, visit_page
from models import Assignment, SurveyEntry, Visit
from panel.i18n import _
from panel.web.features import Feature, Periodic, Screen
from panel.web.panel import Link

FEATURE = Feature(
    screens=(
        Screen(Visit, DUTY, "map-marker", mondays.VisitView, rank=30),
        Screen(SurveyEntry, DUTY, "binoculars", rank=31),
        Screen(Assignment, ROSTER, "calendar-check-o", mondays.AssignmentView, rank=43),
    ),
    links=(
        Link(_("My Mondays"), "duty", "map-marker", OVERVIEW, mondays.may_attend, first=True, rank=3),
        Link(_("Visits of the week"), "duty_week", "calendar-check-o", DUTY, mondays.may_see_week, first=True, rank=6),
    ),
    routes=(*mondays.ROUTES, *visit_page.ROUTES, *rota_page.ROUTES),
    commands=(commands.install,),
    periodic=(Periodic("duty.plan", mondays.EVERY, planning.keep),),
)
