"""Missing records that an import adds with values that the user gives in the preview: a community with its street, an
officer with the squad. What needs its name alone is added by Options.create_missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import ids
from panel.base import Base
from panel.fields import Field, field_named, fields
from panel.i18n import Message, _
from panel.imports.matching import Finder
from panel.imports.plans import PendingRecord, Plan
from panel.kinds import Invalid
from panel.security.policy import Permission, model_of
from panel.security.session import actor_of, policy_of


def asked_fields(model: type[Base]) -> list[Field]:
    """The fields to give besides the name: required ones, and those by which files tell records apart."""
    return [
        f
        for f in fields(model)
        if f.name != "name" and not f.readonly and (f.key or (f.required and f.default is None))
    ]


def may_create(session: Session, model: type[Base]) -> bool:
    """Whether the actor may add records of this table."""
    return policy_of(session).may(actor_of(session), Permission.CREATE, model)


class Additions:
    """The records that a plan adds in this way, and those that it could add."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan

    def may_add(self, finder: Finder) -> bool:
        return finder.addable and may_create(self.session, finder.model)

    def offer(self, finder: Finder, text: str, known: Mapping[str, int]) -> None:
        """Note that a record of this name could be added; `known` are ids of its references that the file gives."""
        if self.may_add(finder) and (name := _name(finder.model, text)) is not None:
            offered = self.plan.addable.setdefault(finder.model.__tablename__, {})
            if _same(finder, offered, name) is None:
                offered[name] = dict(known)

    def pending(self, finder: Finder, text: str) -> PendingRecord | Message | None:
        """The record that the user adds under this name; None if they don't, or why it can't be added."""
        table = finder.model.__tablename__
        adding = self.plan.options.adding.get(table, {})
        name = _same(finder, adding, text) if self.may_add(finder) else None
        if name is None:
            return None
        values = self.plan.additions.setdefault(table, {})
        if name not in values:
            read = self._read(finder.model, adding[name])
            if isinstance(read, Message):
                return read
            values[name] = read
        return PendingRecord(table, name)

    def _read(self, model: type[Base], given: Mapping[str, str]) -> dict[str, Any] | Message:
        """The values as the fields hold them; references are given by id."""
        read: dict[str, Any] = {}
        for declared in asked_fields(model):
            try:
                value = self._value(declared, given.get(declared.name, ""))
            except Invalid as problem:
                return _("{label}: {reason}", label=declared.label, reason=problem.message)
            if value is None and declared.required:
                return _("{label} must be filled in to add this record.", label=declared.label)
            if value is not None:
                read[declared.attr] = value
        return read

    def _value(self, declared: Field, text: str) -> Any:
        if declared.reference is None:
            return declared.kind.parse(text)
        id_ = ids.parse(text)
        target = model_of(declared.reference.table)
        return self.session.scalar(select(target.id).where(target.id == id_)) if id_ is not None else None


def _same(finder: Finder, names: Collection[str], text: str) -> str | None:
    """The one of these names that a text means, as files write names."""
    return next((name for name in names if finder.key(name) == finder.key(text)), None)


def _name(model: type[Base], text: str) -> str | None:
    """The name of a new record; None for a text that can't be one."""
    named = field_named(model, "name")
    try:
        return str(named.kind.parse(text)) if named is not None else None
    except Invalid:
        return None
