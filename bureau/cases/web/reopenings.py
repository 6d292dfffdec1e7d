"""The beginning of a case's limit, with reopenings cached for the request."""

from __future__ import annotations

from datetime import datetime

from flask import g

from bureau.cases import recompute
from models import Case
from panel.web.context import current_panel


def cache_reopenings(reopenings: dict[int, datetime]) -> None:
    """Cache the last reopenings, by case id, on a page that has read them already."""
    g.reopenings = reopenings


def begun(case: Case) -> datetime | None:
    """The moment from which the limit of a case runs: the last reopening, else the acceptance. One statement a
    request."""
    if "reopenings" not in g:
        cache_reopenings(recompute.reopenings(current_panel().session))
    reopenings: dict[int, datetime] = g.reopenings
    return reopenings.get(case.id, case.accepted_at)
