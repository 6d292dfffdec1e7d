"""The details page of a SchemaView: the record, the records that refer to it, and its history."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import ColumnElement, and_, func, or_, select, true

from panel.base import UNSCOPED, Base, display
from panel.fields import Field, fields, links, table_of_links
from panel.i18n import Message, _
from panel.kinds import Choice, Data
from panel.search import filters, listing, order
from panel.security.policy import Permission
from panel.web import child_rows, history, lists, render
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, DetailsPage, Group, Related
from panel.web.rows import place, taking_back
from panel.web.system import find_pages

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: Referring tables that are shown with rows, and the rows and columns of each.
RELATED_TABLES = 3
RELATED_ROWS = 5
RELATED_COLUMNS = 5


def build(
    view: SchemaView,
    record: Any,
    *,
    without: Collection[str] = (),
    tables: int = RELATED_TABLES,
    with_facts: bool = True,
    with_history: bool = True,
) -> DetailsPage:
    """The page of a record. `without` are endpoints of referring tables to leave out; `tables` is the number of those
    shown with rows. A page that tells its facts or its history itself leaves them out."""
    find_pages.remember(view.model, record.id)
    acts = view.acts(record)
    way = taking_back.way if Permission.EDIT in acts else None
    latest = history.entries(view.model.__tablename__, record.id, history.SHOWN + 1) if with_history else []
    page = DetailsPage(
        title=f"{view.model.__label__} · {display(record)}",
        sub=lists.place_words(view, record),
        tag=_tag(view, record),
        groups=groups(view, record) if with_facts else [],
        related=_related(record, [pair for pair in referrers(view.model) if pair[0].endpoint not in without], tables),
        history=history.of_entries(record, latest[: history.SHOWN], way),
    )
    if len(latest) > history.SHOWN:
        page.history_url = view.get_url(".history_view", id=record.id)
    page.place = place.of_record(view, record, f"{view.endpoint}.details_view")
    # From the page of a row one comes back to the list, else to this page.
    within = place.arguments()
    back = {place.WITHIN: within} if within else {"url": request.full_path.rstrip("?")}
    if Permission.DELETE in acts:
        page.buttons.append(Button(_("Delete…"), view.get_url(".confirm_view", id=record.id), danger=True))
    if reveal := view.reveal_button(record):
        page.buttons.append(reveal)
    if copy := view.copy_button(record):
        page.buttons.append(copy)
    if Permission.EDIT in acts:
        page.buttons.append(Button(_("Edit"), view.get_url(".edit_view", id=record.id, **back), "pencil", primary=True))
    return page


def _tag(view: SchemaView, record: Any) -> Cell | None:
    """The status of a record as a tag, if the table has one."""
    field = next((f for f in view.declared if f.name == "status" and isinstance(f.kind, Choice)), None)
    return render.cell(field, record) if field else None


def groups(view: SchemaView, record: Any) -> list[Group]:
    """The declared columns of a record as facts, by the groups of their declaration."""
    by_label: dict[Message, Group] = {}
    for field in view.declared:
        if isinstance(field.kind, Data):
            continue
        cell = view.cells[field.name](record) if field.name in view.cells else render.cell(field, record, linked=True)
        wide = getattr(field.kind, "lines", 1) > 1
        by_label.setdefault(field.group, Group(field.group)).facts.append((field.label, cell, wide))
    return list(by_label.values())


def referrers(model: type[Base]) -> list[tuple[SchemaView, list[Field]]]:
    """The views of the tables that refer to a model and that the actor may read, each with the fields that refer to it.
    Child rows, which are edited in the model's form, come first."""
    panel, actor = current_panel(), current_actor()
    views = []
    for view in panel.views.values():
        pointing = [f for f in view.declared if f.target == model.__tablename__]
        if pointing and panel.policy.may(actor, Permission.READ, view.model):
            views.append((view, pointing))
    return sorted(views, key=lambda pair: pair[0].model.__tablename__ not in model.__rows__)


def _related(record: Any, referring: list[tuple[SchemaView, list[Field]]], limit: int) -> list[Related]:
    """The tables that refer to a record, with the number of their rows. The first `limit` that have any show their
    latest rows. All numbers are counted in one statement, so that the number of statements is bounded."""
    conditions = [or_(*(_refers_to(view.model, f, record) for f in pointing)) for view, pointing in referring]
    counted = [(view.model, condition) for (view, _pointing), condition in zip(referring, conditions, strict=True)]
    numbers = listing.counts(current_panel().session, counted)
    tables, shown = [], 0
    for (view, pointing), condition, count in zip(referring, conditions, numbers, strict=True):
        table = _without_rows(view, pointing, record, count)
        if count and shown < limit:
            _add_rows(table, view, pointing, condition, own=view.model.__tablename__ in record.__rows__)
            shown += 1
        tables.append(table)
    return tables


def _refers_to(model: type[Base], field: Field, record: Any) -> ColumnElement[bool]:
    """The condition that a row refers to a record by this field."""
    if field.many:
        return filters.points_at(model, field, [record.id])
    refers: ColumnElement[bool] = getattr(model, field.attr) == record.id
    return refers


def _without_rows(view: SchemaView, references: list[Field], record: Any, count: int) -> Related:
    """A referring table without rows."""
    model = view.model
    related = Related(
        label=f"{model.__labels__} · {references[0].label}" if isinstance(record, model) else model.__labels__,
        count=count,
        url=view.get_url(f"{view.endpoint}.index_view", **{references[0].name: record.id}),
        columns=[],
        rows=[],
    )
    if view.can_create and not references[0].readonly:
        back = request.full_path.rstrip("?")
        related.add_url = view.get_url(f"{view.endpoint}.create_view", url=back, **{references[0].name: record.id})
    return related


def _add_rows(related: Related, view: SchemaView, references: list[Field], condition: Any, *, own: bool) -> None:
    """Add rows to a referring table, in one statement: the latest ones, or for child rows (`own`) those of the form in
    its order."""
    model = view.model
    column, downwards = (model.id, False) if own else order.order(model, "")
    hidden = {f.name for f in references} if len(references) == 1 else set()
    candidates = [f for f in view.declared if f.name not in hidden and not isinstance(f.kind, Data)]
    if view.related:
        shown = [f for name in view.related for f in candidates if f.name == name]
    else:
        shown = [f for f in candidates if f.listed and f.below is None][:RELATED_COLUMNS]
    referenced = [f.name for f in view.declared if f.target and (f in shown or f.below in {s.name for s in shown})]
    statement = (
        select(model)
        .where(condition)
        .order_by(column.desc() if downwards else column, model.id.desc())
        .limit(child_rows.MOST if own else RELATED_ROWS)
        .options(*listing.loading(model, referenced))
    )
    rows = current_panel().session.execute(statement).unique().scalars()
    related.columns = [lists.plain_column(f) for f in shown]
    related.rows = lists.rows(view, list(rows), shown)


def count_referrers(model: type[Base], ids: list[int]) -> list[tuple[Message, int]]:
    """(label of a table, number of its rows that refer to any of these records), regardless of the scope, in one
    statement. References among the records that can be set to NULL don't count."""
    conditions: list[tuple[type[Base], Any]] = []
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: str(mapper.class_.__tablename__)):
        other = mapper.class_
        keys = [
            c
            for c in mapper.local_table.c
            for fk in c.foreign_keys  # type: ignore[attr-defined]
            if fk.column.table is model.__table__ and (fk.ondelete or "").upper() != "CASCADE"
        ]
        declared = {f.attr for f in fields(other)}
        keys = [c for c in keys if c.name in declared or not c.name.endswith("_by_id")]
        pointing = [table_of_links(other, f) for f in links(other) if f.target == model.__tablename__]
        if pointing:
            owners = [select(t.c.owner_id).where(t.c.target_id.in_(ids)) for t in pointing]
            rest = other.__table__.c.id.not_in(ids) if other is model else true()
            conditions.append((other, and_(or_(*(other.__table__.c.id.in_(owner_ids) for owner_ids in owners)), rest)))
        if keys:
            # Deletion sets nullable references among the deleted records to NULL first.
            rest = model.id.not_in(ids) if other is model else true()
            conditions.append((other, or_(*(and_(c.in_(ids), rest if c.nullable else true()) for c in keys))))
    if not conditions:
        return []
    statement = select(
        *(
            select(func.count()).select_from(other.__table__).where(condition).scalar_subquery()
            for other, condition in conditions
        )
    )
    numbers = current_panel().session.execute(statement, execution_options=UNSCOPED).one()
    return [(other.__labels__, n) for (other, _c), n in zip(conditions, numbers, strict=True) if n]
