"""Why a row of an import stays when the rest goes back: changed since, out of reach, held by a rule, referred to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import links, table_of_links
from panel.i18n import _
from panel.imports.matching import UNSCOPED, chunks, permitted
from panel.imports.rules import NOT_VISIBLE, OUTSIDE, Registry
from panel.imports.undo_plan import Item, Place, Reason, UndoPlan, Unit, by_model
from panel.kinds import to_minute
from panel.security.accounts import User
from panel.security.policy import Permission, model_of, table_of
from panel.security.records import ImportBatch, ImportUndo


@dataclass(frozen=True, slots=True)
class _Pointer:
    """That a record refers to one that the import added."""

    target: Place
    source: Place
    attr: str


def check_versions(session: Session, made: UndoPlan) -> None:
    """What was changed or deleted since stays."""
    versions = _restored(session, made.batch)
    changed: list[tuple[Unit, Item, Mapping[str, Any]]] = []
    for unit in made.units:
        for item in unit.items:
            stored = made.stored.get(item.place)
            if stored is None:
                message = _("{label} #{id} isn't there any more.", label=item.model.__label__, id=item.id)
                unit.reasons.append(Reason(message))
            elif _same(stored["version"], item, versions) != item.version:
                changed.append((unit, item, stored))
    user = User.__table__.c
    names: dict[int, str] = {}
    for some in chunks({stored["updated_by_id"] for _unit, item_of, stored in changed} - {None}):
        statement = select(user.id, user.name).where(user.id.in_(some))
        names |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
    for unit, item, since in changed:
        who = names.get(since["updated_by_id"]) or _("the system")
        message = _("Changed since: {who}, {at}.", who=who, at=to_minute(since["updated_at"]))
        unit.reasons.append(Reason(message, item.place))


def _restored(session: Session, batch: ImportBatch) -> dict[tuple[Place, int], int]:
    """Of records that a later import changed and that were put back: the version before by the one since."""
    undo = table_of(ImportUndo).c
    statement = select(undo.restored).where(undo.batch_id > batch.id)
    return {
        ((table, id_), since): before
        for restored in session.execute(statement, execution_options=UNSCOPED).scalars()
        for table, id_, before, since in restored
    }


def _same(version: int, item: Item, versions: Mapping[tuple[Place, int], int]) -> int:
    """The first version with the same values as this one."""
    while (item.place, version) in versions:
        version = versions[item.place, version]
    return version


def check_reach(session: Session, made: UndoPlan) -> None:
    """What lies outside one's area stays."""
    items = by_model(item for unit in made.units for item in unit.items)
    reach = {
        model: set(permitted(session, model, Permission.READ, {i.id for i in some})) for model, some in items.items()
    }
    for unit in made.units:
        unseen = [i.place for i in unit.items if i.id not in reach[i.model] and i.place in made.stored]
        if unseen:
            made.unseen.update(unseen)
            unit.reasons = [Reason(OUTSIDE)]


def check_rules(session: Session, made: UndoPlan, registry: Registry) -> None:
    added = by_model(item for unit in made.going for item in unit.items if item.before is None)
    held = {
        (model.__tablename__, id_): message
        for model, items in added.items()
        for id_, message in registry.rules_of(model).removal_obstacles(session, {item.id for item in items}).items()
    }
    for unit in made.going:
        unit.reasons += [Reason(held[item.place], item.place) for item in unit.items if item.place in held]


def check_references(session: Session, made: UndoPlan, registry: Registry) -> None:
    """What something else refers to stays, unless that goes back as well; what shares a record with a row that stays
    stays too. Repeated until nothing more follows."""
    owners: dict[Place, list[Unit]] = defaultdict(list)
    items: dict[Place, Item] = {}
    for unit in made.units:
        for item in unit.items:
            owners[item.place].append(unit)
            items[item.place] = item
    pointers = _pointers(session, [item for item in items.values() if item.before is None], registry)
    blamed: dict[int, list[_Pointer]] = defaultdict(list)
    known = -1
    while True:
        staying = {place for unit in made.units if unit.reasons or id(unit) in blamed for place in _places(unit)}
        if len(staying) == known:
            break
        known, open_ = len(staying), []
        for pointer in pointers:
            source = items.get(pointer.source)
            if source and pointer.source not in staying and (source.before is None or pointer.attr in source.before):
                open_.append(pointer)
                continue
            for unit in owners[pointer.target]:
                if not unit.reasons:
                    blamed[id(unit)].append(pointer)
        pointers = open_
        for unit in made.units:
            if not unit.reasons and id(unit) not in blamed and any(place in staying for place in _places(unit)):
                unit.reasons.append(Reason(_("It belongs to a row that stays.")))
    names = _names(session, {found[0].source for found in blamed.values()})
    for unit in made.units:
        if id(unit) in blamed:
            unit.reasons += _refers(blamed[id(unit)], names)


def _places(unit: Unit) -> list[Place]:
    return [item.place for item in unit.items]


def _pointers(session: Session, added: Sequence[Item], registry: Registry) -> list[_Pointer]:
    """Everything that refers to records that the import added; told from the declared foreign keys."""
    targets = {model.__tablename__: {item.id for item in items} for model, items in by_model(added).items()}
    histories = {name: registry.rules_of(model_of(name)).histories for name in targets}
    found: list[_Pointer] = []
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: str(mapper.class_.__tablename__)):
        table = table_of(mapper.class_)
        for column in table.c:
            for key in column.foreign_keys:
                target = key.column.table.name
                if target not in targets or table.name in histories[target]:
                    continue
                for some in chunks(targets[target]):
                    statement = select(table.c.id, column).where(column.in_(some))
                    for id_, to in session.execute(statement, execution_options=UNSCOPED):
                        found.append(_Pointer((target, to), (table.name, id_), column.name))
        found += _links_to(session, mapper.class_, targets)
    return found


def _links_to(session: Session, model: type[Base], targets: Mapping[str, Collection[int]]) -> Iterator[_Pointer]:
    """What records of a table point at by many()."""
    for f in links(model):
        table, target = table_of_links(model, f), f.target or ""
        for some in chunks(targets.get(target, ())):
            statement = select(table).where(table.c.target_id.in_(some))
            for owner, to in session.execute(statement, execution_options=UNSCOPED):
                yield _Pointer((target, to), (model.__tablename__, owner), f.attr)


def _names(session: Session, places: Iterable[Place]) -> dict[Place, str]:
    """What records are called, as far as the actor reaches them."""
    ids: dict[str, set[int]] = defaultdict(set)
    for table, id_ in places:
        ids[table].add(id_)
    found: dict[Place, str] = {}
    for table, wanted in ids.items():
        model = model_of(table)
        columns = table_of(model).c
        shown = [columns[name] for name in model.__display__ if name in columns]
        for some in chunks(permitted(session, model, Permission.READ, wanted)):
            statement = select(columns.id, *shown).where(columns.id.in_(some))
            for id_, *parts in session.execute(statement, execution_options=UNSCOPED):
                found[table, id_] = " ".join(str(part) for part in parts if part) or f"#{id_}"
    return found


def _refers(found: Sequence[_Pointer], names: Mapping[Place, str]) -> list[Reason]:
    first = found[0].source
    label = model_of(first[0]).__label__
    seen = first in names
    message = _("{label} {name} refers to it.", label=label, name=names.get(first, NOT_VISIBLE))
    if len(found) > 1:
        message = _(
            "{label} {name} and {n} more records refer to it.",
            label=label,
            name=names.get(first, NOT_VISIBLE),
            n=len(found) - 1,
        )
    return [Reason(message, first if seen else None)]
