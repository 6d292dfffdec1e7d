"""The list page of a SchemaView."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import redirect, request

from panel.base import display
from panel.fields import Field
from panel.i18n import _, listed, n_
from panel.kinds import Amount, Whole, today
from panel.search import columns, extra_columns, listing, order, saved_views
from panel.search.columns import Layout
from panel.search.extra_columns import ExtraColumn
from panel.search.listing import Query
from panel.search.saved_views import OfferedView
from panel.security.policy import Permission, model_of
from panel.web import render
from panel.web.context import current_actor, current_panel
from panel.web.imports import prerequisites
from panel.web.pages import Button, Cell, Chip, Column, ListPage, Pager, Row, Words
from panel.web.rows import inline, place
from panel.web.rows.many_rows import MOST
from panel.web.tables import columns as chosen_columns
from panel.web.tables import filter_inputs, left_lists, number_search, view_pages

if TYPE_CHECKING:
    from panel.web.views import SchemaView


def answer(view: SchemaView) -> Any:
    """The list, or the redirect to the view or the columns that the address asks for."""
    session = current_panel().session
    views = saved_views.offered(session, view.model)
    if (opened := view_pages.open_view(view, views)) is not None:
        return opened
    query = saved_views.read(session, view.model, request.args.to_dict(flat=False))
    if (asked := chosen_columns.asked()) is not None:
        return redirect(_url(query, page=1, **asked))
    page = build(view, query, views)
    left_lists.remember(view.model, query)
    return view.render("panel/list.html", page=page)


def build(view: SchemaView, query: Query, views: Sequence[OfferedView]) -> ListPage:
    """The page for a query, with the saved views to offer. The number of statements doesn't grow with the rows."""
    panel, actor = current_panel(), current_actor()
    masked = panel.policy.sees_masked(actor, view.model)
    page_slice = listing.page(panel.session, view.model, view.conditions(query), query)
    layout, usual = columns.layout(view.model, query.columns), columns.usual(view.model)
    layout = Layout([f for f in layout.columns if extra_columns.is_seen(panel.session, f)], layout.below)
    shown = [*layout.columns, *layout.below, *usual.columns, *usual.below]
    referring = list(dict.fromkeys(f.name for f in shown if f.target))
    records = listing.load(panel.session, view.model, page_slice.ids, referring)
    extra = {f.name: _extra_cell(f.extra, page_slice.ids) for f in layout.columns if f.extra}
    render.name_chosen(records, layout.columns + layout.below)
    controls = filter_inputs.build(view, query, masked=masked)
    active, either = filter_inputs.active(controls, query, _url)
    sortable, searched = _sortable(view, masked=masked), listing.searchable(view.model, masked=masked)
    narrowed = bool(query.values or query.search or query.quick or query.sealed)
    labels = view.model.__labels__
    plain_url = plain(views)
    notes = _notes(query, views)
    page = ListPage(
        title=labels,
        sub=n_("{n} record found", "{n} records found", page_slice.count)
        if narrowed
        else n_("{n} record", "{n} records", page_slice.count),
        columns=[_column(view, f, query, f.name in sortable) for f in layout.columns],
        rows=rows(view, records, layout.columns, layout.below, extra),
        chips=_chips(view, query, plain_url),
        filters=controls,
        active=active,
        either=either,
        pager=_pager(page_slice, query),
        search=query.search if searched else None,
        search_url=view.get_url(".search_view") if searched and number_search.is_asked(view.model) else "",
        search_hint=listed(str(f.label) for f in searched[:4]),
        clear_url=plain_url,
        list_url=request.path,
        keep={k: v for k, v in query.arguments(page=1).items() if k in KEPT},
        column_options=chosen_columns.options(view.model, layout, query.widths),
        column_keep=_pairs(query.arguments(page=1, columns="", widths="")),
        usual_columns_url=_url(query, page=1, columns="", widths=""),
        views=view_pages.menu(view, query, views),
        notes=notes,
        action_url=view.get_url(".action_view"),
        most=MOST,
        actions=[
            Button(text, "", values={"action": name}, danger=name == "delete")
            for name, text in sorted(view.get_actions_list()[0], key=lambda item: item[0] == "delete")
        ],
    )
    carried = place.carried(query)
    place.keep(page, carried)
    inline.mark(view, page, records, layout.below, carried)
    if view.can_copy:
        copy_url = view.copy_url(0).removesuffix("0")
        for shown_row in page.rows:
            shown_row.copy_url = f"{copy_url}{shown_row.id}"
    add = Button(
        view.add_label or _("Add {label}", label=view.model.__label__),
        view.get_url(".create_view"),
        "plus",
        primary=True,
    )
    page.places = view.places()
    page.buttons = view.list_buttons()
    if view.can_import:
        page.buttons.append(Button(_("Import"), view.get_url(".import_view"), "upload"))
    if view.may(Permission.EXPORT):
        url = view.get_url(".export", export_type="xlsx")
        arguments = urlencode(query.arguments(page=1, size=None, view="", widths=""), doseq=True)
        export_label = _("Export {n}", n=page_slice.count)
        page.buttons.append(Button(export_label, f"{url}?{arguments}" if arguments else url, "download"))
        url = view.get_url(".choose_view")
        page.buttons.append(Button(_("Choose columns…"), f"{url}?{arguments}" if arguments else url, "columns"))
    if view.can_restore:
        page.buttons.append(Button(_("Deleted records"), view.get_url(".deleted_view"), "undo"))
    if view.can_create:
        page.buttons.append(add)
    if narrowed:
        page.empty = _("Nothing matches. Drop a filter or change the words.")
        page.empty_buttons = [Button(_("Show all"), plain_url)]
    elif page_slice.count == 0:
        _say_what_comes_next(view, page, add)
    return page


#: Arguments that the form of the filters keeps.
KEPT = ("is", "sort", "size", "columns", "widths", "view", "q", "sealed")


def plain(views: Sequence[OfferedView]) -> str:
    """The address of the list without anything, although it may open with a view."""
    opening = saved_views.default_of(current_panel().session, views)
    return request.path if opening is None else f"{request.path}?view={view_pages.WITHOUT}"


def _sortable(view: SchemaView, *, masked: bool) -> set[str]:
    """The columns that are sorted by on the page: not by names that the actor may only choose, since the list would be
    in no order."""
    policy, actor = current_panel().policy, current_actor()
    named = [(f, f.target) for f in view.references if f.target is not None]
    unread = {f.name for f, target in named if not policy.may(actor, Permission.READ, model_of(target))}
    session = current_panel().session
    unread |= {f.name for f in extra_columns.of(view.model) if not extra_columns.is_seen(session, f)}
    return order.sortable(view.model, masked=masked) - unread


def _notes(query: Query, views: Sequence[OfferedView]) -> list[Words]:
    """What the address asks for in vain."""
    notes: list[Words] = [view_pages.NO_VIEW] if view_pages.forget_unknown(query, views) else []
    if query.sealed_note is not None:
        notes.append(query.sealed_note)
    if query.unknown:
        names = listed(query.unknown)
        notes.append(_("There is no column {names} here, or not for you. The others are shown.", names=names))
    return notes


def _pairs(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """Arguments as names and values of hidden controls."""
    given = {name: value if isinstance(value, list) else [value] for name, value in arguments.items()}
    return [(name, str(value)) for name, values in given.items() for value in values]


def _say_what_comes_next(view: SchemaView, page: ListPage, add: Button) -> None:
    """Words and buttons of an empty list: what has to be there before, how the first record is made, or who makes it
    and where. A statement for each table that the records refer to."""
    panel = current_panel()
    words = panel.empty_words.get(view.endpoint)
    if view.can_create or view.can_import:
        first = prerequisites.missing(panel.session, view.model, panel.registry)
        views = [panel.views[model.__tablename__] for model in first if model.__tablename__ in panel.views]
        if first:
            labels = listed(str(model.__labels__) for model in first)
            page.empty = _("There are no records here yet. First comes: {labels}.", labels=labels)
            page.empty_buttons = [
                Button(v.model.__labels__, v.get_url(f"{v.endpoint}.index_view")) for v in views if v.is_accessible()
            ]
            return
        page.empty = words or (
            _("There are no records here yet. Add the first one, or import a table.")
            if view.can_import
            else _("There are no records here yet. Add the first one.")
        )
        if view.can_import:
            page.empty_buttons.append(Button(_("Import"), view.get_url(".import_view"), "upload"))
        if view.can_create:
            page.empty_buttons.append(add)
        return
    roles = [role for role in panel.policy.roles.values() if role.permits(Permission.CREATE, view.model)]
    makers = listed(str(role.label) for role in roles)
    page.empty = words or (
        _("There are no records here yet. They are added by: {roles}.", roles=makers)
        if makers
        else _("There are no records here yet.")
    )


CellOf = Callable[[Any], Cell]


def _extra_cell(extra: ExtraColumn, ids: Sequence[int]) -> CellOf:
    """What gives the cell of an extra column, for these records."""
    values = extra.values(current_panel().session, ids) if ids else {}

    def cell(record: Any) -> Cell:
        if (value := values.get(record.id)) is None:
            return Cell()
        url = render.record_url(value.table, value.id) if value.table else None
        return Cell(value.text, url=url, below=[value.below] if value.below else [])

    return cell


def rows(
    view: SchemaView,
    records: Sequence[Any],
    shown: Sequence[Field],
    below: Sequence[Field] | None = None,
    extra: Mapping[str, CellOf] = MappingProxyType({}),
) -> list[Row]:
    """Records as rows. The first cell links to the record. `below` are the fields in grey below those shown, by default
    those that are declared so; `extra` gives the cells of extra columns."""
    below = [f for f in view.declared if f.listed] if below is None else below
    columns = [
        (
            extra.get(f.name) or view.cells.get(f.name) or partial(render.cell, f, cut=True),
            [g for g in below if g.below == f.name],
        )
        for f in shown
    ]
    url = view.get_url(f"{view.endpoint}.details_view")
    result = []
    for record in records:
        cells = []
        for cell_of, grey in columns:
            cell = cell_of(record)
            lines = [text for f in grey if (text := _short(f, record)) and text != cell.text]
            if lines:
                cell.below = [" · ".join(lines), *cell.below]
            cells.append(cell)
        if cells and not cells[0].text:
            cells[0].text = display(record) or f"#{record.id}"
        result.append(Row(record.id, f"{url}?id={record.id}", cells))
    return result


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


def _column(view: SchemaView, field: Field, query: Query, sortable: bool) -> Column:
    column = plain_column(field)
    # A number that is shown in words stands at the left, as words do.
    column.number = column.number and field.name not in view.cells
    column.width = query.widths.get(field.name, 0)
    if sortable:
        if query.sort.removeprefix("-") == field.name:
            column.order = "desc" if query.sort.startswith("-") else "asc"
        column.url = _url(query, sort=f"-{field.name}" if column.order == "asc" else field.name, page=1)
    return column


def _url(query: Query, **changed: Any) -> str:
    """The address of the list with some arguments changed. A view of which nothing is left isn't opened again."""
    arguments = query.arguments(**changed)
    if arguments.keys() == {"view"}:
        arguments["view"] = view_pages.WITHOUT
    return f"{request.path}?{urlencode(arguments, doseq=True)}" if arguments else request.path


def _chips(view: SchemaView, query: Query, plain_url: str) -> list[Chip]:
    quick = view.quick_filters()
    if not quick:
        return []
    actor = current_actor()
    counted = [(name, q) for name, q in quick.items() if q.counted]
    numbers = listing.counts(current_panel().session, [(view.model, q.condition(actor)) for _n, q in counted])
    count = dict(zip((name for name, _q in counted), numbers, strict=True))
    chips = [Chip(_("All"), plain_url, active=not query.quick)]
    for name, q in quick.items():
        address = f"{request.path}?is={name}" + (f"&{q.query}" if q.query else "")
        chips.append(Chip(q.label, address, count.get(name), active=query.quick == name))
    return chips


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
