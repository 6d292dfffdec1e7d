"""Undo of an import: plan() says which rows can be undone and why others can't; run() undoes the former.

A record that was changed or referred to since the import stays. A row of the file is undone as a whole, together with
the other records that were written with it, or not at all."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from sqlalchemy import insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.i18n import Message, _, in_default_locale
from panel.imports.records import ImportBatch, ImportRow, ImportUndo
from panel.imports.rules import Registry
from panel.imports.undo.undo_plan import Item, UndoPlan, by_model, read_stored, read_units
from panel.imports.undo.undo_reasons import check_locks, check_reach, check_references, check_rules, check_versions
from panel.kinds import now, to_minute
from panel.security import audit, watches
from panel.security.granted import granted
from panel.security.locks import EVERYTHING, unlocked
from panel.security.policy import AccessDenied, Permission, model_of, table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of, elevated, policy_of
from panel.store import bulk
from panel.store.db_errors import explain_to


def refusal(session: Session, batch: ImportBatch, registry: Registry) -> Message | None:
    """Why the actor can't undo this batch; None if they can.

    The permission to import into the table covers one's own imports; the permission to delete, those of others too."""
    policy, actor = policy_of(session), actor_of(session)
    try:
        model = model_of(batch.table_name)
    except LookupError:
        return _("The table of this import is no longer there.")
    own = actor.user_id is not None and actor.user_id == batch.actor_id
    importing = policy.narrowed(actor, Permission.IMPORT, model)
    acting = importing if own else policy.narrowed(importing, Permission.DELETE, model)
    if not (acting.system or acting.roles):
        return AccessDenied().message
    undo = ImportUndo.__table__.c
    statement = select(undo.at, undo.actor_name).where(undo.batch_id == batch.id)
    if earlier := session.execute(statement, execution_options=UNSCOPED).first():
        return _("This import was taken back already: {who}, {at}.", who=earlier.actor_name, at=to_minute(earlier.at))
    days = registry.keep_days(session)
    if batch.at < now() - timedelta(days=days):
        return _("It is too late: an import can be taken back for {days} days.", days=days)
    if not batch.new_count and not batch.changed_count:
        return _("This import changed nothing, so there is nothing to take back.")
    return None


def plan(session: Session, batch: ImportBatch, registry: Registry) -> UndoPlan:
    """Which rows would be undone, which would stay, and why. The number of statements doesn't grow with the rows."""
    undo_plan = UndoPlan(batch, refusal(session, batch, registry))
    if undo_plan.refusal:
        return undo_plan
    model = model_of(batch.table_name)
    own = batch.actor_id is not None and batch.actor_id == actor_of(session).user_id
    with (
        granted(session, Permission.IMPORT, model),
        nullcontext() if own else granted(session, Permission.DELETE, model),
    ):
        return _plan(session, undo_plan, registry)


def _plan(session: Session, undo_plan: UndoPlan, registry: Registry) -> UndoPlan:
    undo_plan.units = read_units(session, undo_plan.batch)
    if not undo_plan.units:
        undo_plan.refusal = _("This import is from before imports could be taken back.")
        return undo_plan
    read_stored(session, undo_plan)
    check_versions(session, undo_plan)
    check_reach(session, undo_plan)
    check_rules(session, undo_plan, registry)
    check_locks(session, undo_plan)
    check_references(session, undo_plan, registry)
    return undo_plan


def run(session: Session, undo_plan: UndoPlan, registry: Registry, *, commit: bool = True) -> int:
    """Undo what the plan says, record it with the rows that stay, commit unless `commit` is false, and return the
    number of rows undone.

    All or nothing: on an error the session is rolled back and UserError says why."""
    if undo_plan.refusal:
        raise UserError(undo_plan.refusal)
    if not undo_plan.going:
        raise UserError(_("Every row has been changed or referred to since. Nothing was taken back."))
    note = in_default_locale(_("Import batch {number} taken back", number=undo_plan.batch.id))
    try:
        # What may be taken back is in the plan: a row that is locked since the import stays.
        with unlocked(session, EVERYTHING), elevated(session):
            _undo_records(session, undo_plan, registry, note)
            count = _record_undo(session, undo_plan, note)
        watches.check(session)
        if commit:
            session.commit()
    except UserError:
        session.rollback()
        raise
    except bulk.StaleRow:
        session.rollback()
        raise UserError(_("Somebody changed one of these records meanwhile. Nothing was taken back.")) from None
    except IntegrityError as error:
        session.rollback()
        message = explain_to(session, error, model_of(undo_plan.batch.table_name))[1]
        raise UserError(_("{reason} Nothing was taken back.", reason=message)) from None
    return count


def delete_expired(session: Session, days: int) -> None:
    """Delete the stored cells and earlier values of imports that are more than `days` days old: they can't be undone
    any more. The caller commits."""
    batch, row = table_of(ImportBatch).c, table_of(ImportRow)
    expired = select(batch.id).where(batch.at < now() - timedelta(days=days))
    has_values = or_(row.c.cells.is_not(None), row.c.before.is_not(None), row.c.besides.is_not(None))
    statement = update(row).where(row.c.batch_id.in_(expired), has_values)
    session.connection().execute(statement.values(cells=null(), before=null(), besides=null()))


def _undo_records(session: Session, undo_plan: UndoPlan, registry: Registry, note: str) -> None:
    """Undo in the reverse order of the import: remove added records, children first; restore changed ones; remove the
    records that were added for several rows."""
    rows = [item for unit in undo_plan.going if not unit.alone for item in unit.items]
    added = by_model(item for item in rows if item.before is None)
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    for model in sorted(added, key=lambda model: tables.index(model.__tablename__)):
        registry.rules_of(model).undo(session, [_removal(undo_plan, item) for item in added[model]], note)
    for model, items in by_model(item for item in rows if item.before is not None).items():
        edits = {
            item.id: bulk.Edit(item.id, stored["version"], item.before or {}, stored)
            for item in items
            for stored in (undo_plan.stored[item.key],)
        }
        bulk.edit(session, model, list(edits.values()), note)
        registry.rules_of(model).restored(session, list(edits), note)
    for model, items in by_model(item for unit in undo_plan.going if unit.alone for item in unit.items).items():
        bulk.remove(session, model, [_removal(undo_plan, item) for item in items], note)


def _removal(undo_plan: UndoPlan, item: Item) -> bulk.Removal:
    stored = undo_plan.stored[item.key]
    return bulk.Removal(item.id, stored["version"], stored)


def _record_undo(session: Session, undo_plan: UndoPlan, note: str) -> int:
    """Record the undo and the rows that stay. Returns the number of rows undone."""
    actor = actor_of(session)
    count = sum(not unit.alone for unit in undo_plan.going)
    stayed = [
        [unit.sheet, unit.number, *unit.items[0].key, " ".join(str(reason.message) for reason in unit.reasons)]
        for unit in undo_plan.staying
    ]
    put_back = {item.key: item for unit in undo_plan.going for item in unit.items if item.before is not None}
    restored = [[*key, item.version - 1, undo_plan.stored[key]["version"] + 1] for key, item in put_back.items()]
    values = {
        "batch_id": undo_plan.batch.id,
        "at": now(),
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "row_count": count,
        "left_count": sum(not unit.alone for unit in undo_plan.staying),
        "restored": restored,
        "stayed": stayed,
    }
    session.connection().execute(insert(table_of(ImportUndo)).values(values))
    audit.note(session, AuditAction.EVENT, ImportBatch.__tablename__, undo_plan.batch.id, note)
    session.expire_all()
    return count
