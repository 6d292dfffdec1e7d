"""Settings and working calendar, read once a request."""

from __future__ import annotations

from typing import Any

from flask import g

from bureau.calendar.calendar import Calendar
from bureau.settings import settings
from panel.web.context import current_panel


def values() -> dict[str, Any]:
    """Every setting by key."""
    if "settings" not in g:
        g.settings = settings.all_values(current_panel().session)
    stored: dict[str, Any] = g.settings
    return stored


def calendar() -> Calendar:
    """The working calendar with the office hours of the settings."""
    if "calendar" not in g:
        g.calendar = Calendar.load(current_panel().session, values()["office_hours"])
    loaded: Calendar = g.calendar
    return loaded
