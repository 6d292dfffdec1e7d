"""When the limit of a case began to run, read once a request."""

from __future__ import annotations

from datetime import datetime

from flask import g

from bureau.cases import recompute
from models import Case
from panel.web.context import current_panel


def know_reopenings(found: dict[int, datetime]) -> None:
    """For a page that has read when its cases were last reopened, by case: it needs no statement for that."""
    g.reopenings = found


def begun(case: Case) -> datetime | None:
    """When the limit of a case began to run: when it was accepted, or last reopened. One statement a request."""
    if "reopenings" not in g:
        know_reopenings(recompute.reopenings(current_panel().session))
    found: dict[int, datetime] = g.reopenings
    return found.get(case.id, case.accepted_at)
