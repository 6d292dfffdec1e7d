"""Who may do what to which rows. Default deny: what no role grants is refused, what no role reaches is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Table, false, or_, select
from sqlalchemy.orm import Session

from panel.base import Anchor, Base, Own, Public, Via
from panel.i18n import Message, _


class Permission(StrEnum):
    """What can be done to a table, alphabetically. Reading is the least: every other act needs it too."""

    CREATE = "create"
    DELETE = "delete"
    EDIT = "edit"
    EXPORT = "export"
    EXPORT_CLEAR = "export_clear"
    IMPORT = "import"
    READ = "read"
    REVEAL = "reveal"

    @property
    def label(self) -> Message:
        return LABELS[self]


LABELS = {
    Permission.CREATE: _("add"),
    Permission.DELETE: _("delete"),
    Permission.EDIT: _("edit"),
    Permission.EXPORT: _("export"),
    Permission.EXPORT_CLEAR: _("export in clear"),
    Permission.IMPORT: _("import"),
    Permission.READ: _("read"),
    Permission.REVEAL: _("see in clear"),
}

READ = frozenset({Permission.READ})
WRITE = frozenset({Permission.READ, Permission.CREATE, Permission.EDIT})
MANAGE = WRITE | {Permission.DELETE, Permission.EXPORT, Permission.IMPORT}


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever a session acts for. `facts` are the ids that scopes are made of, worked out once at log-in of a request:
    the scope is never widened midway."""

    name: str
    user_id: int | None = None
    roles: frozenset[str] = frozenset()
    facts: Mapping[str, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    #: Sees and may do everything; every use is explicit.
    system: bool = False

    def ids(self, fact: str) -> frozenset[int]:
        return self.facts.get(fact, frozenset())


SYSTEM = Actor("system", system=True)
NOBODY = Actor("nobody")

#: Which rows of an anchor table a role reaches; `columns` is the mapped class or the table's columns.
Rows = Callable[[Actor, Any], ColumnElement[bool]]
#: Why one account may not hold these roles together, or None.
RoleConflict = Callable[[Session, frozenset[str]], Message | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: what it may do to each table, and which rows it reaches. `everything` reaches all rows;
    `masked` shows personal data masked, work phones included."""

    name: str
    label: Message
    description: Message
    grants: Mapping[type[Base], frozenset[Permission]]
    rows: Mapping[type[Base], Rows] = field(default_factory=dict)
    everything: bool = False
    masked: bool = False
    #: Keeps the panel itself running; sees no business data.
    administrative: bool = False


class AccessDenied(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The actor may not do this. Nothing was written."""

    def __init__(self, message: Message | None = None) -> None:
        self.message = message or _("Your role doesn't allow this.")
        super().__init__(self.message)


class OutOfScope(AccessDenied):
    """The record, or one it refers to, is outside the actor's scope."""

    def __init__(self) -> None:
        super().__init__(_("This record, or one that it refers to, is outside your area."))


class Policy:
    """The roles of a panel. Complains at once about a table without a path to a scope."""

    def __init__(self, roles: Mapping[str, Role], conflict: RoleConflict = lambda _session, _roles: None) -> None:
        self.roles, self.conflict = roles, conflict
        for mapper in Base.registry.mappers:
            self._check(mapper.class_)

    def _check(self, model: type[Base]) -> None:
        path = getattr(model, "__scope__", None)
        if path is None:
            raise TypeError(f"{model.__name__} declares no __scope__: say Public(), Anchor() or Via(column)")
        columns: Any = model.__table__.columns
        if isinstance(path, Via | Own) and path.attr not in columns:
            raise TypeError(f"{model.__name__}: its scope leads by {path.attr}, which it doesn't have")
        if isinstance(path, Via) and not columns[path.attr].foreign_keys:
            raise TypeError(f"{model.__name__}: its scope leads by {path.attr}, which is no reference")
        if isinstance(path, Anchor):
            for role in self.roles.values():
                if model in role.grants and not role.everything and model not in role.rows:
                    raise TypeError(f"role {role.name} is granted {model.__name__} but says nothing of its rows")

    def roles_of(self, actor: Actor) -> list[Role]:
        return [self.roles[name] for name in sorted(actor.roles) if name in self.roles]

    def may(self, actor: Actor, action: Permission, model: type[Base]) -> bool:
        return actor.system or any(action in role.grants.get(model, ()) for role in self.roles_of(actor))

    def sees_masked(self, actor: Actor, model: type[Base]) -> bool:
        """Whether even work phones are masked: when no role that lets one read the table shows them."""
        reading = [role for role in self.roles_of(actor) if Permission.READ in role.grants.get(model, ())]
        return not actor.system and all(role.masked for role in reading)

    def has_narrower_scope(self, actor: Actor, action: Permission, model: type[Base]) -> bool:
        """Whether the rows to which the actor may do `action` may be fewer than those they read: when a role lets
        them read the table and no more."""
        reading = [role for role in self.roles_of(actor) if Permission.READ in role.grants.get(model, ())]
        return not actor.system and any(action not in role.grants[model] for role in reading)

    def criterion(
        self, actor: Actor, action: Permission, model: type[Base], columns: Any = None
    ) -> ColumnElement[bool] | None:
        """The condition for the rows to which the actor may do `action`; None when it is every row."""
        if actor.system:
            return None
        if isinstance(model.__scope__, Own):
            if action is not Permission.READ or actor.user_id is None:
                return false()
            own_rows = getattr(model if columns is None else columns, model.__scope__.attr) == actor.user_id
            assert isinstance(own_rows, ColumnElement)
            return own_rows
        granting = [role for role in self.roles_of(actor) if action in role.grants.get(model, ())]
        conditions = [self._rows(role, actor, model, model if columns is None else columns) for role in granting]
        if any(condition is None for condition in conditions):
            return None
        return or_(false(), *(condition for condition in conditions if condition is not None))

    def _rows(self, role: Role, actor: Actor, model: type[Base], columns: Any) -> ColumnElement[bool] | None:
        path = model.__scope__
        if role.everything or isinstance(path, Public):
            return None
        if model in role.rows:
            return role.rows[model](actor, columns)
        if isinstance(path, Via):
            parent_model = parent(model)
            parent_condition = self._rows(role, actor, parent_model, parent_model.__table__.c)
            if parent_condition is None:
                return None
            condition = getattr(columns, path.attr).in_(select(parent_model.__table__.c.id).where(parent_condition))
            assert isinstance(condition, ColumnElement)
            return condition
        return false()


def parent(model: type[Base]) -> type[Base]:
    """The model that a table's path to a scope leads to."""
    path = model.__scope__
    assert isinstance(path, Via)
    (key,) = model.__table__.c[path.attr].foreign_keys
    return model_of(key.column.table.name)


def model_of(table: str) -> type[Base]:
    """The model of a table's name."""
    for mapper in Base.registry.mappers:
        if mapper.class_.__tablename__ == table:
            model: type[Base] = mapper.class_
            return model
    raise LookupError(table)


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements of its own."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
