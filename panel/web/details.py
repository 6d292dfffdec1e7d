"""The details page of a SchemaView: the record, what refers to it, and what happened to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import ColumnElement, and_, func, or_, select, true

from panel.base import UNSCOPED, Base, display
from panel.fields import Field, fields, links, table_of_links
from panel.i18n import Message, _
from panel.kinds import Choice, Data
from panel.search import listing
from panel.security.policy import Permission
from panel.web import child_rows, history, lists, render
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, DetailsPage, Group, Related

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: Tables that are shown of those that refer to a record, and rows and columns of each.
RELATED_TABLES = 3
RELATED_ROWS = 5
RELATED_COLUMNS = 5


def build(
    view: SchemaView,
    record: Any,
    *,
    without: Collection[str] = (),
    tables: int = RELATED_TABLES,
    with_history: bool = True,
) -> DetailsPage:
    """The page of a record. A page that shows them in its own way leaves out tables `without`, and the history; it
    says how many `tables` of what refers to the record are shown."""
    page = DetailsPage(
        title=f"{view.model.__label__} · {display(record)}",
        sub=lists.place_words(view, record),
        tag=_tag(view, record),
        groups=_groups(view, record),
        related=_related(record, [one for one in referrers(view.model) if one[0].endpoint not in without], tables),
        history=history.of_record(record) if with_history else [],
    )
    back = request.full_path.rstrip("?")
    if view.may_change(record, Permission.DELETE):
        page.buttons.append(Button(_("Delete…"), view.get_url(".confirm_view", id=record.id), danger=True))
    if reveal := view.reveal_button(record):
        page.buttons.append(reveal)
    if view.may_change(record):
        page.buttons.append(
            Button(_("Edit"), view.get_url(".edit_view", id=record.id, url=back), "pencil", primary=True)
        )
    return page


def _tag(view: SchemaView, record: Any) -> Cell | None:
    """The state of a record, where it has one."""
    field = next((f for f in view.declared if f.name == "status" and isinstance(f.kind, Choice)), None)
    return render.cell(field, record) if field else None


def _groups(view: SchemaView, record: Any) -> list[Group]:
    found: dict[Message, Group] = {}
    for field in view.declared:
        if isinstance(field.kind, Data):
            continue
        made = view.cells[field.name](record) if field.name in view.cells else render.cell(field, record, linked=True)
        wide = getattr(field.kind, "lines", 1) > 1
        found.setdefault(field.group, Group(field.group)).facts.append((field.label, made, wide))
    return list(found.values())


def referrers(model: type[Base]) -> list[tuple[SchemaView, list[Field]]]:
    """Registered tables that refer to a model and that the reader may read, with the references that do; first those
    whose rows are edited in its form."""
    panel, actor = current_panel(), current_actor()
    found = []
    for view in panel.views.values():
        pointing = [f for f in view.declared if f.target == model.__tablename__]
        if pointing and panel.policy.may(actor, Permission.READ, view.model):
            found.append((view, pointing))
    return sorted(found, key=lambda one: one[0].model.__tablename__ not in model.__rows__)


def _related(record: Any, found: list[tuple[SchemaView, list[Field]]], most: int) -> list[Related]:
    """What refers to a record, table by table. They are counted in one statement; of the first that have any the
    latest are shown, the others are led to: a page costs the same whatever refers to it."""
    conditions = [or_(*(_points(view.model, f, record) for f in pointing)) for view, pointing in found]
    counted = [(view.model, condition) for (view, _pointing), condition in zip(found, conditions, strict=True)]
    numbers = listing.counts(current_panel().session, counted)
    made, shown = [], 0
    for (view, pointing), condition, count in zip(found, conditions, numbers, strict=True):
        one = _closed(view, pointing, record, count)
        if count and shown < most:
            _open(one, view, pointing, condition, own=view.model.__tablename__ in record.__rows__)
            shown += 1
        made.append(one)
    return made


def _points(model: type[Base], field: Field, record: Any) -> ColumnElement[bool]:
    """That a row refers to a record by this field."""
    if field.many:
        return listing.points_at(model, field, [record.id])
    refers: ColumnElement[bool] = getattr(model, field.attr) == record.id
    return refers


def _closed(view: SchemaView, references: list[Field], record: Any, count: int) -> Related:
    """A table that refers to a record, without its rows."""
    model = view.model
    made = Related(
        label=f"{model.__labels__} · {references[0].label}" if isinstance(record, model) else model.__labels__,
        count=count,
        url=view.get_url(f"{view.endpoint}.index_view", **{references[0].name: record.id}),
        columns=[],
        rows=[],
    )
    if view.can_create and not references[0].readonly:
        back = request.full_path.rstrip("?")
        made.add_url = view.get_url(f"{view.endpoint}.create_view", url=back, **{references[0].name: record.id})
    return made


def _open(made: Related, view: SchemaView, references: list[Field], condition: Any, *, own: bool) -> None:
    """Put in the latest rows, in one statement; of rows that are the record's `own` as many as its form has, and in
    their order there."""
    model = view.model
    column, downwards = (model.id, False) if own else listing.order(model, "")
    hidden = {f.name for f in references} if len(references) == 1 else set()
    able = [f for f in view.declared if f.name not in hidden and not isinstance(f.kind, Data)]
    if view.related:
        shown = [f for name in view.related for f in able if f.name == name]
    else:
        shown = [f for f in able if f.listed and f.below is None][:RELATED_COLUMNS]
    loaded = [f.name for f in view.declared if f.target and (f in shown or f.below in {s.name for s in shown})]
    statement = (
        select(model)
        .where(condition)
        .order_by(column.desc() if downwards else column, model.id.desc())
        .limit(child_rows.MOST if own else RELATED_ROWS)
        .options(*listing.loading(model, loaded))
    )
    rows = current_panel().session.execute(statement).unique().scalars()
    made.columns = [lists.plain_column(f) for f in shown]
    made.rows = [lists.row(view, found, shown) for found in rows]


def referring(model: type[Base], ids: list[int]) -> list[tuple[Message, int]]:
    """How many rows of which tables refer to any of these records, seen or not, in one statement."""
    found: list[tuple[type[Base], Any]] = []
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
            found.append((other, and_(or_(*(other.__table__.c.id.in_(some) for some in owners)), rest)))
        if keys:
            # What goes together lets go of each other first, where it can.
            rest = model.id.not_in(ids) if other is model else true()
            found.append((other, or_(*(and_(c.in_(ids), rest if c.nullable else true()) for c in keys))))
    if not found:
        return []
    statement = select(
        *(
            select(func.count()).select_from(other.__table__).where(condition).scalar_subquery()
            for other, condition in found
        )
    )
    numbers = current_panel().session.execute(statement, execution_options=UNSCOPED).one()
    return [(other.__labels__, n) for (other, _c), n in zip(found, numbers, strict=True) if n]
