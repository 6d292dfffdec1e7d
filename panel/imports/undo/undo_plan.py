"""The plan of an undo: the rows of the import, the current state of their records, and which rows go or stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.fields import all_fields
from panel.i18n import Message
from panel.imports.records import ImportBatch, ImportRow
from panel.security.policy import model_of, table_of
from panel.security.records import AuditAction, AuditEntry
from panel.store import links

#: (table name, id) of a record.
RecordKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A record that the import wrote at `version`: added, or changed from the values `before`."""

    model: type[Base]
    id: int
    version: int
    before: Mapping[str, Any] | None

    @property
    def key(self) -> RecordKey:
        return self.model.__tablename__, self.id


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row stays, and the record that causes it, if any."""

    message: Message
    key: RecordKey | None = None


@dataclass(slots=True)
class Unit:
    """Records that are undone together: those of one row of the file, its own record first, or a single record that was
    added for several rows (`alone`)."""

    sheet: str
    number: int
    alone: bool
    items: list[Item]
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class UndoPlan:
    """What undoing a batch would do. `refusal` says why it can't be undone at all; `stored` are the current values of
    the records."""

    batch: ImportBatch
    refusal: Message | None = None
    units: list[Unit] = field(default_factory=list)
    stored: dict[RecordKey, dict[str, Any]] = field(default_factory=dict)

    #: Records outside the actor's scope, of which nothing is shown.
    unseen: set[RecordKey] = field(default_factory=set)

    def hides(self, item: Item) -> bool:
        return item.key in self.unseen

    def digest(self) -> str:
        """A fingerprint of the plan's effect, to notice a change between the page and its confirmation."""
        facts = [(unit.number, unit.sheet, bool(unit.reasons), [i.key for i in unit.items]) for unit in self.units]
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
    for import_row in session.execute(statement, execution_options=UNSCOPED):
        unit = Unit(import_row.sheet, import_row.number, False, [])
        if import_row.version is not None:
            before = None if import_row.version == 1 else import_row.before or {}
            unit.items.append(_item(batch.table_name, import_row.record_id, import_row.version, before))
        for table, id_, version, before, alone in import_row.besides or ():
            item = _item(table, id_, version, before)
            if alone:
                units.append(Unit(import_row.sheet, import_row.number, True, [item]))
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
    grouped: dict[type[Base], list[Item]] = defaultdict(list)
    for item in items:
        grouped[item.model].append(item)
    return grouped


def read_stored(session: Session, undo_plan: UndoPlan) -> None:
    """Read the current values of the records into undo_plan.stored, except of records deleted since the import.

    The deletions are looked up in the audit log: in databases of early versions a new record may have got the id of a
    deleted one."""
    entry = table_of(AuditEntry).c
    for model, items in by_model(item for unit in undo_plan.units for item in unit.items).items():
        table = table_of(model)
        for chunk in chunks({item.id for item in items}):
            deleted = select(entry.record_id).where(
                entry.table_name == table.name,
                entry.record_id.in_(chunk),
                entry.action == AuditAction.DELETE,
                entry.at >= undo_plan.batch.at,
            )
            present = select(table).where(table.c.id.in_(chunk), table.c.id.not_in(deleted))
            for row in session.execute(present, execution_options=UNSCOPED):
                undo_plan.stored[table.name, row.id] = dict(row._mapping)
        links.read_into(session, model, {i.id: undo_plan.stored[i.key] for i in items if i.key in undo_plan.stored})
