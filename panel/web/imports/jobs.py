"""What jobs do of an import: plan a large file for its preview, and write it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.imports import batches
from panel.imports.records import ImportBatch
from panel.imports.rules import importable
from panel.jobs.worker import Context, kind
from panel.security.policy import AccessDenied, Permission
from panel.web.context import current_panel
from panel.web.imports.preview_state import drop, keep_plan, kept, options_of, since, upload


def _allowed(context: Context, table: str) -> type[Base]:
    """The table's model, if the owner may import into it as of now."""
    panel = current_panel()
    model: type[Base] = panel.views[table].model
    if not (importable(model) and panel.policy.may(context.owner, Permission.IMPORT, model)):
        raise AccessDenied
    return model


@kind("import.plan")
def plan(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Plan an upload as its preview's state says, and keep the plan for the preview."""
    state = params["state"]
    model = _allowed(context, state["table"])
    made = batches.plan(session, model, upload(state), options_of(state), current_panel().registry)
    keep_plan(state, made)
    return {"url": params["url"], "open": True}


@kind("import.apply")
def apply(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Plan again, compare with what the preview showed, and write; or keep the plan as of now for the preview."""
    state, registry = params["state"], current_panel().registry
    model, file = _allowed(context, state["table"]), upload(state)
    made = batches.plan(session, model, file, options_of(state), registry)
    if context.begin_writing():
        made = batches.plan(session, model, file, options_of(state), registry)
    if made.digest() != params["digest"]:
        problem = since(kept(state), made, here=False)
        session.rollback()
        keep_plan(state, made)
        raise UserError(problem)
    batch = batches.run(session, made, file, registry, commit=False)
    context.after_commit.append(lambda: drop(state["file"]))
    readable = current_panel().policy.may(context.owner, Permission.READ, ImportBatch)
    url = f"/admin/importbatch/details/?id={batch}" if readable else f"/admin/{state['table']}/"
    return {"url": url, "open": True}
