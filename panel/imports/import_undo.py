"""Taking an import back: what it wrote and nobody has touched since is as it was before; the rest stays, with the
reason. A row goes back as a whole, with what was written besides it, or not at all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.i18n import Message, _, for_the_record
from panel.imports.matching import UNSCOPED
from panel.imports.rules import Registry
from panel.imports.undo_plan import Item, UndoPlan, by_model, read_stored, read_units
from panel.imports.undo_reasons import check_reach, check_references, check_rules, check_versions
from panel.kinds import now, to_minute
from panel.security import audit
from panel.security.policy import AccessDenied, Permission, model_of, table_of
from panel.security.records import AuditAction, ImportBatch, ImportRow, ImportUndo
from panel.security.session import actor_of, elevated, policy_of
from panel.store import bulk
from panel.store.db_errors import explain


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
        return _("This import was taken back already: {who}, {at}.", who=found.actor_name, at=to_minute(found.at))
    days = registry.keep_days(session)
    if batch.at < now() - timedelta(days=days):
        return _("It is too late: an import can be taken back for {days} days.", days=days)
    if not batch.new_count and not batch.changed_count:
        return _("This import changed nothing, so there is nothing to take back.")
    return None


def plan(session: Session, batch: ImportBatch, registry: Registry) -> UndoPlan:
    """What would go back and what would stay, and why; in a number of statements that doesn't grow with the rows."""
    made = UndoPlan(batch, refusal(session, batch, registry))
    if made.refusal:
        return made
    made.units = read_units(session, batch)
    if not made.units:
        made.refusal = _("This import is from before imports could be taken back.")
        return made
    read_stored(session, made)
    check_versions(session, made)
    check_reach(session, made)
    check_rules(session, made, registry)
    check_references(session, made, registry)
    return made


def run(session: Session, made: UndoPlan, registry: Registry) -> int:
    """Take back what goes, note what stays, commit, and return how many rows went back. All of it or nothing;
    UserError says why not."""
    if made.refusal:
        raise UserError(made.refusal)
    if not made.going:
        raise UserError(_("Every row has been changed or referred to since. Nothing was taken back."))
    note = for_the_record(_("Import batch {number} taken back", number=made.batch.id))
    try:
        with elevated(session):
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


def delete_expired(session: Session, days: int) -> None:
    """Let go of what imports kept of cells and values before, once they can't be taken back any more."""
    batch, row = table_of(ImportBatch).c, table_of(ImportRow)
    old = select(batch.id).where(batch.at < now() - timedelta(days=days))
    kept = or_(row.c.cells.is_not(None), row.c.before.is_not(None), row.c.besides.is_not(None))
    statement = update(row).where(row.c.batch_id.in_(old), kept)
    session.connection().execute(statement.values(cells=null(), before=null(), besides=null()))


def _take_back(session: Session, made: UndoPlan, registry: Registry, note: str) -> None:
    """The other way round than the import wrote: what it added goes, children first; what it changed is put back; last
    goes what was made for several rows."""
    rows = [item for unit in made.going if not unit.alone for item in unit.items]
    added = by_model(item for item in rows if item.before is None)
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    for model in sorted(added, key=lambda model: tables.index(model.__tablename__)):
        registry.rules_of(model).undo(session, [_gone(made, item) for item in added[model]], note)
    for model, items in by_model(item for item in rows if item.before is not None).items():
        edits = {
            item.id: bulk.Edit(item.id, stored["version"], item.before or {}, stored)
            for item in items
            for stored in (made.stored[item.place],)
        }
        bulk.edit(session, model, list(edits.values()), note)
    for model, items in by_model(item for unit in made.going if unit.alone for item in unit.items).items():
        bulk.remove(session, model, [_gone(made, item) for item in items], note)


def _gone(made: UndoPlan, item: Item) -> bulk.Removal:
    stored = made.stored[item.place]
    return bulk.Removal(item.id, stored["version"], stored)


def _note(session: Session, made: UndoPlan, note: str) -> int:
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
