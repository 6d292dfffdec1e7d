"""The panel: the object that its parts share, with database, policy, jobs, screens and links. Loads no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message, _
from panel.imports.rules import Registry
from panel.jobs.periodic import Work
from panel.jobs.worker import Jobs
from panel.kinds import now
from panel.security import session
from panel.security.accounts import LoginLog, LoginOutcome, User
from panel.security.passwords import Passwords
from panel.security.policy import Actor, Policy

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: Groups of the side bar that every panel has.
FILES, SYSTEM = _("Excel"), _("System")

#: Reads Actor.facts: (session, user id, role names) → ids by the name of a fact.
Facts = Callable[[Any, int, frozenset[str]], Mapping[str, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Link:
    """The link in the side bar to a page that isn't generated."""

    label: Message
    endpoint: str
    icon: str
    group: Message
    may: Callable[[], bool] = lambda: True
    #: Whether it stands above the generated screens of its group.
    first: bool = False
    #: Returns what to count beside it: a table and the condition for an actor.
    badge: Callable[[Actor], tuple[type[Base], ColumnElement[bool]]] | None = None
    #: Position among the links of its group.
    rank: int = 50


@dataclass(slots=True)
class Panel:
    """A panel. `tables` are the models with a generated screen, by table name. Views, links, routes and periodic work
    are set once it is complete."""

    app: Flask
    db: SQLAlchemy
    policy: Policy
    passwords: Passwords
    facts: Facts
    jobs: Jobs
    registry: Registry = field(default_factory=Registry)
    tables: dict[str, type[Base]] = field(default_factory=dict)
    #: The second stage, which adds the pages.
    add_pages: Callable[[Panel], None] | None = None
    views: dict[str, SchemaView] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    open_endpoints: set[str] = field(default_factory=lambda: {"session.login", "session.language"})
    unit: Callable[[], str] = lambda: ""
    sub: Callable[[], Message | str] = lambda: ""
    banner: Callable[[], Message | None] = lambda: None
    login_hint: Callable[[], Message | None] = lambda: None
    search_table: str = ""
    periodic: dict[str, Work] = field(default_factory=dict)
    #: Endpoints of POST requests that don't write to the database and must not wait for its write lock.
    reading_endpoints: set[str] = field(default_factory=set)
    #: Bytes that requests of an endpoint may have, if more than the limit for workbooks.
    body_limits: dict[str, int] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)
    _failure: Exception | None = None

    def complete(self) -> None:
        """Add the pages, once; other threads wait. If it fails, every later call raises the same error, so that an
        incomplete panel is never served."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            add_pages, self.add_pages = self.add_pages, None
            if add_pages is None:
                return
            try:
                add_pages(self)
            except Exception as problem:
                self._failure = problem
                raise

    @property
    def session(self) -> Any:
        return self.db.session

    @contextmanager
    def system_session(self) -> Iterator[Session]:
        """A system session in a short transaction of its own. End the request's own transaction first, or on SQLite the
        two block each other."""
        with session.system_session(self.db.engine, self.policy, self.app.config["SECRET_KEY"]) as system:
            yield system

    def offers(self, endpoint: str) -> bool:
        """Whether the side bar has a link to this endpoint for the actor."""
        return any(link.endpoint == endpoint and link.may() for link in self.links)

    def log_login(self, username: str, user_id: int | None, outcome: LoginOutcome, **changed: Any) -> None:
        """Write an entry of the log-in log, and changed values of the account, in one short transaction."""
        with self.system_session() as system:
            if changed and user_id is not None:
                system.execute(update(User).where(User.id == user_id).values(**changed))
            system.execute(
                insert(LoginLog).values(
                    at=now(),
                    username=username[:80],
                    user_id=user_id,
                    outcome=outcome,
                    address=(request.remote_addr or "")[:60],
                    agent=request.user_agent.string[:200],
                )
            )
