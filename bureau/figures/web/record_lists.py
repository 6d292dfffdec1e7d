"""The lists behind the figures: a list shows exactly the records that a number counts, by the very same conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ColumnElement, and_, select

from bureau.calendar.web import office
from bureau.figures import groups
from bureau.figures.figures import PARTS
from bureau.figures.groups import NONE, ReportQuery
from bureau.figures.parts.model import Part
from bureau.figures.terms import Terms
from models import ChecklistItem, Squad, Street
from panel.base import UNSCOPED
from panel.i18n import Message
from panel.kinds import tidy
from panel.search.listing import MAX_VALUE, Quick
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Actor
from panel.web.context import current_panel
from panel.web.lookups import label as naming
from panel.web.lookups import visible
from panel.web.panel import Panel

#: The named filters of a list, and behind them every set of records that a figure counts.
Filters = dict[str, Quick]


def with_figures(model: type[Any], filters: Mapping[str, Quick]) -> Mapping[str, Quick]:
    """The named filters of a list, and the one behind a figure that its address names:
    `?is=figure.due.2026-05-01.2026-05-31.squad-3`."""
    found = _WithFigures(model, filters)
    if has_request_context():
        name = tidy(request.args.get("is"))[:MAX_VALUE]
        if made := found.made(name):
            found[name] = made
    return found


def configure(panel: Panel) -> None:
    """Let the lists of all records that figures count show what is behind a number."""
    counted = {part.universe.model for part in PARTS.values()}
    for view in panel.views.values():
        if view.model in counted:
            view.more_filters = with_figures


class _WithFigures(Filters):
    """Named filters, and on demand those that a figure's address names."""

    def __init__(self, model: type[Any], filters: Mapping[str, Quick]) -> None:
        super().__init__(filters)
        self._model = model

    def made(self, name: str) -> Quick | None:
        found = groups.read(name)
        if found is None or found[0].universe.model is not self._model:
            return None
        part, asked = found

        def condition(_actor: Actor) -> ColumnElement[bool]:
            return and_(part.where(terms(asked)), *groups.narrowing(part, asked))

        return Quick(words(part, asked), condition, counted=False)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self.made(name) is not None)

    def __missing__(self, name: str) -> Quick:
        if (made := self.made(name)) is None:
            raise KeyError(name)
        return made


def terms(asked: ReportQuery) -> Terms:
    """By what a period's figures are worked out, read once a request."""
    values = office.values()
    return Terms(asked.span, office.calendar(), values["repeat_days"], values["feedback_days"])


def words(part: Part, asked: ReportQuery) -> Message:
    """What a list behind a number is called: what it holds, of when and of whom."""
    said = [str(_named(name, getattr(asked, name))) for name in asked.filters()]
    return Message("{words}", words=" · ".join(filter(None, (str(part.label), asked.span.words, *said))))


def _named(name: str, value: Any) -> Message | str:
    if name in ("list", "pilot") or value == NONE:
        return groups.Names().label(name, value)
    if name == "community":
        found = visible("community", value)
        return naming(found) if found is not None else NOT_VISIBLE
    model: Any = {"squad": Squad, "street": Street, "item": ChecklistItem}[name]
    statement = select(model.name).where(model.id == value)
    text = current_panel().session.execute(statement, execution_options=UNSCOPED).scalar()
    return text or f"#{value}"
