"""How each list was left: its address, kept in the visitor's session, so that the menu leads back to it."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import session

from panel.base import Base
from panel.fields import Personal, fields
from panel.search import filters
from panel.search.listing import Query
from panel.web.context import current_actor

#: Lists that are remembered, and characters of an address: a cookie has little room.
MOST_LISTS, MOST_LENGTH = 8, 300
_LEFT = "left"


def remember(model: type[Base], query: Query) -> None:
    """Note how the list of a table is shown now, without what may be personal: the cookie lies in the browser, whatever
    it is told to forget."""
    user, table = current_actor().user_id, model.__tablename__
    personal = {f.name for f in fields(model) if f.personal is not Personal.NO}
    left_out = {key: None for key in query.values if filters.split(key)[0] in personal}
    kept = urlencode(query.arguments(q="", sealed="", **left_out), doseq=True)
    lists = [one for one in _all(user) if one[0] != table]
    if kept and len(kept) <= MOST_LENGTH:
        lists.insert(0, [table, kept])
    if lists or _LEFT in session:
        session[_LEFT] = [user, lists[:MOST_LISTS]]


def address(table: str, url: str) -> str:
    """The address of a list as it was left; `url` if it wasn't opened or stands as usual."""
    query = next((query for name, query in _all(current_actor().user_id) if name == table), "")
    return f"{url}?{query}" if query else url


def _all(user: int | None) -> list[list[str]]:
    """(table, query) of the lists that this account has left, the latest first."""
    owner, lists = session.get(_LEFT, (None, []))
    return list(lists) if owner == user else []
