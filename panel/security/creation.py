"""Rules that the rows of a table keep when they are added and while they are new, whoever writes them and however: in a
form, by a step, an import or a command. The session applies them at each flush (panel/security/session.py), bulk writes
at each batch (panel/store/bulk.py), and those of the commit at the end (panel/security/watches.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message
from panel.kinds import Invalid
from panel.security import audit

#: The columns that were written, by the id of the row; None for a new row, of which all count.
Written = Mapping[int, frozenset[str] | None]
#: Problems as (field name, message), of rows as they are stored now.
Check = Callable[[Session, Written], Sequence[tuple[str, Message]]]

_PENDING = "new_rows"


class RowRefused(Invalid):
    """A row of `model` breaks a rule of its table; `problems` are (field name, message). The caller rolls back."""

    def __init__(self, model: type[Base], problems: Sequence[tuple[str, Message]]) -> None:
        super().__init__(problems[0][1])
        self.model, self.problems = model, list(problems)


def problems_of(error: Invalid) -> list[tuple[str | None, Message]]:
    """The problems of an invalid value or a refused row, as (field name or None, message)."""
    return [*error.problems] if isinstance(error, RowRefused) else [(None, error.message)]


@dataclass(frozen=True, slots=True)
class RowRule:
    """`check` is applied when rows are written, `at_commit` before the commit, when rows that refer to them are there
    too. The program's own edits are exempt, its new rows aren't."""

    check: Check
    at_commit: Check | None = None


_RULES: dict[type[Base], RowRule] = {}


def declare(model: type[Base], rule: RowRule) -> None:
    """Set the rule of a table."""
    _RULES[model] = rule


def check(session: Session, model: type[Base], written: Written) -> None:
    """Apply the rule of a table to rows that were just written, and remember them for the commit. Raises RowRefused."""
    rule = _RULES.get(model)
    if rule is None or not written:
        return
    if problems := rule.check(session, written):
        raise RowRefused(model, problems)
    if rule.at_commit is not None:
        pending = session.info.setdefault(_PENDING, {}).setdefault(model, {})
        for id_, names in written.items():
            pending[id_] = None if names is None or pending.get(id_, names) is None else pending.get(id_, names) | names


def after_flush(session: Session, is_system: bool) -> None:
    """Apply the rules to the rows of a flush; of edits only to those of a person. Raises RowRefused."""
    written: dict[type[Base], dict[int, frozenset[str] | None]] = defaultdict(dict)
    for record in filter(_has_rule, session.new):
        written[type(record)][record.id] = None
    for record in () if is_system else filter(_has_rule, session.dirty):
        if names := {field.attr for field in audit.changed_fields(record)}:
            written[type(record)][record.id] = frozenset(names)
    for model, rows in written.items():
        check(session, model, rows)


def _has_rule(record: Base) -> bool:
    return type(record) in _RULES


def check_commit(session: Session) -> None:
    """Apply the rules of the commit to the rows written so far. Raises RowRefused."""
    if not session.info.get(_PENDING):
        return
    session.flush()
    for model, written in session.info.pop(_PENDING, {}).items():
        rule = _RULES[model]
        if rule.at_commit is not None and (problems := rule.at_commit(session, written)):
            raise RowRefused(model, problems)


def forget(session: Session) -> None:
    """Forget the rows of a transaction that was rolled back."""
    session.info.pop(_PENDING, None)
