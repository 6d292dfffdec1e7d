"""What taking an import back would do: its rows, the records behind them as they now stand, and what goes or stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import all_fields
from panel.i18n import Message
from panel.imports.matching import UNSCOPED, chunks
from panel.security.policy import model_of, table_of
from panel.security.records import AuditAction, AuditEntry, ImportBatch, ImportRow
from panel.store import links

#: A record: its table and id.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A record that the import wrote at `version`: added, or changed from the values `before`."""

    model: type[Base]
    id: int
    version: int
    before: Mapping[str, Any] | None

    @property
    def place(self) -> Place:
        return self.model.__tablename__, self.id


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row stays, and the record that is the cause, if there is one."""

    message: Message
    place: Place | None = None


@dataclass(slots=True)
class Unit:
    """What goes back together: a row of the file with what was written besides, or a record made for several rows.
    Its own record comes first."""

    sheet: str
    number: int
    alone: bool
    items: list[Item]
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class UndoPlan:
    """What taking a batch back would do. `refusal` says why it can't be done at all; `stored` holds the records as
    they now stand."""

    batch: ImportBatch
    refusal: Message | None = None
    units: list[Unit] = field(default_factory=list)
    stored: dict[Place, dict[str, Any]] = field(default_factory=dict)

    #: Records outside the actor's area: nothing is told of them.
    unseen: set[Place] = field(default_factory=set)

    def hides(self, item: Item) -> bool:
        return item.place in self.unseen

    def digest(self) -> str:
        """A fingerprint of what goes and what stays: two plans that differ here differ in effect."""
        facts = [(unit.number, unit.sheet, bool(unit.reasons), [i.place for i in unit.items]) for unit in self.units]
        return sha256(repr(facts).encode()).hexdigest()[:20]

    @property
    def going(self) -> list[Unit]:
        return [unit for unit in self.units if not unit.reasons]

    @property
    def staying(self) -> list[Unit]:
        return [unit for unit in self.units if unit.reasons]


def read_units(session: Session, batch: ImportBatch) -> list[Unit]:
    row = table_of(ImportRow).c
    statement = (
        select(row.sheet, row.number, row.record_id, row.version, row.before, row.besides)
        .where(row.batch_id == batch.id, or_(row.version.is_not(None), row.besides.is_not(None)))
        .order_by(row.id)
    )
    units: list[Unit] = []
    for one in session.execute(statement, execution_options=UNSCOPED):
        unit = Unit(one.sheet, one.number, False, [])
        if one.version is not None:
            before = None if one.version == 1 else one.before or {}
            unit.items.append(_item(batch.table_name, one.record_id, one.version, before))
        for table, id_, version, before, alone in one.besides or ():
            item = _item(table, id_, version, before)
            if alone:
                units.append(Unit(one.sheet, one.number, True, [item]))
            else:
                unit.items.append(item)
        if unit.items:
            units.append(unit)
    return units


def _item(table: str, id_: int, version: int, before: Mapping[str, Any] | None) -> Item:
    model = model_of(table)
    kinds = {f.attr: f.kind for f in all_fields(model)}
    values = before if before is None else {attr: kinds[attr].load(value) for attr, value in before.items()}
    return Item(model, id_, version, values)


def by_model(items: Iterable[Item]) -> dict[type[Base], list[Item]]:
    found: dict[type[Base], list[Item]] = defaultdict(list)
    for item in items:
        found[item.model].append(item)
    return found


def read_stored(session: Session, made: UndoPlan) -> None:
    """Read the records as they now stand. What was deleted since the import is not read, though another record may have
    its id: databases set up before ids were unique for ever gave them again."""
    entry = table_of(AuditEntry).c
    for model, items in by_model(item for unit in made.units for item in unit.items).items():
        table = table_of(model)
        for some in chunks({item.id for item in items}):
            deleted = select(entry.record_id).where(
                entry.table_name == table.name,
                entry.record_id.in_(some),
                entry.action == AuditAction.DELETE,
                entry.at >= made.batch.at,
            )
            present = select(table).where(table.c.id.in_(some), table.c.id.not_in(deleted))
            for row in session.execute(present, execution_options=UNSCOPED):
                made.stored[table.name, row.id] = dict(row._mapping)
        links.read_into(session, model, {i.id: made.stored[i.place] for i in items if i.place in made.stored})
