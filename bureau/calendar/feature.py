"""The working calendar."""

from bureau.menu import LISTS
from models import CalendarDay
from panel.i18n import _
from panel.web.features import Feature, Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.calendar.web import pages

    return Site(
        views={CalendarDay: pages.CalendarDayView},
        links=(Link(_("Days off and deadlines"), "calendar", "calendar", LISTS, pages.may_open, rank=51),),
        routes=pages.ROUTES,
    )


FEATURE = Feature(screens=(Screen(CalendarDay, LISTS, "calendar-o", rank=56),), site=_site)
