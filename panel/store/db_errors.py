"""Messages for users in place of database errors, with the field that each concerns."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CheckConstraint, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.fields import Field, fields
from panel.i18n import Message, _, in_default_locale, listed
from panel.security import comparisons, unique
from panel.security.hashes import sources
from panel.security.policy import table_of
from panel.security.transactions import may_write

Problem = tuple[str | None, Message]
#: PostgreSQL's SQLSTATE unique_violation.
UNIQUE_VIOLATION = "23505"
#: PostgreSQL's SQLSTATEs serialization_failure, deadlock_detected and lock_not_available: a retry can succeed.
RETRYABLE = frozenset({"40001", "40P01", "55P03"})
#: PostgreSQL's SQLSTATE disk_full, and the errors of the system that mean the same.
DISK_FULL, NO_SPACE = "53100", frozenset({errno.ENOSPC, errno.EDQUOT})


def is_busy(error: OperationalError) -> bool:
    """Whether another transaction held a lock, so that a retry can succeed."""
    return "locked" in str(error.orig) or getattr(error.orig, "sqlstate", None) in RETRYABLE


def is_full(error: BaseException) -> bool:
    """Whether a write failed because the disk is full."""
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):
        return "disk is full" in str(original) or getattr(original, "sqlstate", None) == DISK_FULL
    return False


def is_broken(error: BaseException) -> bool:
    """Whether pages of a SQLite database can't be read."""
    words = str(getattr(error, "orig", error))
    return "malformed" in words or "not a database" in words


def explain(error: IntegrityError, model: type[Base]) -> Problem:
    """The name of the field (None for the whole record) and a message, which never contains the database's own text."""
    table = model.__table__
    assert isinstance(table, Table)
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return _by_name(table, model, diagnosis.constraint_name or "", diagnosis.column_name or "")
    return _sqlite(table, model, str(error.orig))


class NotFreeError(UserError):
    """A unique value was refused that a record outside the actor's area has. Whoever raises it has rolled back, or the
    caller does; counting() counts the refusal then. `tries` is how many values were tried at once."""

    def __init__(self, session: Session, model: type[Base], field: str | None, tries: int = 1) -> None:
        self.spent = comparisons.refusals_are_spent(session)
        super().__init__(unique.SPENT if self.spent else unique.NOT_FREE)
        self.model, self.field, self.tries = model, None if self.spent else field, tries

    def count(self, session: Session) -> None:
        """Count the refusal and commit; one beyond the limit isn't counted."""
        if not self.spent:
            words = in_default_locale(_("A value that must be unique was refused: {field}", field=self.field or "–"))
            comparisons.note_refusals(session, self.model.__tablename__, self.tries, words)
            session.commit()


def not_free(session: Session, error: IntegrityError, model: type[Base], tries: int = 1) -> NotFreeError | None:
    """The refusal if the session's actor, whose transaction has been rolled back, may not see the record that has the
    same values; None for any other error."""
    columns = _unique_columns(error, model)
    if columns is None or not unique.tells_of_others(session, model, columns):
        return None
    return NotFreeError(session, model, explain(error, model)[0], tries)


def explain_to(session: Session, error: IntegrityError, model: type[Base]) -> Problem:
    """As explain(), for the session's actor, whose transaction has been rolled back. Whoever may not see the record
    that has the same values isn't told of it; the refusal is counted, and the count committed."""
    refusal = not_free(session, error, model)
    if refusal is None:
        return explain(error, model)
    refusal.count(session)
    return refusal.field, refusal.message


@contextmanager
def counting(session: Session) -> Iterator[None]:
    """Count a NotFreeError of the block, after a rollback."""
    try:
        yield
    except NotFreeError as refusal:
        session.rollback()
        with may_write():
            refusal.count(session)
        raise


def _unique_columns(error: IntegrityError, model: type[Base]) -> list[str] | None:
    """The columns of the unique constraint or index that an error is about; [] if it has another name, None for an
    error of another kind."""
    table, text = table_of(model), str(error.orig)
    if not _is_duplicate(error):
        return None
    diagnosis = getattr(error.orig, "diag", None)
    index = re.search(r"index '(\w+)'", text)
    if diagnosis is None and index is None:
        return [part.strip().rpartition(".")[2] for part in text.rpartition(": ")[2].split(",")]
    name = diagnosis.constraint_name if diagnosis is not None else index and index[1]
    sets: list[Any] = [*table.indexes, *(rule for rule in table.constraints if isinstance(rule, UniqueConstraint))]
    return next(([c.name for c in found.columns] for found in sets if found.name == name), [])


def _is_duplicate(error: IntegrityError) -> bool:
    return "UNIQUE constraint" in str(error.orig) or getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION


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
    typed = sources(model, columns)
    return [f for f in fields(model) if f.attr in typed]


def _field_name(model: type[Base], columns: list[str]) -> str | None:
    named = _fields_of(model, columns)
    return named[0].name if named else None


def _duplicate(model: type[Base], columns: list[str]) -> Problem:
    named = _fields_of(model, columns)
    labels = listed(str(f.label) for f in named)
    return (
        named[0].name if len(named) == 1 else None,
        _("There is already a record with the same {labels}. Change it, or edit the existing record.", labels=labels),
    )
