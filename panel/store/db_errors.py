"""Messages for users in place of database errors, with the field that each concerns."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import CheckConstraint, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError, OperationalError

from panel.base import Base
from panel.fields import Field, fields
from panel.i18n import Message, _

Problem = tuple[str | None, Message]
#: PostgreSQL's SQLSTATEs serialization_failure, deadlock_detected and lock_not_available: a retry can succeed.
RETRYABLE = frozenset({"40001", "40P01", "55P03"})


def is_busy(error: OperationalError) -> bool:
    """Whether another transaction held a lock, so that a retry can succeed."""
    return "locked" in str(error.orig) or getattr(error.orig, "sqlstate", None) in RETRYABLE


def explain(error: IntegrityError, model: type[Base]) -> Problem:
    """The name of the field (None for the whole record) and a message, which never contains the database's own text."""
    table = model.__table__
    assert isinstance(table, Table)
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return _by_name(table, model, diagnosis.constraint_name or "", diagnosis.column_name or "")
    return _sqlite(table, model, str(error.orig))


def _sqlite(table: Table, model: type[Base], text: str) -> Problem:
    if match := re.match(r"UNIQUE constraint failed: (.+)", text):
        if index := re.match(r"index '(\w+)'", match[1]):
            return _by_name(table, model, index[1], "")
        columns = [part.strip().rpartition(".")[2] for part in match[1].split(",")]
        partial = [i for i in table.indexes if i.unique and {c.name for c in i.columns} == set(columns) and i.info]
        return _by_name(table, model, str(partial[0].name), "") if partial else _duplicate(model, columns)
    if match := re.match(r"CHECK constraint failed: (\w+)", text):
        return _by_name(table, model, match[1], "")
    if match := re.match(r"NOT NULL constraint failed: \w+\.(\w+)", text):
        return _by_name(table, model, "", match[1])
    if "FOREIGN KEY" in text:
        return None, _("Something refers to this record, or it refers to something that no longer exists.")
    return None, _("The database refused this record. Nothing was saved.")


def _by_name(table: Table, model: type[Base], name: str, column: str) -> Problem:
    for index in table.indexes:
        if index.name == name and index.unique:
            message = index.info.get("message")
            columns = [c.name for c in index.columns]
            return (_field_name(model, columns), message) if message else _duplicate(model, columns)
    for constraint in table.constraints:
        if constraint.name is None or _full_name(table, constraint) != name:
            continue
        if isinstance(constraint, UniqueConstraint):
            return _duplicate(model, [c.name for c in constraint.columns])
        if isinstance(constraint, CheckConstraint):
            message = constraint.info.get("message") or _("This value isn't one of those allowed.")
            return constraint.info.get("field") or _field_of_check(model, str(constraint.sqltext)), message
    if name.startswith("fk_"):
        return None, _("Something refers to this record, or it refers to something that no longer exists.")
    if column:
        return _field_name(model, [column]), _("This must be filled in.")
    return None, _("The database refused this record. Nothing was saved.")


def _field_of_check(model: type[Base], condition: str) -> str | None:
    """The field to show the error of a CHECK constraint at: the first in its condition, preferably not a read-only
    one."""
    matches = {f: re.search(rf"\b{f.attr}\b", condition) for f in fields(model)}
    used = sorted((f.readonly, match.start(), f.name) for f, match in matches.items() if match)
    return used[0][2] if used else None


def _full_name(table: Table, constraint: Any) -> str:
    name = str(constraint.name)
    if isinstance(constraint, CheckConstraint) and not name.startswith(f"ck_{table.name}_"):
        return f"ck_{table.name}_{name}"
    return name


def _fields_of(model: type[Base], columns: list[str]) -> list[Field]:
    return [f for f in fields(model) if f.attr in columns]


def _field_name(model: type[Base], columns: list[str]) -> str | None:
    named = _fields_of(model, columns)
    return named[0].name if named else None


def _duplicate(model: type[Base], columns: list[str]) -> Problem:
    named = _fields_of(model, columns)
    labels = "、".join(str(f.label) for f in named)
    return (
        named[0].name if len(named) == 1 else None,
        _("There is already a record with the same {labels}. Change it, or edit the existing record.", labels=labels),
    )
