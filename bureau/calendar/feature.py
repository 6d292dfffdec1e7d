"""The working calendar."""

from bureau.calendar.web import pages
from bureau.menu import LISTS
from models import CalendarDay
from panel.i18n import _
from panel.web.features import Feature, Screen
from panel.web.panel import Link

FEATURE = Feature(
    screens=(Screen(CalendarDay, LISTS, "calendar-o", pages.CalendarDayView, rank=56),),
    links=(Link(_("Days off and deadlines"), "calendar", "calendar", LISTS, pages.may_open, rank=51),),
    routes=pages.ROUTES,
)
