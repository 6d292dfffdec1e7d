"""The panel: the object that its parts share, with database, policy, jobs, screens and links. Loads no pages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message, _
from panel.imports.rules import Registry
from panel.jobs.periodic import Work
from panel.jobs.worker import Jobs
from panel.kinds import now
from panel.security import comparisons, session
from panel.security.accounts import LoginLog, LoginOutcome, User
from panel.security.keys import keys_of
from panel.security.login_records import LoginSession, SessionEnd
from panel.security.passwords import Passwords
from panel.security.policy import Actor, Policy
from panel.security.transactions import WriteQueue
from panel.store import disk
from panel.store.db_errors import is_full
from panel.store.login import sessions

if TYPE_CHECKING:
    from panel.web.pages import Banner
    from panel.web.views import SchemaView

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Groups of the side bar that every panel has.
FILES, SYSTEM = _("Excel"), _("System")

#: Reads Actor.facts: (session, user id, role names) → ids by the name of a fact.
Facts = Callable[[Any, int, frozenset[str]], Mapping[str, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Thumb:
    """A place of the bar at the bottom of a phone: the first of these endpoints that the menu of the reader has."""

    label: Message
    endpoints: tuple[str, ...]
    #: Gives the quick filter that its list opens with, for an actor; "" for none.
    opens: Callable[[Actor], str] = lambda _actor: ""


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
    #: Endpoints of generated screens that are tabs of its page: they have no entry of their own where it has one.
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """An account of a new installation: its role and what it is for. One that isn't required may be left out."""

    role: str
    about: Message
    required: bool = True


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
    open_endpoints: set[str] = field(default_factory=lambda: {"session.login", "session.code", "session.language"})
    unit: Callable[[], str] = lambda: ""
    sub: Callable[[], Message | str] = lambda: ""
    banners: Callable[[], list[Banner]] = list
    login_hint: Callable[[], Message | None] = lambda: None
    #: The tables that the search above every page looks through, by name, in the order of what it finds.
    searched: tuple[str, ...] = ()
    #: Other words for a screen or page, by endpoint, by which the search finds it.
    also_called: dict[str, Message] = field(default_factory=dict)
    #: The groups of the side bar in their order, and those that are folded until one is in them; others follow.
    menu_order: tuple[Message, ...] = ()
    menu_folded: frozenset[Message] = frozenset()
    #: The bar at the bottom of a phone, from the left.
    bar: tuple[Thumb, ...] = ()
    #: Stores the value of a setting, as text, when a proposal about it is confirmed.
    store_setting: Callable[[Session, str, str], None] | None = None
    periodic: dict[str, Work] = field(default_factory=dict)
    #: Private values that an account may have compared, or searched for, in a day.
    compare_limit: Callable[[Session], int] = lambda _session: comparisons.MOST
    #: What an empty list says, by table, instead of the usual words.
    empty_words: dict[str, Message] = field(default_factory=dict)
    #: What the page of first accounts makes, the administrator first; without any there is no such page.
    first_accounts: tuple[FirstAccount, ...] = ()
    #: The Markdown file of the handbook, if there is one, with the sections about pages by endpoint, blueprint or view.
    handbook: Path | None = None
    sections: dict[str, str] = field(default_factory=dict)
    #: Endpoints of POST requests that don't write to the database and must not wait for its write lock.
    reading_endpoints: set[str] = field(default_factory=set)
    #: Endpoints that pages ask by themselves: they don't count as use of the session.
    background_endpoints: set[str] = field(default_factory=lambda: {"jobs.state"})
    #: Names, numbers and places of an account that its password must not contain.
    personal_words: Callable[[Any, int], list[str]] = lambda _session, _user: []
    #: Bytes that requests of an endpoint may have, if more than the limit for workbooks.
    body_limits: dict[str, int] = field(default_factory=dict)
    #: Where requests wait for the write lock of the database.
    queue: WriteQueue = field(default_factory=WriteQueue)
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
        with session.system_session(self.db.engine, self.policy, keys_of(self.db.engine).hash) as system:
            yield system

    def keys(self) -> Mapping[str, str]:
        """The keys whose fingerprints the database holds, by name."""
        keys: Mapping[str, str] | None = self.app.config.get("KEYS")
        return keys or {"SECRET_KEY": str(self.app.config["SECRET_KEY"])}

    def offers(self, endpoint: str) -> bool:
        """Whether the side bar has a link to this endpoint for the actor."""
        return any(link.endpoint == endpoint and link.may() for link in self.links)

    def write_small(self, write: Callable[[Session], T]) -> T:
        """Write something small in a short system transaction. On a full disk the reserve is given back for it: reading
        goes on, and so must logging in and out."""
        try:
            with self.system_session() as system:
                return write(system)
        except OperationalError as error:
            if not is_full(error) or not disk.release(Path(self.app.instance_path)):
                raise
        with self.system_session() as system:
            return write(system)

    def log_login(
        self,
        username: str,
        user_id: int | None,
        outcome: LoginOutcome,
        ended_session: tuple[int, SessionEnd] | None = None,
        **changed: Any,
    ) -> None:
        """Write an entry of the log-in log, the end of a session, and changed values of the account, in one short
        transaction.

        On a full disk the reserve is given back for it. If there is still no room, the entry goes to the program's log
        alone. A changed password is never lost in silence."""
        try:
            self.write_small(lambda system: self._log_login(system, username, user_id, outcome, ended_session, changed))
        except OperationalError as error:
            if not is_full(error) or outcome is LoginOutcome.PASSWORD:
                raise
            log.error("no room for the log-in log: %s of account %s", outcome.value, user_id)

    def _log_login(  # noqa: PLR0917 - the parts of an entry
        self,
        system: Session,
        username: str,
        user_id: int | None,
        outcome: LoginOutcome,
        ended_session: tuple[int, SessionEnd] | None,
        changed: Mapping[str, Any],
    ) -> None:
        if ended_session is not None:
            id_, reason = ended_session
            sessions.end(system, reason, LoginSession.id == id_)
        if changed:  # for unknown accounts too, which takes as long
            system.execute(update(User).where(User.id == (user_id or 0)).values(**changed))
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
