"""Taking an import back: what it wrote and nobody has touched since is as it was before; the rest stays, with the
reason. A row goes back as a whole, with what was written besides it, or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.fields import fields
from panel.i18n import Message, _, for_the_record
from panel.imports.matching import UNSCOPED, chunks, within
from panel.imports.references import OUTSIDE
from panel.imports.rules import NOT_VISIBLE, Registry
from panel.kinds import Moment, now
from panel.security import audit
from panel.security.accounts import User
from panel.security.policy import AccessDenied, Permission, model_of, table_of
from panel.security.records import AuditAction, AuditEntry, ImportBatch, ImportRow, ImportUndo
from panel.security.session import actor_of, by_right, policy_of
from panel.store import bulk
from panel.store.db_errors import explain

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
class Undoing:
    """What taking a batch back would do. `refusal` says why it can't be done at all; `stored` holds the records as
    they now stand."""

    batch: ImportBatch
    refusal: Message | None = None
    units: list[Unit] = field(default_factory=list)
    stored: dict[Place, Mapping[str, Any]] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class _Pointer:
    """That a record refers to one that the import added."""

    target: Place
    source: Place
    attr: str


def refusal(session: Session, batch: ImportBatch, registry: Registry) -> Message | None:
    """Why this person can't take this batch back, or nobody can.

    Who may import into the table takes back their own imports; who may delete in it as well, those of others."""
    policy, actor = policy_of(session), actor_of(session)
    try:
        model = model_of(batch.table_name)
    except LookupError:
        return _("The table of this import is no longer there.")
    own = actor.user_id is not None and actor.user_id == batch.actor_id
    if not policy.may(actor, Permission.IMPORT, model) or not (own or policy.may(actor, Permission.DELETE, model)):
        return AccessDenied().message
    done = ImportUndo.__table__.c
    statement = select(done.at, done.actor_name).where(done.batch_id == batch.id)
    if found := session.execute(statement, execution_options=UNSCOPED).first():
        return _("This import was taken back already: {who}, {at}.", who=found.actor_name, at=_minute(found.at))
    days = registry.keep_days(session)
    if batch.at < now() - timedelta(days=days):
        return _("It is too late: an import can be taken back for {days} days.", days=days)
    if not batch.new_count and not batch.changed_count:
        return _("This import changed nothing, so there is nothing to take back.")
    return None


def plan(session: Session, batch: ImportBatch, registry: Registry) -> Undoing:
    """What would go back and what would stay, and why; in a number of statements that doesn't grow with the rows."""
    made = Undoing(batch, refusal(session, batch, registry))
    if made.refusal:
        return made
    made.units = _units(session, batch)
    if not made.units:
        made.refusal = _("This import is from before imports could be taken back.")
        return made
    _read(session, made)
    _hold_versions(session, made)
    _hold_reach(session, made)
    _hold_rules(session, made, registry)
    _hold_references(session, made, registry)
    return made


def run(session: Session, made: Undoing, registry: Registry) -> int:
    """Take back what goes, note what stays, commit, and return how many rows went back. All of it or nothing;
    UserError says why not."""
    if made.refusal:
        raise UserError(made.refusal)
    if not made.going:
        raise UserError(_("Every row has been changed or referred to since. Nothing was taken back."))
    note = for_the_record(_("Import batch {number} taken back", number=made.batch.id))
    try:
        with by_right(session):
            _take_back(session, made, registry, note)
            count = _note(session, made, note)
        session.commit()
    except bulk.StaleRow:
        session.rollback()
        raise UserError(_("Somebody changed one of these records meanwhile. Nothing was taken back.")) from None
    except IntegrityError as error:
        session.rollback()
        message = explain(error, model_of(made.batch.table_name))[1]
        raise UserError(_("{reason} Nothing was taken back.", reason=message)) from None
    return count


def forget(session: Session, days: int) -> None:
    """Let go of what imports kept of cells and values before, once they can't be taken back any more."""
    batch, row = table_of(ImportBatch).c, table_of(ImportRow)
    old = select(batch.id).where(batch.at < now() - timedelta(days=days))
    kept = or_(row.c.cells.is_not(None), row.c.before.is_not(None), row.c.besides.is_not(None))
    statement = update(row).where(row.c.batch_id.in_(old), kept)
    session.connection().execute(statement.values(cells=null(), before=null(), besides=null()))


def _minute(moment: Any) -> str:
    return Moment().format(moment.replace(second=0, microsecond=0))


def _units(session: Session, batch: ImportBatch) -> list[Unit]:
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
    kinds = {f.attr: f.kind for f in fields(model)}
    values = before if before is None else {attr: kinds[attr].load(value) for attr, value in before.items()}
    return Item(model, id_, version, values)


def _by_model(items: Iterable[Item]) -> dict[type[Base], list[Item]]:
    found: dict[type[Base], list[Item]] = defaultdict(list)
    for item in items:
        found[item.model].append(item)
    return found


def _read(session: Session, made: Undoing) -> None:
    """Read the records as they now stand. What was deleted since the import is not read, though another record may have
    its id: databases set up before ids were unique for ever gave them again."""
    entry = table_of(AuditEntry).c
    for model, items in _by_model(item for unit in made.units for item in unit.items).items():
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


def _hold_versions(session: Session, made: Undoing) -> None:
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
    for some in chunks({stored["updated_by_id"] for _unit, _item, stored in changed} - {None}):
        statement = select(user.id, user.name).where(user.id.in_(some))
        names |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
    for unit, item, stored in changed:
        who = names.get(stored["updated_by_id"]) or _("the system")
        message = _("Changed since: {who}, {at}.", who=who, at=_minute(stored["updated_at"]))
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


def _hold_reach(session: Session, made: Undoing) -> None:
    """What lies outside one's area stays."""
    items = _by_model(item for unit in made.units for item in unit.items)
    reach = {model: set(within(session, model, Permission.READ, {i.id for i in some})) for model, some in items.items()}
    for unit in made.units:
        unseen = [i.place for i in unit.items if i.id not in reach[i.model] and i.place in made.stored]
        if unseen:
            made.unseen.update(unseen)
            unit.reasons = [Reason(OUTSIDE)]


def _hold_rules(session: Session, made: Undoing, registry: Registry) -> None:
    added = _by_model(item for unit in made.going for item in unit.items if item.before is None)
    held = {
        (model.__tablename__, id_): message
        for model, items in added.items()
        for id_, message in registry.rules_of(model).holds(session, {item.id for item in items}).items()
    }
    for unit in made.going:
        unit.reasons += [Reason(held[item.place], item.place) for item in unit.items if item.place in held]


def _hold_references(session: Session, made: Undoing, registry: Registry) -> None:
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
    targets = {model.__tablename__: {item.id for item in items} for model, items in _by_model(added).items()}
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
    return found


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
        for some in chunks(within(session, model, Permission.READ, wanted)):
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


def _take_back(session: Session, made: Undoing, registry: Registry, note: str) -> None:
    """The other way round than the import wrote: what it added goes, children first; what it changed is put back; last
    goes what was made for several rows."""
    rows = [item for unit in made.going if not unit.alone for item in unit.items]
    added = _by_model(item for item in rows if item.before is None)
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    for model in sorted(added, key=lambda model: tables.index(model.__tablename__)):
        registry.rules_of(model).take_back(session, [_gone(made, item) for item in added[model]], note)
    for model, items in _by_model(item for item in rows if item.before is not None).items():
        edits = {
            item.id: bulk.Edit(item.id, stored["version"], item.before or {}, stored)
            for item in items
            for stored in (made.stored[item.place],)
        }
        bulk.edit(session, model, list(edits.values()), note)
    for model, items in _by_model(item for unit in made.going if unit.alone for item in unit.items).items():
        bulk.remove(session, model, [_gone(made, item) for item in items], note)


def _gone(made: Undoing, item: Item) -> bulk.Removal:
    stored = made.stored[item.place]
    return bulk.Removal(item.id, stored["version"], stored)


def _note(session: Session, made: Undoing, note: str) -> int:
    """Record that it was taken back, and what was left."""
    actor = actor_of(session)
    count = sum(not unit.alone for unit in made.going)
    stayed = [
        [unit.sheet, unit.number, *unit.items[0].place, " ".join(str(reason.message) for reason in unit.reasons)]
        for unit in made.staying
    ]
    put_back = {item.place: item for unit in made.going for item in unit.items if item.before is not None}
    restored = [[*place, item.version - 1, made.stored[place]["version"] + 1] for place, item in put_back.items()]
    values = {
        "batch_id": made.batch.id,
        "at": now(),
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "row_count": count,
        "left_count": sum(not unit.alone for unit in made.staying),
        "restored": restored,
        "stayed": stayed,
    }
    session.connection().execute(insert(table_of(ImportUndo)).values(values))
    audit.note(session, AuditAction.EVENT, ImportBatch.__tablename__, made.batch.id, note)
    session.expire_all()
    return count
