"""The tables and roles as they are declared, for tests that run over all of them."""

from __future__ import annotations

from admin_app import SCREENS
from bureau.access.roles import ROLES
from panel.base import Base, Public
from panel.security.policy import Permission, Role
from panel.web.engine_views import ENGINE_VIEWS

ROLES_BY_NAME: dict[str, Role] = {role.name: role for role in ROLES}
ROLE_NAMES = list(ROLES_BY_NAME)
#: Every generated screen's model by the name of its table. A test compares it with the assembled panel.
MODELS: dict[str, type[Base]] = {
    model.__tablename__: model for model in (*(one.model for one in SCREENS), *(one[1] for one in ENGINE_VIEWS))
}
TABLES = list(MODELS)


def granted(role: str, act: Permission, table: str) -> bool:
    """What the declared matrix says."""
    model = MODELS[table]
    if model.__append_only__ and act not in (Permission.READ, Permission.EXPORT):
        return False
    return act in ROLES_BY_NAME[role].grants.get(model, ())


BUSINESS = [
    table for table in TABLES if any(not r.administrative and granted(r.name, Permission.READ, table) for r in ROLES)
]


def scoped(role: str, table: str) -> bool:
    """Whether a role that reads a table reads only some of its rows."""
    return not ROLES_BY_NAME[role].everything and not isinstance(MODELS[table].__scope__, Public)


def pairs(act: Permission = Permission.READ) -> list[tuple[str, str]]:
    """Role and table, wherever the role may do that."""
    return [(role, table) for role in ROLE_NAMES for table in TABLES if granted(role, act, table)]
