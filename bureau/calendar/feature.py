"""The working calendar."""

from bureau.menu import LISTS
from models import CalendarDay
from panel.web.features import Feature, Screen, Site


def _site() -> Site:
    from bureau.calendar.web.calendar_view import CalendarDayView

    return Site(views={CalendarDay: CalendarDayView})


FEATURE = Feature(handbook="calendar", screens=(Screen(CalendarDay, LISTS, "calendar-o", rank=56),), site=_site)
