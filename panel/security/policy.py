"""Roles and their permissions and scope. Default deny: an action that no role grants is refused, and rows in the scope
of no role are invisible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from panel.base import Anchor, Base, Own, Public, Via
from panel.base import table_of as table_of  # noqa: PLC0414 - read from here by most
from panel.i18n import Message, _
from panel.security.watches import Watch

T = TypeVar("T")


class Permission(StrEnum):
    """Actions on a table, alphabetically. CHOOSE is to refer to its records and see their names, nothing else of them;
    READ includes it. SHARE is to share views of its list with a role. Every other action needs READ too."""

    CHOOSE = "choose"
    CREATE = "create"
    DELETE = "delete"
    EDIT = "edit"
    EXPORT = "export"
    EXPORT_CLEAR = "export_clear"
    IMPORT = "import"
    READ = "read"
    REVEAL = "reveal"
    SHARE = "share"

    @property
    def label(self) -> Message:
        return LABELS[self]


LABELS = {
    Permission.CHOOSE: _("choose by name"),
    Permission.CREATE: _("add"),
    Permission.DELETE: _("delete"),
    Permission.EDIT: _("edit"),
    Permission.EXPORT: _("export"),
    Permission.EXPORT_CLEAR: _("export in clear"),
    Permission.IMPORT: _("import"),
    Permission.READ: _("read"),
    Permission.REVEAL: _("see in clear"),
    Permission.SHARE: _("share views"),
}

READ = frozenset({Permission.READ})
WRITE = frozenset({Permission.READ, Permission.CREATE, Permission.EDIT})
MANAGE = WRITE | {Permission.DELETE, Permission.EXPORT, Permission.IMPORT}


@dataclass(frozen=True, slots=True)
class Actor:
    """The account, or the system, that a session acts for. `facts` are the ids that its scope is made of, by name; they
    are read once for each request."""

    name: str
    user_id: int | None = None
    roles: frozenset[str] = frozenset()
    facts: Mapping[str, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    #: All permissions and rows. Set only for the system and by session.elevated().
    system: bool = False

    def ids(self, fact: str) -> frozenset[int]:
        return self.facts.get(fact, frozenset())


def by_actor(build: Callable[[Actor], T]) -> Callable[[Actor], T]:
    """Keep what `build` makes of an actor, for the latest of them. For conditions that every page needs and that depend
    on the account, its roles and facts alone, neither on its name nor on the time: it takes longer to make them than to
    carry them out."""

    @lru_cache(maxsize=256)
    def made(user: int | None, roles: frozenset[str], facts: tuple[tuple[str, frozenset[int]], ...], system: bool) -> T:
        return build(Actor("", user, roles, MappingProxyType(dict(facts)), system))

    @wraps(build)
    def of(actor: Actor) -> T:
        return made(actor.user_id, actor.roles, tuple(sorted(actor.facts.items())), actor.system)

    return of


SYSTEM = Actor("system", system=True)
NOBODY = Actor("nobody")

#: The rows of an anchor table in a role's scope; `columns` is the mapped class or the table's columns.
Rows = Callable[[Actor, Any], ColumnElement[bool]]
#: Why an account may not have these roles together; None if it may.
RoleConflict = Callable[[Session, frozenset[str]], Message | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Role:
    """A role: its permissions for each table, and the rows in its scope. `everything`: all rows. `masked`: all personal
    data is masked, including work phones. Two roles are never equal, so that a role can be the key of a cache."""

    name: str
    label: Message
    description: Message
    grants: Mapping[type[Base], frozenset[Permission]]
    rows: Mapping[type[Base], Rows] = field(default_factory=dict)
    everything: bool = False
    masked: bool = False
    #: The role manages the panel itself and sees no business data.
    administrative: bool = False
    #: The fact whose ids lend this role to an account that hasn't got it, such as that of a deputy.
    lent_by: str = ""

    def permits(self, action: Permission, model: type[Base]) -> bool:
        granted = self.grants.get(model, frozenset())
        return action in granted or (action is Permission.CHOOSE and Permission.READ in granted)


class AccessDenied(Exception):  # noqa: N818 - shown to the user as a sentence
    """The actor may not do this. Nothing was written."""

    def __init__(self, message: Message | None = None) -> None:
        self.message = message or _("Your role doesn't allow this.")
        super().__init__(self.message)


class OutOfScope(AccessDenied):
    """The record, or one it refers to, is outside the actor's scope."""

    def __init__(self) -> None:
        super().__init__(_("This record, or one that it refers to, is outside your area."))


class Policy:
    """The roles of a panel. Raises TypeError for a table whose scope isn't or is wrongly declared. `conflict` says why
    an account may not have several roles together; `watches` are the rules at the end of a transaction."""

    def __init__(
        self,
        roles: Mapping[str, Role],
        conflict: RoleConflict = lambda _session, _roles: None,
        watches: Sequence[Watch] = (),
    ) -> None:
        self.roles, self.conflict, self.watches = roles, conflict, tuple(watches)
        for mapper in Base.registry.mappers:
            self._check(mapper.class_)

    def _check(self, model: type[Base]) -> None:
        path = getattr(model, "__scope__", None)
        if path is None:
            raise TypeError(f"{model.__name__} declares no __scope__: say Public(), Anchor() or Via(column)")
        columns: Any = model.__table__.columns
        for attr in (path.attr, getattr(path, "role", "")) if isinstance(path, Via | Own) else ():
            if attr and attr not in columns:
                raise TypeError(f"{model.__name__}: its scope leads by {attr}, which it doesn't have")
        if isinstance(path, Via) and not columns[path.attr].foreign_keys:
            raise TypeError(f"{model.__name__}: its scope leads by {path.attr}, which is no reference")
        if isinstance(path, Anchor):
            for role in self.roles.values():
                if model in role.grants and not role.everything and model not in role.rows:
                    raise TypeError(f"role {role.name} is granted {model.__name__} but says nothing of its rows")

    def actor(self, name: str, user_id: int, held: frozenset[str], facts: Mapping[str, frozenset[int]]) -> Actor:
        """The actor of an account with the roles that it holds, and those that its facts lend it."""
        lent = {role.name for role in self.roles.values() if role.lent_by and facts.get(role.lent_by)}
        return Actor(name, user_id, held | lent, facts)

    def roles_of(self, actor: Actor) -> list[Role]:
        return [self.roles[name] for name in sorted(actor.roles) if name in self.roles]

    def may(self, actor: Actor, action: Permission, model: type[Base]) -> bool:
        return actor.system or any(role.permits(action, model) for role in self.roles_of(actor))

    def narrowed(self, actor: Actor, action: Permission, *models: type[Base]) -> Actor:
        """The actor with those of its roles alone that grant `action` on all of these tables."""
        if actor.system:
            return actor
        granting = (r.name for r in self.roles_of(actor) if all(r.permits(action, model) for model in models))
        return replace(actor, roles=frozenset(granting))

    def grants(self, actor: Actor, action: Permission, *models: type[Base]) -> bool:
        """Whether one role of the actor grants `action` on all of these tables."""
        return actor.system or bool(self.narrowed(actor, action, *models).roles)

    def sees_masked(self, actor: Actor, model: type[Base]) -> bool:
        """Whether work phones of the table are masked too, of all its rows or of some: unless the actor reads every row
        by a role that isn't `masked`. clear_rows() tells which rows."""
        if actor.system:
            return False
        reading = [role for role in self.roles_of(actor) if Permission.READ in role.grants.get(model, ())]
        if not any(role.masked for role in reading):
            return not reading
        return self.clear_rows(actor, model) is not None

    def clear_rows(self, actor: Actor, model: type[Base], columns: Any = None) -> ColumnElement[bool] | None:
        """The condition for the rows whose work phones the actor sees: those that a role which isn't `masked` reads.
        None for all rows."""
        unmasked = frozenset(role.name for role in self.roles_of(actor) if not role.masked)
        return self.criterion(replace(actor, roles=unmasked), Permission.READ, model, columns)

    def has_narrower_scope(self, actor: Actor, action: Permission, model: type[Base]) -> bool:
        """Whether the actor may do `action` to fewer rows than they may read: if one of their roles may only read."""
        reading = [role for role in self.roles_of(actor) if Permission.READ in role.grants.get(model, ())]
        return not actor.system and any(action not in role.grants[model] for role in reading)

    def criterion(
        self, actor: Actor, action: Permission, model: type[Base], columns: Any = None
    ) -> ColumnElement[bool] | None:
        """The condition for the rows that the actor may do `action` to; None for all rows."""
        if actor.system:
            return None
        if isinstance(model.__scope__, Own):
            if action not in (Permission.READ, Permission.CHOOSE) or actor.user_id is None:
                return false()
            path, columns = model.__scope__, model if columns is None else columns
            own_rows: ColumnElement[bool] = getattr(columns, path.attr) == actor.user_id
            return or_(own_rows, getattr(columns, path.role).in_(sorted(actor.roles))) if path.role else own_rows
        granting = [role for role in self.roles_of(actor) if role.permits(action, model)]
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
    """The model that the scope of a table with Via() follows."""
    path = model.__scope__
    assert isinstance(path, Via)
    (key,) = model.__table__.c[path.attr].foreign_keys
    return model_of(key.column.table.name)


def model_of(table: str) -> type[Base]:
    """The model of a table by its name. Raises LookupError."""
    model = _models.get(table)
    if model is None or model.__table__ is not Base.metadata.tables.get(table):
        _models.clear()
        _models.update((mapper.class_.__tablename__, mapper.class_) for mapper in Base.registry.mappers)
    try:
        return _models[table]
    except KeyError:
        raise LookupError(table) from None


#: The models by their tables, as they were when one was last missing.
_models: dict[str, type[Base]] = {}
