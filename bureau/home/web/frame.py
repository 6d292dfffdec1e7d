"""The frame of every page: unit and banners."""

from __future__ import annotations

from flask import url_for

from bureau.access.roles import AUDITOR
from bureau.calendar import reach
from bureau.calendar.web.office import calendar, values
from bureau.cases.web import deadlines_page
from bureau.people import deputies
from bureau.upkeep.web import backups_page
from panel.i18n import Message, _, bracketed, listed
from panel.kinds import today
from panel.web.context import current_actor, current_panel
from panel.web.pages import Banner
from panel.web.panel import Panel

PRODUCT = _("Enforcement + community service")


def _missing_year() -> int | None:
    """The first year that deadlines need and that isn't loaded. An auditor reads no deadlines. One statement at most
    besides the calendar."""
    if not current_actor().roles - {AUDITOR}:
        return None
    day = today()
    return calendar().missing_year(day, reach.last_deadline(current_panel().session, day.year))


def install(panel: Panel) -> None:
    def unit() -> str:
        return str(PRODUCT)

    def sub() -> str:
        return str(values()["unit_name"] or "")

    def banners() -> list[Banner]:
        shown = [Banner(_("Demo data: made-up people and places"))] if values().get("demo") else []
        shown += backups_page.banners()
        if terms := deputies.terms_of_account(current_panel().session, current_actor()):
            names = listed(bracketed(name, until) for name, until in terms)
            shown.append(Banner(_("You stand in for {names}.", names=names)))
        if (missing := _missing_year()) is None:
            return shown
        words = _("The working calendar of {year} is not loaded: Monday to Friday count as working days.", year=missing)
        if deadlines_page.may_open():
            return [*shown, Banner(words, _("Load it"), url_for("calendar"))]
        return [*shown, Banner(words)]

    def login_hint() -> Message | None:
        if values().get("demo"):
            return _("Demo: log in with the name of a role, for example office.")
        return None

    panel.unit, panel.sub, panel.banners, panel.login_hint = unit, sub, banners, login_hint
