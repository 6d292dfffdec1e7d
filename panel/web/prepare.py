"""The first stage of a panel: database, policy and jobs, which is all that commands need.

Panel.complete() adds the pages. A PanelApp calls it when its first address is matched, built or listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map, MapAdapter, Rule

from panel.base import Base
from panel.exports.records import ExportLog
from panel.imports.records import ImportBatch, ImportRow
from panel.imports.rules import Registry
from panel.jobs.worker import Jobs
from panel.search import text_index
from panel.search.view_records import SavedView as _SavedView  # noqa: F401 - a table of every panel
from panel.security import keys, session, transactions, unique
from panel.security.accounts import WATCHES, LoginLog, RoleName, User, UserRole
from panel.security.comparisons import Comparison as _Comparison  # noqa: F401 - a table of every panel
from panel.security.login_records import LoginSession
from panel.security.passwords import Passwords
from panel.security.policy import Actor, Policy, Role, RoleConflict
from panel.security.records import AuditEntry
from panel.security.separation import SEPARATION
from panel.security.watches import Watch
from panel.store.login import sessions
from panel.store.proposals import Proposal
from panel.store.sealed import records as _logs  # noqa: F401 - a table of every panel
from panel.web.panel import Facts, Panel

#: Tables of the engine that have a screen in every panel; panel/web/engine_views.py has their views.
ENGINE_TABLES: tuple[type[Base], ...] = (
    ImportBatch,
    ImportRow,
    User,
    UserRole,
    Proposal,
    LoginSession,
    LoginLog,
    AuditEntry,
    ExportLog,
)


class LateMap(Map):
    """A URL map that calls `add_rules` when it is first used."""

    add_rules: Callable[[], None] = staticmethod(lambda: None)

    def bind(self, *args: Any, **kwargs: Any) -> MapAdapter:
        self.add_rules()
        return super().bind(*args, **kwargs)

    def bind_to_environ(self, *args: Any, **kwargs: Any) -> MapAdapter:
        self.add_rules()
        return super().bind_to_environ(*args, **kwargs)

    def iter_rules(self, endpoint: Any = None) -> Iterator[Rule]:
        self.add_rules()
        return super().iter_rules(endpoint)


class PanelApp(Flask):
    """A Flask application that completes its panel when the first address is matched, built or listed."""

    url_map_class = LateMap


def prepare(
    app: Flask,
    db: SQLAlchemy,
    *,
    roles: Sequence[Role],
    tables: Iterable[type[Base]],
    add_pages: Callable[[Panel], None],
    facts: Facts = lambda _session, _user, _roles: {},
    registry: Registry | None = None,
    role_conflict: RoleConflict = lambda _session, _roles: None,
    watches: Sequence[Watch] = (),
) -> Panel:
    """Create the panel of a Flask application for these tables and the engine's own, without pages. Call it once, after
    all models are declared."""
    app.config.setdefault(
        "SQLALCHEMY_ENGINE_OPTIONS", transactions.engine_options(app.config["SQLALCHEMY_DATABASE_URI"])
    )
    db.init_app(app)
    shown = {model.__tablename__: model for model in (*tables, *ENGINE_TABLES)}
    followed = [*WATCHES, *sessions.WATCHES, *watches, *text_index.watches(), *unique.watches()]
    policy = Policy({role.name: role for role in roles}, role_conflict, followed)
    RoleName.labels.update({role.name: role.label for role in roles})
    SEPARATION.roles = frozenset(role.name for role in roles if role.administrative)
    with app.app_context():
        engine = db.engine
    jobs = Jobs(engine, policy, app.config["SECRET_KEY"], Path(app.instance_path), facts)
    passwords = Passwords(app.config.get("PASSWORD_COST", 3))
    panel = Panel(app, db, policy, passwords, facts, jobs, registry or Registry(), shown, add_pages)
    # Half of the threads may wait to write: the others are there for those who read.
    places = max(1, int(app.config.get("THREADS", 8)) // 2)
    panel.queue = transactions.WriteQueue(places, float(app.config.get("LOCK_SECONDS", transactions.PAGE_SECONDS)))
    jobs.url, jobs.around = app.config.get("JOBS_URL"), _acting(panel)
    app.extensions["panel"] = panel
    transactions.configure(engine, app.config.get("SYNCHRONOUS", transactions.FULL))
    keys.use(engine, keys.Keys.of(app.config))
    session.install_listeners(db.session.session_factory if hasattr(db.session, "session_factory") else db.session)
    if isinstance(app.url_map, LateMap):
        app.url_map.add_rules = panel.complete
    behind_proxies(app)
    return panel


def behind_proxies(app: Flask) -> None:
    """Believe what so many proxies as TRUSTED_PROXIES says tell of the client: its address, the scheme, the host."""
    if hops := int(app.config.get("TRUSTED_PROXIES") or 0):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _acting(panel: Panel) -> Callable[[Actor], AbstractContextManager[None]]:
    """A context manager for the work of a job: sets the application context and actor as in a request."""

    @contextmanager
    def around(actor: Actor) -> Iterator[None]:
        with panel.app.app_context():
            panel.complete()
            g.actor = actor
            yield

    return around
