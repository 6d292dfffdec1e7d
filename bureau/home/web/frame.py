"""The frame of every page: unit and banners."""

from __future__ import annotations

from bureau.calendar.web.office import calendar, values
from panel.i18n import Message, _
from panel.kinds import today
from panel.web.context import current_actor
from panel.web.panel import Panel

PRODUCT = _("Enforcement + community service")


def install(panel: Panel) -> None:
    def unit() -> str:
        return str(PRODUCT)

    def sub() -> str:
        return str(values()["unit_name"] or "")

    def banner() -> Message | None:
        if values().get("demo"):
            return _("Demo data: made-up people and places")
        missing = calendar().missing_year(today()) if current_actor().roles - {"auditor"} else None
        if missing is not None:
            return _(
                "The working calendar of {year} is not loaded: Monday to Friday count as working days.", year=missing
            )
        return None

    def login_hint() -> Message | None:
        if values().get("demo"):
            return _("Demo: log in with the name of a role, for example office.")
        return None

    panel.unit, panel.sub, panel.banner, panel.login_hint = unit, sub, banner, login_hint
