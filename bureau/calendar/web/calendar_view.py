"""The view of calendar days."""

from __future__ import annotations

from typing import Any

from flask import flash

from panel.i18n import _
from panel.web.views import SchemaView


class CalendarDayView(SchemaView):
    """Days of the yearly notice. Saving one warns that open deadlines are recalculated on a page of their own."""

    def on_save(self, record: Any, *, is_created: bool) -> None:
        flash(str(_("Open deadlines don't follow yet: look at what moves under “Days off and deadlines”.")), "warning")
