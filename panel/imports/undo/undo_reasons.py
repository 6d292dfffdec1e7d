"""Why a row stays when an import is undone: changed since, out of the actor's scope, kept by a rule, or referred to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.fields import all_fields, links, table_of_links
from panel.i18n import Message, _
from panel.imports.records import ImportBatch, ImportUndo
from panel.imports.rules import OUTSIDE, Registry
from panel.imports.undo.undo_plan import Item, Reason, RecordKey, UndoPlan, Unit, by_model
from panel.kinds import to_minute
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security import locks
from panel.security.accounts import User
from panel.security.policy import Permission, model_of, table_of
from panel.security.session import permitted


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A record (`source`) refers by its attribute `attr` to a record that the import added (`target`)."""

    target: RecordKey
    source: RecordKey
    attr: str


def check_versions(session: Session, undo_plan: UndoPlan) -> None:
    """Add a reason to each unit with a record that was changed or deleted since the import."""
    versions = _restored(session, undo_plan.batch)
    changed: list[tuple[Unit, Item, Mapping[str, Any]]] = []
    for unit in undo_plan.units:
        for item in unit.items:
            stored = undo_plan.stored.get(item.key)
            if stored is None:
                message = _("{label} #{id} isn't there any more.", label=item.model.__label__, id=item.id)
                unit.reasons.append(Reason(message))
            elif _original_version(stored["version"], item, versions) != item.version:
                changed.append((unit, item, stored))
    user = User.__table__.c
    names: dict[int, str] = {}
    for chunk in chunks({stored["updated_by_id"] for _unit, item_of, stored in changed} - {None}):
        statement = select(user.id, user.name).where(user.id.in_(chunk))
        names |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
    for unit, item, since in changed:
        who = names.get(since["updated_by_id"]) or _("the system")
        message = _("Changed since: {who}, {at}.", who=who, at=to_minute(since["updated_at"]))
        unit.reasons.append(Reason(message, item.key))


def _restored(session: Session, batch: ImportBatch) -> dict[tuple[RecordKey, int], int]:
    """Versions of records that a later, undone import changed: (record, version after the undo) to the version before
    that import. Both have the same values."""
    undo = table_of(ImportUndo).c
    statement = select(undo.restored).where(undo.batch_id > batch.id)
    return {
        ((table, id_), since): before
        for restored in session.execute(statement, execution_options=UNSCOPED).scalars()
        for table, id_, before, since in restored
    }


def _original_version(version: int, item: Item, versions: Mapping[tuple[RecordKey, int], int]) -> int:
    """The first version with the same values as this one."""
    while (item.key, version) in versions:
        version = versions[item.key, version]
    return version


def check_reach(session: Session, undo_plan: UndoPlan) -> None:
    """Give each unit with a record outside the actor's scope that reason alone."""
    items = by_model(item for unit in undo_plan.units for item in unit.items)
    reach = {
        model: set(permitted(session, model, Permission.READ, {i.id for i in model_items}))
        for model, model_items in items.items()
    }
    for unit in undo_plan.units:
        unseen = [i.key for i in unit.items if i.id not in reach[i.model] and i.key in undo_plan.stored]
        if unseen:
            undo_plan.unseen.update(unseen)
            unit.reasons = [Reason(OUTSIDE)]


def check_rules(session: Session, undo_plan: UndoPlan, registry: Registry) -> None:
    """Add the obstacles that the import rules of each table find."""
    added = by_model(item for unit in undo_plan.going for item in unit.items if item.before is None)
    obstacles = {
        (model.__tablename__, id_): message
        for model, items in added.items()
        for id_, message in registry.rules_of(model).removal_obstacles(session, {item.id for item in items}).items()
    }
    for unit in undo_plan.going:
        unit.reasons += [Reason(obstacles[item.key], item.key) for item in unit.items if item.key in obstacles]


def check_locks(session: Session, undo_plan: UndoPlan) -> None:
    """Add a reason to each unit with a record that could be added or changed at the import and is locked since."""
    for model, items in by_model(item for unit in undo_plan.going for item in unit.items).items():
        held = locks.holding(session, model, {item.id for item in items})
        declared = {f.attr: f for f in all_fields(model)}
        reasons: dict[RecordKey, Message] = {}
        for item in items:
            if item.before is None:
                why = next((lock.why for lock in model.__locked__ if lock.adding and lock in held[item.id]), None)
            else:
                whys = (locks.reason(model, declared[attr], held[item.id]) for attr in item.before if attr in declared)
                why = next((why for why in whys if why), None)
            if why:
                reasons[item.key] = why
        for unit in undo_plan.going:
            unit.reasons += [Reason(reasons[item.key], item.key) for item in unit.items if item.key in reasons]


def check_references(session: Session, undo_plan: UndoPlan, registry: Registry) -> None:
    """Add a reason to each unit that a remaining record refers to, and to each that shares a record with a unit that
    stays. Repeated until nothing more follows."""
    owners: dict[RecordKey, list[Unit]] = defaultdict(list)
    items: dict[RecordKey, Item] = {}
    for unit in undo_plan.units:
        for item in unit.items:
            owners[item.key].append(unit)
            items[item.key] = item
    pointers = _pointers(session, [item for item in items.values() if item.before is None], registry)
    blocking: dict[int, list[_Pointer]] = defaultdict(list)
    staying_count = -1
    while True:
        staying = {key for unit in undo_plan.units if unit.reasons or id(unit) in blocking for key in _keys(unit)}
        if len(staying) == staying_count:
            break
        staying_count, undecided = len(staying), []
        for pointer in pointers:
            source = items.get(pointer.source)
            if source and pointer.source not in staying and (source.before is None or pointer.attr in source.before):
                undecided.append(pointer)
                continue
            for unit in owners[pointer.target]:
                if not unit.reasons:
                    blocking[id(unit)].append(pointer)
        pointers = undecided
        for unit in undo_plan.units:
            if not unit.reasons and id(unit) not in blocking and any(key in staying for key in _keys(unit)):
                unit.reasons.append(Reason(_("It belongs to a row that stays.")))
    names = _names(session, {unit_pointers[0].source for unit_pointers in blocking.values()})
    for unit in undo_plan.units:
        if id(unit) in blocking:
            unit.reasons += _refers(blocking[id(unit)], names)


def _keys(unit: Unit) -> list[RecordKey]:
    return [item.key for item in unit.items]


def _pointers(session: Session, added: Sequence[Item], registry: Registry) -> list[_Pointer]:
    """All references to records that the import added, by the declared foreign keys and links."""
    targets = {model.__tablename__: {item.id for item in items} for model, items in by_model(added).items()}
    histories = {name: registry.rules_of(model_of(name)).histories for name in targets}
    pointers: list[_Pointer] = []
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: str(mapper.class_.__tablename__)):
        table = table_of(mapper.class_)
        for column in table.c:
            for key in column.foreign_keys:
                target = key.column.table.name
                if target not in targets or table.name in histories[target]:
                    continue
                for chunk in chunks(targets[target]):
                    statement = select(table.c.id, column).where(column.in_(chunk))
                    for id_, to in session.execute(statement, execution_options=UNSCOPED):
                        pointers.append(_Pointer((target, to), (table.name, id_), column.name))
        pointers += _links_to(session, mapper.class_, targets)
    return pointers


def _links_to(session: Session, model: type[Base], targets: Mapping[str, Collection[int]]) -> Iterator[_Pointer]:
    """References of a table's many() fields to the targets."""
    for f in links(model):
        table, target = table_of_links(model, f), f.target or ""
        for chunk in chunks(targets.get(target, ())):
            statement = select(table).where(table.c.target_id.in_(chunk))
            for owner, to in session.execute(statement, execution_options=UNSCOPED):
                yield _Pointer((target, to), (model.__tablename__, owner), f.attr)


def _names(session: Session, keys: Iterable[RecordKey]) -> dict[RecordKey, str]:
    """The names of the records that the actor may read."""
    ids: dict[str, set[int]] = defaultdict(set)
    for table, id_ in keys:
        ids[table].add(id_)
    return visible_names(session, ids)


def _refers(pointers: Sequence[_Pointer], names: Mapping[RecordKey, str]) -> list[Reason]:
    first = pointers[0].source
    label = model_of(first[0]).__label__
    visible = first in names
    message = _("{label} {name} refers to it.", label=label, name=names.get(first, NOT_VISIBLE))
    if len(pointers) > 1:
        message = _(
            "{label} {name} and {n} more records refer to it.",
            label=label,
            name=names.get(first, NOT_VISIBLE),
            n=len(pointers) - 1,
        )
    return [Reason(message, first if visible else None)]
