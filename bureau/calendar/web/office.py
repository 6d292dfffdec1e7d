"""What the office has set, read once a request: settings and the working calendar with its hours."""

from __future__ import annotations

from typing import Any

from flask import g

from bureau.calendar.calendar import Calendar
from bureau.settings import settings
from panel.web.context import current_panel


def values() -> dict[str, Any]:
    """Every setting by its key."""
    if "settings" not in g:
        g.settings = settings.all_values(current_panel().session)
    found: dict[str, Any] = g.settings
    return found


def calendar() -> Calendar:
    """The working calendar with the hours that the office keeps."""
    if "calendar" not in g:
        g.calendar = Calendar.load(current_panel().session, values()["office_hours"])
    found: Calendar = g.calendar
    return found
