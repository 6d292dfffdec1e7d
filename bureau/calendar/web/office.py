"""What the office has set, read once a request: settings and the working calendar with its hours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import g

from bureau.calendar.calendar import Calendar
from bureau.cases import recompute
from bureau.settings import settings
from models import Case
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


def know_reopenings(found: dict[int, datetime]) -> None:
    """For a page that has read when its cases were last reopened, by case: it needs no statement for that."""
    g.reopenings = found


def begun(case: Case) -> datetime | None:
    """When the limit of a case began to run: when it was accepted, or last reopened. One statement a request."""
    if "reopenings" not in g:
        know_reopenings(recompute.reopenings(current_panel().session))
    found: dict[int, datetime] = g.reopenings
    return found.get(case.id, case.accepted_at)
