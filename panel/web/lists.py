"""The list page of a SchemaView."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import request

from panel.base import display
from panel.fields import Field
from panel.i18n import _, n_
from panel.kinds import Amount, Data, Flag, Whole, today
from panel.search import listing
from panel.search.listing import Query
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission
from panel.web import forms, render
from panel.web.context import current_actor, current_panel
from panel.web.lookups import chosen
from panel.web.pages import Button, Chip, Column, Input, ListPage, Pager, Row

if TYPE_CHECKING:
    from panel.web.views import SchemaView


def build(view: SchemaView) -> ListPage:
    """The page for the arguments of the address. The number of statements doesn't grow with the rows."""
    panel, actor = current_panel(), current_actor()
    masked = panel.policy.sees_masked(actor, view.model)
    query = listing.read(view.model, request.args.to_dict(flat=False), masked=masked)
    page_slice = listing.page(panel.session, view.model, view.conditions(query), query)
    columns = [f for f in view.declared if f.listed and f.below is None and not isinstance(f.kind, Data)]
    shown = [f for f in view.declared if f.listed]
    records = listing.load(panel.session, view.model, page_slice.ids, [f.name for f in shown if f.target])
    filters = [_filter_input(view, f, query) for f in listing.filterable(view.model, masked=masked)]
    sortable = listing.sortable(view.model, masked=masked)
    narrowed = bool(query.values or query.search or query.quick)
    labels = view.model.__labels__
    page = ListPage(
        title=labels,
        sub=n_("{n} record found", "{n} records found", page_slice.count)
        if narrowed
        else n_("{n} record", "{n} records", page_slice.count),
        columns=[_column(f, query, f.name in sortable) for f in columns],
        rows=[row(view, record, columns) for record in records],
        chips=_chips(view, query),
        filters=filters,
        active=_active(filters, query),
        pager=_pager(page_slice, query),
        search=query.search if listing.searchable(view.model, masked=masked) else None,
        search_hint="、".join(str(f.label) for f in listing.searchable(view.model, masked=masked)[:4]),
        clear_url=request.path,
        list_url=request.path,
        keep={k: v for k, v in _arguments(query, page=1).items() if k in ("is", "sort", "size")},
        action_url=view.get_url(".action_view"),
        actions=[
            Button(text, "", values={"action": name}, danger=name == "delete")
            for name, text in sorted(view.get_actions_list()[0], key=lambda item: item[0] == "delete")
        ],
    )
    add = Button(
        view.add_label or _("Add {label}", label=view.model.__label__),
        view.get_url(".create_view"),
        "plus",
        primary=True,
    )
    if view.can_import:
        page.buttons.append(Button(_("Import"), view.get_url(".import_view"), "upload"))
    if view.may(Permission.EXPORT):
        url = view.get_url(".export", export_type="xlsx")
        arguments = urlencode(_arguments(query, page=1, size=None), doseq=True)
        export_label = _("Export {n}", n=page_slice.count)
        page.buttons.append(Button(export_label, f"{url}?{arguments}" if arguments else url, "download"))
        url = view.get_url(".choose_view")
        page.buttons.append(Button(_("Choose columns…"), f"{url}?{arguments}" if arguments else url, "columns"))
    if view.can_create:
        page.buttons.append(add)
    if narrowed:
        page.empty = _("Nothing matches. Drop a filter or change the words.")
        page.empty_button = Button(_("Show all"), request.path)
    else:
        page.empty = _("There are no records here yet.")
        page.empty_button = add if view.can_create else None
    return page


def row(view: SchemaView, record: Any, columns: list[Field]) -> Row:
    """A record as a row. The first cell links to it."""
    below = {f.name: [g for g in view.declared if g.listed and g.below == f.name] for f in columns}
    cells = []
    for field in columns:
        cell = view.cells[field.name](record) if field.name in view.cells else render.cell(field, record, cut=True)
        texts = [text for f in below[field.name] if (text := _short(f, record)) and text != cell.text]
        cell.below = [" · ".join(texts), *cell.below] if texts else cell.below
        cells.append(cell)
    url = view.get_url(f"{view.endpoint}.details_view", id=record.id)
    if cells and not cells[0].text:
        cells[0].text = display(record) or f"#{record.id}"
    return Row(record.id, url, cells)


def _short(field: Field, record: Any) -> str:
    """The text of a field that is shown below another: a day with its label, a moment of this year without the year."""
    text = render.cell(field, record, cut=True).text
    if field.kind.control == "date" and text:
        return f"{field.label} {text}"
    return text[5:] if field.kind.control == "datetime-local" and text[:4] == str(today().year) else text


def place_words(view: SchemaView, record: Any) -> str:
    """The names of a record's references, for the line below its title."""
    return " · ".join(text for f in view.references if f.listed and (text := render.text_of(f, record)))


def plain_column(field: Field) -> Column:
    """A column that can't be sorted, for tables inside other pages."""
    return Column(field.name, field.label, wide=render.is_wide(field), number=isinstance(field.kind, Whole | Amount))


def _column(field: Field, query: Query, sortable: bool) -> Column:
    column = plain_column(field)
    if sortable:
        if query.sort.removeprefix("-") == field.name:
            column.order = "desc" if query.sort.startswith("-") else "asc"
        column.url = _url(query, sort=f"-{field.name}" if column.order == "asc" else field.name, page=1)
    return column


def _arguments(query: Query, **changed: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "q": query.search,
        "is": query.quick,
        "sort": query.sort,
        "page": query.page,
        "size": query.size,
        **query.values,
        **changed,
    }
    defaults = {"page": 1, "size": listing.PAGE_SIZE}
    return {k: v for k, v in arguments.items() if v and v != defaults.get(k)}


def _url(query: Query, **changed: Any) -> str:
    arguments = urlencode(_arguments(query, **changed), doseq=True)
    return f"{request.path}?{arguments}" if arguments else request.path


def _chips(view: SchemaView, query: Query) -> list[Chip]:
    quick = view.quick_filters()
    if not quick:
        return []
    actor = current_actor()
    counted = [(name, q) for name, q in quick.items() if q.counted]
    numbers = listing.counts(current_panel().session, [(view.model, q.condition(actor)) for _n, q in counted])
    count = dict(zip((name for name, _q in counted), numbers, strict=True))
    chips = [Chip(_("All"), request.path, active=not query.quick)]
    for name, q in quick.items():
        chips.append(Chip(q.label, f"{request.path}?is={name}", count.get(name), active=query.quick == name))
    return chips


def _filter_input(view: SchemaView, field: Field, query: Query) -> Input:
    control = forms.control(field.kind, field, view.endpoint)
    control.value = query.values.get(field.name, [""])[0]
    control.lines, control.maxlength = 1, listing.MAX_VALUE
    if control.control in ("textarea", "tel", "url"):
        control.control = "text"
    if listing.is_span(field):
        control.value = query.values.get(f"{field.name}.from", [control.value])[0]
        control.until = query.values.get(f"{field.name}.to", [""])[0]
        if control.control == "datetime-local":
            control.control, control.value, control.until = "date", control.value[:10], control.until[:10]
    if field.many:
        control.control = "lookup"
    if isinstance(field.kind, Flag):
        control.control = "select"
        control.choices = [("", ""), ("1", field.kind.format(True)), ("0", field.kind.format(False))]
    if control.control == "select" and control.choices and control.choices[0][0]:
        control.choices.insert(0, ("", ""))
    if field.target and control.value and not query.problems.get(field.name):
        target = chosen(field.target, control.value)
        control.text = target.label if target is not None else str(NOT_VISIBLE)
    if field.name in query.problems:
        control.errors = [str(query.problems[field.name])]
    return control


def _active(filters: list[Input], query: Query) -> list[Chip]:
    """The active filters, each with the address without it."""
    chips = []
    by_name = {control.name: control for control in filters}
    for name in {
        key.rpartition(".")[0] if key.endswith((".from", ".to", ".empty")) else key: 1 for key in query.values
    }:
        control = by_name[name]
        parts = [_value_words(control, value) for value in query.values.get(name, [])]
        span = [query.values.get(f"{name}.{end}", [""])[0] for end in ("from", "to")]
        if any(span):
            parts.append(" – ".join(span))
        if empty := query.values.get(f"{name}.empty"):
            parts.append(str(_("empty") if empty[0] == "1" else _("filled in")))
        dropped = {f"{name}{suffix}": None for suffix in ("", ".from", ".to", ".empty")}
        chips.append(
            Chip(_("{label}: {value}", label=control.label, value="、".join(parts)), _url(query, page=1, **dropped))
        )
    if query.search:
        searched = _("Search")
        chips.append(Chip(_("{label}: {value}", label=searched, value=query.search), _url(query, page=1, q="")))
    return chips


def _value_words(control: Input, value: str) -> str:
    if control.control == "lookup":
        return control.text
    return dict(control.choices).get(value, value)


def _pager(page_slice: listing.Slice, query: Query) -> Pager:
    first = (page_slice.page - 1) * page_slice.size + 1 if page_slice.count else 0
    return Pager(
        page=page_slice.page,
        pages=page_slice.pages,
        first=first,
        last=first + len(page_slice.ids) - 1 if page_slice.count else 0,
        count=page_slice.count,
        size=page_slice.size,
        url=lambda number: _url(query, page=number),
        sizes=[(size, _url(query, size=size, page=1)) for size in listing.PAGE_SIZES],
    )
