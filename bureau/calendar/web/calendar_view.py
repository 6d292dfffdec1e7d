"""The table of days that the yearly notice names."""

from __future__ import annotations

from typing import Any

from flask import flash

from panel.i18n import _
from panel.web.views import SchemaView


class CalendarDayView(SchemaView):
    """Days of the calendar. Whoever changes one by hand is told that open deadlines don't follow by themselves: what
    moves is looked at first."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        flash(str(_("Open deadlines don't follow yet: look at what moves under “Days off and deadlines”.")), "warning")
