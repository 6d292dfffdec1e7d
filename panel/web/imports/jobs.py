"""Jobs of imports: plan a large file for its preview, write it, and undo a large import."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.i18n import _
from panel.imports import batches
from panel.imports.records import ImportBatch
from panel.imports.rules import importable
from panel.imports.undo import import_undo
from panel.jobs.rehearsal import write_shortly
from panel.jobs.worker import Context, kind
from panel.security.policy import AccessDenied, Permission
from panel.store.db_errors import counting
from panel.web.context import current_panel
from panel.web.imports.preview_state import change_message, delete_upload, options_of, store_plan, stored_plan, upload


def _allowed(context: Context, table: str) -> type[Base]:
    """The model of a table, if the owner may import into it now. Raises AccessDenied."""
    panel = current_panel()
    model: type[Base] = panel.views[table].model
    if not (importable(model) and panel.policy.may(context.owner, Permission.IMPORT, model)):
        raise AccessDenied
    return model


@kind("import.plan")
def plan(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Plan an upload with the choices of its state, and store the plan for the preview."""
    state = params["state"]
    model = _allowed(context, state["table"])
    new_plan = batches.plan(session, model, upload(state), options_of(state), current_panel().registry)
    store_plan(state, new_plan)
    return {"url": params["url"], "open": True}


@kind("import.apply")
def apply(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Plan again and write if the plan is the one that was shown; otherwise store the new plan and raise UserError."""
    state, registry = params["state"], current_panel().registry
    model, file = _allowed(context, state["table"]), upload(state)

    def write(writer: Session) -> int:
        new_plan = batches.plan(writer, model, file, options_of(state), registry)
        if new_plan.digest() != params["digest"]:
            problem = change_message(stored_plan(state), new_plan, here=False)
            writer.rollback()
            store_plan(state, new_plan)
            raise UserError(problem)
        return batches.run(writer, new_plan, file, registry, commit=False)

    with counting(session):
        batch = write_shortly(session, context.folder, write, context.begin_writing)
    context.after_commit.append(lambda: delete_upload(state["file"]))
    readable = current_panel().policy.may(context.owner, Permission.READ, ImportBatch)
    url = f"/admin/importbatch/details/?id={batch}" if readable else f"/admin/{state['table']}/"
    return {"url": url, "open": True}


@kind("import.undo")
def undo(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Plan the undo of a batch again and carry it out if the plan is the one that was shown."""
    registry = current_panel().registry
    if not current_panel().policy.may(context.owner, Permission.READ, ImportBatch):
        raise AccessDenied

    def take_back(writer: Session) -> int:
        batch = writer.execute(select(ImportBatch).where(ImportBatch.id == params["batch"])).scalar_one_or_none()
        if batch is None:
            raise AccessDenied
        undo_plan = import_undo.plan(writer, batch, registry)
        if undo_plan.refusal is None and undo_plan.digest() != params["digest"]:
            raise UserError(_("Something has changed since you looked. Nothing was taken back. Look at it again."))
        return import_undo.run(writer, undo_plan, registry, commit=False)

    write_shortly(session, context.folder, take_back, context.begin_writing)
    return {"url": f"/admin/importbatch/details/?id={params['batch']}", "open": True}
