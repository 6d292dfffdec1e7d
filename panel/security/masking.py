"""Personal values as an actor sees them, for code that prints what it reads.

with masked_session(session) as masked:
    masked.execute(select(CaseParty.name))  # 张*
    clear_session(masked).execute(select(CaseParty.name))  # 张三, to find the name in a text
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, ColumnClause, Label, Select, event
from sqlalchemy.engine import Result
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import visitors

from panel.base import Base
from panel.fields import Field, Personal, fields
from panel.kinds import Kind
from panel.security.policy import model_of
from panel.security.session import actor_of, install_listeners, policy_of


def is_masked(field: Field, *, hidden: bool) -> bool:
    """Whether the actor sees this field's values masked. `hidden` is true for roles that see work phones masked too."""
    return field.personal is Personal.PRIVATE or (hidden and field.personal is Personal.WORK)


@contextmanager
def masked_session(session: Session) -> Iterator[Session]:
    """A session over the same transaction that reads only, and reads the values that its actor sees masked masked: in
    columns and in whole records. The system sees work phones masked too. An expression over such a column can't be
    masked; it raises PermissionError."""
    with Session(session.connection()) as masked:
        install_listeners(masked)
        masked.info.update(session.info, clear=session)
        event.listen(masked, "loaded_as_persistent", _mask_record)
        event.listen(masked, "do_orm_execute", _mask_columns)
        yield masked


def clear_session(session: Session) -> Session:
    """The session below a masked one, or the session itself. What it reads must be masked before it is shown."""
    clear: Session = session.info.get("clear", session)
    return clear


def _is_masked(session: Session, model: type[Base], field: Field) -> bool:
    actor = actor_of(session)
    return is_masked(field, hidden=actor.system or policy_of(session).sees_masked(actor, model))


def _mask_record(session: Session, record: Base) -> None:
    for field in fields(type(record)):
        value = record.__dict__.get(field.attr)
        if value is not None and _is_masked(session, type(record), field):
            set_committed_value(record, field.attr, field.kind.mask(value))


def _mask_columns(state: ORMExecuteState) -> Result[Any] | None:
    """Execute a statement and mask its columns; None if it selects none to mask. _mask_record() masks its records."""
    if not state.is_select or state.is_relationship_load or state.is_column_load:
        return None
    statement: Any = state.statement
    if not isinstance(statement, Select):
        _refuse(state.session, statement)
        return None
    kinds: dict[int, Kind] = {}
    for position, described in enumerate(statement.column_descriptions):
        if described["expr"] is described.get("entity"):
            continue
        column = _without_label(described["expr"])
        if (field := _field(column)) is None:
            _refuse(state.session, column)
        elif any(_masked_fields(state.session, column)):
            kinds[position] = field.kind
    if not kinds:
        return None
    result = state.invoke_statement()
    return IteratorResult(SimpleResultMetaData(list(result.keys())), (_masked_row(row, kinds) for row in result))


def _without_label(expression: Any) -> Any:
    if hasattr(expression, "__clause_element__"):
        expression = expression.__clause_element__()
    return expression.element if isinstance(expression, Label) else expression


def _masked_row(row: Sequence[Any], kinds: Mapping[int, Kind]) -> tuple[Any, ...]:
    return tuple(
        kinds[position].mask(value) if position in kinds and value is not None else value
        for position, value in enumerate(row)
    )


def _field(column: Any) -> Field | None:
    """The field that a selected column is, also by way of subqueries; None for any other expression."""
    bases = column.base_columns if isinstance(column, ColumnClause) else ()
    declared = [getattr(base, "info", {}).get("field") for base in bases]
    return declared[0] if len(declared) == 1 else None


def _masked_fields(session: Session, element: Any) -> Iterator[Field]:
    """The fields in an SQL expression, and in the subqueries of its columns, whose values the actor sees masked."""
    for part in visitors.iterate(element):
        for base in getattr(part, "base_columns", ()):
            if isinstance(base, Column) and "field" in base.info:
                if _is_masked(session, model_of(base.table.name), field := base.info["field"]):
                    yield field
            elif base is not part:
                yield from _masked_fields(session, base)


def _refuse(session: Session, element: Any) -> None:
    """Raise PermissionError for an expression that contains a masked column."""
    for field in _masked_fields(session, element):
        raise PermissionError(f"“{field.label.msgid}” is masked: select the column itself, or read by clear_session()")
