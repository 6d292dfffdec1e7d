"""References to what has ended: people who left, places that were closed, versions that were replaced.

A table says by is_ended() which of its records have, one that refers to them by of_past() which of its rows may name
them nevertheless. Only a reference that is new or changed is checked, so that old rows keep theirs. The session checks
every flush, the bulk writer every statement and an import its preview; whom rules don't bind (panel/security/locks.py)
isn't held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.chunks import chunks
from panel.fields import Field, Requirement, fields, links
from panel.i18n import Message
from panel.security import audit, locks
from panel.security.policy import model_of
from panel.security.proposed import BATCH, ColumnRecorder, proposed_rows


@lru_cache
def references(model: type[Base]) -> dict[str, tuple[Field, type[Base]]]:
    """The columns and many() fields of a table that refer to records which may end, by attribute."""
    found = {}
    for field in (*fields(model), *links(model)):
        target = model_of(field.target) if field.target else None
        if target is not None and target.is_ended(target.__table__.c) is not None:
            found[field.attr] = (field, target)
    return found


def after_flush(session: Session) -> None:
    """Check the references that a flush has written. Raises Unmet."""
    written: dict[type[Base], dict[int, dict[str, Any]]] = defaultdict(dict)
    for record in session.new | session.dirty:
        model: type[Base] = type(record)
        if not (known := references(model)):
            continue
        changed = {f.attr for f in audit.changed_fields(record)} if record not in session.new else known.keys()
        values = {
            attr: audit.added_links(record, field) if field.many else getattr(record, attr)
            for attr, (field, _target) in known.items()
            if field.many or attr in changed
        }
        if values:
            written[model][record.id] = values
    for model, referring in written.items():
        check_written(session, model, referring)


def check_written(session: Session, model: type[Base], referring: Mapping[int, Mapping[str, Any]]) -> None:
    """Raise Unmet if rows that were just written refer to what has ended. `referring` are their new and changed values
    by id and attribute: the id of a record, or of many() fields the added ids."""
    if not referring or not references(model) or not locks.is_bound(session):
        return
    problems = _problems(session, model, referring)
    past = _past(session, model, problems) if problems else set()
    for id_, (field, why) in problems.items():
        if id_ not in past:
            raise locks.Unmet(Requirement(lambda _columns: None, why, field.name))  # type: ignore[arg-type, return-value]


def broken(
    session: Session, model: type[Base], rows: Sequence[tuple[Mapping[str, Any], Collection[str]]]
) -> list[tuple[int, Field, Message]]:
    """What is wrong with rows that aren't stored yet, each given with all its values and the attributes that are new or
    changed: the index of the row, the field and the reason."""
    if not references(model):
        return []
    referring = {i: {attr: values.get(attr) for attr in changed} for i, (values, changed) in enumerate(rows)}
    problems = _problems(session, model, referring)
    concerned = sorted(problems)
    past = _past_of(session, model, [rows[index][0] for index in concerned]) if concerned else set()
    return [(index, *problems[index]) for at, index in enumerate(concerned) if at not in past]


def _problems(
    session: Session, model: type[Base], referring: Mapping[int, Mapping[str, Any]]
) -> dict[int, tuple[Field, Message]]:
    """The first reference of each row to what has ended, with the reason. One statement for each table referred to."""
    wanted: dict[type[Base], set[int]] = {}
    for values in referring.values():
        for attr, (_field, target) in references(model).items():
            wanted.setdefault(target, set()).update(_ids(values.get(attr)))
    whys = {target: _ended(session, target, ids) for target, ids in wanted.items() if ids}
    problems: dict[int, tuple[Field, Message]] = {}
    for row, values in referring.items():
        for attr, (field, target) in references(model).items():
            for id_ in _ids(values.get(attr)):
                if id_ in whys[target]:
                    problems.setdefault(row, (field, whys[target][id_]))
    return problems


def _ids(value: Any) -> Collection[int]:
    """The ids that a reference or a many() field holds; none for a record that isn't created yet."""
    if isinstance(value, int):
        return (value,)
    return value if isinstance(value, tuple | list | set | frozenset) else ()


def _ended(session: Session, target: type[Base], ids: Collection[int]) -> dict[int, Message]:
    """Why these records can't be referred to any more, of those that have ended, by id."""
    columns: Any = target.__table__.c
    condition: Any = target.is_ended(columns)
    found: dict[int, Message] = {}
    name = columns.name if "name" in columns else columns.id
    for chunk in chunks(sorted(ids)):
        statement = select(columns.id, name).where(columns.id.in_(chunk), condition)
        found |= {id_: target.not_offered(str(name)) for id_, name in session.connection().execute(statement)}
    return found


def _past(session: Session, model: type[Base], ids: Collection[int]) -> set[int]:
    """Those of these stored rows that tell of the past."""
    columns = model.__table__.c
    condition = model.of_past(columns)
    past: set[int] = set()
    if condition is None:
        return past
    for chunk in chunks(sorted(ids)):
        statement = select(columns.id).where(columns.id.in_(chunk), condition)
        past |= set(session.connection().execute(statement).scalars())
    return past


def _past_of(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """The indexes of those of these rows, which aren't stored yet, that tell of the past."""
    recorder: Any = ColumnRecorder(model.__table__.c)
    past: set[int] = set()
    if model.of_past(recorder) is None:
        return past
    for start in range(0, len(rows), BATCH):
        proposed = proposed_rows(session, model, recorder.names, rows[start : start + BATCH])
        condition: ColumnElement[bool] | None = model.of_past(proposed)
        assert condition is not None
        flags = session.connection().execute(select(proposed.row_, case((condition, 1), else_=0)))
        past |= {start + index for index, flag in flags if flag}
    return past
