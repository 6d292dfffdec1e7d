"""What must be there before a table can be imported: the records that its required columns refer to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.imports.rules import Registry
from panel.security.policy import model_of


def missing(session: Session, model: type[Base], registry: Registry) -> list[type[Base]]:
    """The empty tables that required columns refer to, directly or by such a table, in the order to fill them."""
    found: list[type[Base]] = []

    def visit(table: type[Base]) -> None:
        for declared in registry.rules_of(table).required():
            target = model_of(declared.reference.table) if declared.reference else table
            if target is not table and target not in found and target is not model and not _any(session, target):
                visit(target)
                found.append(target)

    visit(model)
    return list(dict.fromkeys(found))


def _any(session: Session, model: type[Base]) -> bool:
    return session.execute(select(model.id).limit(1), execution_options=UNSCOPED).first() is not None
