"""Saved views of lists: an account's own, and those shared with a role by whoever may share views of the table.

A view is no right: whoever opens it reads with their own scope, and what it names of columns and filters that they may
not see is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.fields import field_named
from panel.i18n import Message, _
from panel.kinds import tidy
from panel.search import columns, filters, listing, private_numbers
from panel.search.listing import Query, Quick
from panel.search.view_records import NAME_LENGTH, QUERY_LENGTH, DefaultView, SavedView
from panel.security.policy import AccessDenied, Permission, Role, table_of
from panel.security.session import actor_of, elevated, policy_of

#: Views that an account may save of a table.
MOST = 50
#: Arguments of an address that belong to no view.
PASSING = ("page", "view", "sealed")


@dataclass(frozen=True, slots=True)
class OfferedView:
    """A view that the actor may open. `mine`: the list opens with it for the account, `of_roles`: for these roles."""

    view: SavedView
    mine: bool
    of_roles: tuple[str, ...]


def offered(session: Session, model: type[Base]) -> list[OfferedView]:
    """The actor's own views of a table and those shared with a role of theirs, by name, in one statement; for whoever
    may share views all shared ones, since they keep them."""
    actor = actor_of(session)
    statement = (
        select(SavedView, DefaultView.owner_id, DefaultView.role)
        .outerjoin(DefaultView, DefaultView.view_id == SavedView.id)
        .where(SavedView.table_name == model.__tablename__)
        .order_by(SavedView.role, SavedView.name, SavedView.id)
    )
    opening: dict[SavedView, list[tuple[int | None, str | None]]] = {}
    keeps = may_share(session, model)
    if keeps:
        statement = statement.where(or_(SavedView.owner_id == actor.user_id, SavedView.role != ""))
    for view, owner, role in session.execute(statement, execution_options=UNSCOPED if keeps else {}):
        opening.setdefault(view, []).append((owner, role))
    return [
        OfferedView(
            view,
            any(owner is not None and owner == actor.user_id for owner, _role in marks),
            tuple(sorted(role for owner, role in marks if owner is None and role)),
        )
        for view, marks in opening.items()
    ]


def default_of(session: Session, views: Sequence[OfferedView]) -> SavedView | None:
    """The view that the list opens with: the account's, else that of the first of its roles that has one."""
    own = next((one.view for one in views if one.mine), None)
    roles = policy_of(session).roles_of(actor_of(session))
    return own or next((one.view for role in roles for one in views if role.name in one.of_roles), None)


def read(session: Session, model: type[Base], arguments: Mapping[str, Sequence[str]]) -> Query:
    """The query of an address, without what the actor may not see."""
    masked = policy_of(session).sees_masked(actor_of(session), model)
    query = listing.read(model, arguments, masked=masked)
    columns.drop_unseen(session, model, query)
    private_numbers.resolve(session, model, query)
    return query


def query_text(query: Query) -> str:
    """What a view keeps of a query."""
    return urlencode(query.arguments(**dict.fromkeys(PASSING)), doseq=True)


def opened(
    session: Session, view: SavedView, model: type[Base], quick: Mapping[str, Quick]
) -> tuple[Query, list[Message | str]]:
    """The query of a view, and the labels of what it names that there is not, or not for the actor."""
    arguments = parse_qs(view.query)
    query = read(session, model, arguments)
    left_out = [name for key in arguments if key not in WORDS and (name := filters.split(key)[0]) not in query.names()]
    sort = arguments.get("sort", [""])[0]
    left_out += [sort.removeprefix("-")] if sort != query.sort else []
    dropped: list[Message | str] = []
    for name in dict.fromkeys((*left_out, *query.unknown)):
        field = field_named(model, name)
        dropped.append(field.label if field is not None else name[:NAME_LENGTH])
    if query.quick and query.quick not in quick:
        dropped.append(query.quick[:NAME_LENGTH])
        query.quick = ""
    query.view = str(view.id)
    return query, dropped


#: Arguments of an address that are no filters.
WORDS = frozenset({"q", "is", "columns", "widths", "sort", "size", *PASSING})


def may_share(session: Session, model: type[Base]) -> bool:
    return policy_of(session).may(actor_of(session), Permission.SHARE, model)


def may_change(session: Session, view: SavedView, model: type[Base]) -> bool:
    """Whether the actor may change a view or delete it: their own, or a shared one with the right to share."""
    return may_share(session, model) if view.role else view.owner_id == actor_of(session).user_id


def readers(session: Session, model: type[Base]) -> list[Role]:
    """The roles that views of a table can be shared with."""
    return [role for role in policy_of(session).roles.values() if role.permits(Permission.READ, model)]


def save(session: Session, model: type[Base], query: Query, name: str, role: str = "") -> SavedView:
    """Save a query under a name, as the actor's own or shared with a role, and flush. A view of that name is replaced.
    Raises UserError, or AccessDenied without the right to share."""
    name = tidy(name)
    if not name:
        raise UserError(_("Give the view a name."))
    if len(name) > NAME_LENGTH:
        raise UserError(_("A view's name has at most {n} characters.", n=NAME_LENGTH))
    text = query_text(query)
    if len(text) > QUERY_LENGTH:
        raise UserError(_("This view has too many filters and columns to be saved."))
    if role:
        _require_sharing(session, model, role)
    owner = actor_of(session).user_id
    assert owner is not None
    same = (SavedView.table_name == model.__tablename__, SavedView.role == role, SavedView.name == name)
    mine = same if role else (*same, SavedView.owner_id == owner)
    view = session.execute(select(SavedView).where(*mine), execution_options=UNSCOPED).scalars().first()
    if view is None and _count(session, model, owner) >= MOST:
        raise UserError(_("You have {n} views of this list. Delete one first.", n=MOST))
    with elevated(session):
        if view is None:
            view = SavedView(owner_id=owner, table_name=model.__tablename__, role=role, name=name, query=text)
            session.add(view)
        view.query = text
    return view


def replace(session: Session, model: type[Base], view: SavedView, query: Query) -> None:
    """Save a query in an existing view, and flush. Raises AccessDenied, or UserError."""
    if not may_change(session, view, model):
        raise AccessDenied
    save(session, model, query, view.name, view.role)


def remove(session: Session, model: type[Base], view: SavedView) -> None:
    """Delete a view, for everybody it is shared with, and flush. Raises AccessDenied."""
    if not may_change(session, view, model):
        raise AccessDenied
    with elevated(session):
        session.execute(delete(table_of(DefaultView)).where(table_of(DefaultView).c.view_id == view.id))
        session.delete(view)


def set_default(session: Session, model: type[Base], view: SavedView | None, role: str = "") -> None:
    """Let the list open with a view, or with none, for the actor or for a role, and flush. A role's view is one that is
    shared with it. Raises UserError, or AccessDenied without the right to share."""
    actor, row = actor_of(session), table_of(DefaultView).c
    if role:
        _require_sharing(session, model, role)
        if view is not None and view.role != role:
            raise UserError(_("A list opens for a role with a view that is shared with it."))
    owner = None if role else actor.user_id
    place = {"table_name": model.__tablename__, "owner_id": owner, "role": role}
    whose = row.owner_id.is_(None) & (row.role == role) if role else row.owner_id == owner
    if role:
        # Of two who set it at the same moment one waits for the other, and then replaces what that one has set.
        shared = select(SavedView.id).where(SavedView.table_name == model.__tablename__, SavedView.role == role)
        session.execute(shared.order_by(SavedView.id).with_for_update(), execution_options=UNSCOPED)
    with elevated(session):
        session.execute(delete(table_of(DefaultView)).where(row.table_name == model.__tablename__, whose))
        if view is not None:
            session.add(DefaultView(**place, view_id=view.id))


def _require_sharing(session: Session, model: type[Base], role: str) -> None:
    if not may_share(session, model):
        raise AccessDenied(_("Your role doesn't allow sharing views of this list."))
    if role not in {one.name for one in readers(session, model)}:
        raise UserError(_("A view can be shared with a role that reads this list."))


def _count(session: Session, model: type[Base], owner: int) -> int:
    mine = (SavedView.table_name == model.__tablename__, SavedView.owner_id == owner)
    statement = select(func.count()).select_from(SavedView).where(*mine)
    return int(session.execute(statement, execution_options=UNSCOPED).scalar_one())
