"""The place of a record in the list that it was opened from: the way back to its row, and the records beside it.

A link of a list carries the list's arguments as `within`, so that the pages of its records lead back to the same
filters, order and page, and to the records before and after by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from panel.base import display
from panel.i18n import _
from panel.search import saved_views
from panel.search.listing import Query
from panel.search.neighbours import neighbours
from panel.web.context import current_panel
from panel.web.pages import Chip, ListPage, Place

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: The argument with the list's own arguments.
WITHIN = "within"
#: The `within` of a list without filters.
PLAIN = "page=1"
#: Characters of `within`; of a longer one nothing is kept.
LONGEST = 2_000


def carried(query: Query) -> dict[str, str]:
    """What an address of a record carries of the list's query: without what the reader may not filter by."""
    within = urlencode(query.arguments(), doseq=True) or PLAIN
    return {WITHIN: within} if len(within) <= LONGEST else {}


def keep(page: ListPage, carried: Mapping[str, str]) -> None:
    """Let the rows of a list lead to pages that know their place in it, by what is `carried` of the list."""
    within = f"&{urlencode(carried)}" if carried else ""
    for row in page.rows:
        row.url += within


def arguments() -> str:
    """The arguments of the list that the page was opened from; "" if it wasn't opened from one."""
    within = request.args.get(WITHIN, "")
    return within if len(within) <= LONGEST else ""


def row_url(view: Any, id_: int) -> str | None:
    """The address of the record's row in the list that the page was opened from; None if there is no such list."""
    within = arguments()
    return f"{_list_url(view, within)}#row-{id_}" if within else None


def details_url(view: SchemaView, id_: int) -> str:
    """The address of the record's page, which keeps its place in the list."""
    within = arguments()
    return str(view.get_url(f"{view.endpoint}.details_view", id=id_, **({WITHIN: within} if within else {})))


def _list_url(view: Any, within: str) -> str:
    url = view.get_url(f"{view.endpoint}.index_view")
    return iri_to_uri(f"{url}?{within}") if within and within != PLAIN else str(url)


def of_record(view: SchemaView, record: Any, endpoint: str, last: Any = None) -> Place:
    """The place of a record. `endpoint` is that of the page, to which the records beside it lead too; `last` is the
    last part of the breadcrumb, by default the record's name. Three statements if the page was opened from a list."""
    within = arguments()
    name = display(record) or f"#{record.id}"
    keeping = {WITHIN: within} if within else {}
    back = row_url(view, record.id) or view.get_url(f"{view.endpoint}.index_view")
    place = Place([Chip(view.model.__labels__, back)])
    if last is None:
        place.last = name
    else:
        place.crumbs.append(Chip(name, view.get_url(f"{view.endpoint}.details_view", id=record.id, **keeping)))
        place.last = last
    if within:
        before, after = _beside(view, within, record.id)
        place.before = view.get_url(endpoint, id=before, **keeping) if before else ""
        place.after = view.get_url(endpoint, id=after, **keeping) if after else ""
        place.ordered = True
    return place


def of_new(view: Any, last: Any = None) -> Place:
    """The place of a page that belongs to the list: of a form that adds a record, if `last` says nothing else."""
    return Place([Chip(view.model.__labels__, view.get_url(f"{view.endpoint}.index_view"))], last or _("Add"))


def query_of(view: Any, within: str) -> Query:
    """The query of a list by its arguments."""
    typed = MultiDict(parse_qsl(within[:LONGEST]))
    return saved_views.read(current_panel().session, view.model, typed.to_dict(flat=False))


def _beside(view: SchemaView, within: str, id_: int) -> tuple[int | None, int | None]:
    query = query_of(view, within)
    return neighbours(current_panel().session, view.model, view.conditions(query), query, id_)
