"""The lists behind the figures: each shows the records that a number counts, by the same conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ColumnElement, and_, select

from bureau.calendar.web import office
from bureau.figures import groups
from bureau.figures.figures import PARTS, READ
from bureau.figures.groups import NONE, ReportQuery
from bureau.figures.parts.model import Part
from bureau.figures.terms import Terms
from models import ChecklistItem, Squad, Street
from panel.base import UNSCOPED
from panel.i18n import Message
from panel.kinds import tidy
from panel.search.listing import MAX_VALUE, Quick
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Actor, Permission
from panel.web.context import current_panel
from panel.web.lookups import label as naming
from panel.web.lookups import visible
from panel.web.panel import Panel

#: The named filters of a list.
Filters = dict[str, Quick]


def with_figures(model: type[Any], filters: Mapping[str, Quick]) -> Mapping[str, Quick]:
    """The named filters of a list, and the filter of a figure if the address names one:
    `?is=figure.due.2026-05-01.2026-05-31.squad-3`."""
    named = _WithFigures(model, filters)
    if has_request_context():
        name = tidy(request.args.get("is"))[:MAX_VALUE]
        if quick := named.figure_filter(name):
            named[name] = quick
    return named


def configure(panel: Panel) -> None:
    """Add the filters of figures to the lists of every counted table."""
    counted = {part.universe.model for part in PARTS.values()}
    for view in panel.views.values():
        if view.model in counted:
            view.more_filters = with_figures


class _WithFigures(Filters):
    """Named filters; filters of figures are built when they are looked up."""

    def __init__(self, model: type[Any], filters: Mapping[str, Quick]) -> None:
        super().__init__(filters)
        self._model = model

    def figure_filter(self, name: str) -> Quick | None:
        parsed = groups.parse_list_name(name)
        if parsed is None or parsed[0].universe.model is not self._model:
            return None
        part, query = parsed

        def condition(actor: Actor) -> ColumnElement[bool]:
            # Figures count the rows of the roles that read every table of theirs, and so do their lists.
            policy = current_panel().policy
            counting = policy.narrowed(actor, Permission.READ, *READ)
            reached = policy.criterion(counting, Permission.READ, self._model) if counting != actor else None
            rows = [] if reached is None else [reached]
            return and_(part.where(terms(query)), *groups.narrowing(part, query), *rows)

        return Quick(words(part, query), condition, counted=False)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self.figure_filter(name) is not None)

    def __missing__(self, name: str) -> Quick:
        if (quick := self.figure_filter(name)) is None:
            raise KeyError(name)
        return quick


def terms(query: ReportQuery) -> Terms:
    """The terms of a query. Calendar and settings are read once a request."""
    values = office.values()
    return Terms(query.span, office.calendar(), values["repeat_days"], values["feedback_days"])


def words(part: Part, query: ReportQuery) -> Message:
    """The title of a list behind a number: the part, the period and the filters."""
    filters = [str(_named(name, getattr(query, name))) for name in query.filters()]
    return Message("{words}", words=" · ".join(filter(None, (str(part.label), query.span.label, *filters))))


def _named(name: str, value: Any) -> Message | str:
    if name in ("list", "pilot") or value == NONE:
        return groups.Names().label(name, value)
    if name == "community":
        community = visible("community", value)
        return naming(community) if community is not None else NOT_VISIBLE
    model: Any = {"squad": Squad, "street": Street, "item": ChecklistItem}[name]
    statement = select(model.name).where(model.id == value)
    text = current_panel().session.execute(statement, execution_options=UNSCOPED).scalar()
    return text or f"#{value}"
