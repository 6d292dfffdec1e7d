"""A running panel with its district, and whoever is at a screen of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from panel.kinds import now
from panel.security.accounts import User
from panel.security.login_records import LoginSession
from panel.security.policy import table_of
from panel.security.session import install_listeners, may_write, set_actor
from tests.factories.browser import PASSWORD, Browser
from tests.factories.district import District, district
from tests.factories.records import another
from tests.factories.tables import MODELS

#: Sessions of accounts that have logged in at this moment with this password, in whichever copy of the district: cookie
#: and token, and the row that the server keeps of them.
_seats: dict[tuple[object, ...], tuple[tuple[str, str], dict[str, Any]]] = {}
_SESSIONS = table_of(LoginSession)


class Stage:
    """A running panel with its district, and whoever is at a screen of it. `stored` is the district of a database that
    holds one already; otherwise it is made."""

    def __init__(self, app: Flask, stored: District | None = None) -> None:
        self.app = app
        self.panel = app.extensions["panel"]
        self._browsers: dict[str, Browser] = {}
        if stored is not None:
            self.district = deepcopy(stored)
        else:
            self._furnish()

    def _furnish(self) -> None:
        """Make the district, and one record of each table that it has none of."""
        with self.app.app_context():
            self.district = district(self.panel)
        self.browse("office")
        with self.session() as session:
            for table, model in MODELS.items():
                if table not in self.inside:
                    first = session.execute(sa.select(sa.func.min(model.id))).scalar()
                    self.inside[table] = first or another(session, table, self.inside).id

    @property
    def inside(self) -> dict[str, int]:
        return self.district.inside

    @property
    def outside(self) -> dict[str, int]:
        return self.district.outside

    def browse(self, username: str, password: str = PASSWORD) -> Browser:
        """Somebody who is logged in; the same one when asked again."""
        if username not in self._browsers:
            self._browsers[username] = browser = self.visitor()
            key = (username, password, self._login(username), int(now().timestamp()))
            if key in _seats:
                seat, row = _seats[key]
                browser.take(seat)
                self._keep(row)
            elif browser.log_in(username, password).status_code == 302:
                _seats[key] = browser.seat(), self._latest()
        return self._browsers[username]

    def _latest(self) -> dict[str, Any]:
        """The row of the session that has just begun."""
        statement = sa.select(_SESSIONS).order_by(_SESSIONS.c.id.desc()).limit(1)
        with self.app.app_context(), self.panel.db.engine.connect() as connection:
            row = connection.execute(statement).mappings().one()
        return {name: value for name, value in row.items() if name != "id"}

    def _keep(self, row: dict[str, Any]) -> None:
        """Have this copy of the district know a session."""
        with self.session() as session:
            known = sa.select(_SESSIONS.c.id).where(_SESSIONS.c.digest == row["digest"])
            if session.execute(known).first() is None:
                session.execute(sa.insert(_SESSIONS).values(**row))

    def _login(self, username: str) -> tuple[Any, ...]:
        """What the sessions of an account are known by; nothing for one that can't log in."""
        columns = table_of(User).c
        usable = columns.active & columns.locked_until.is_(None)
        statement = sa.select(columns.id, columns.stamp).where(columns.username == username, usable)
        with self.app.app_context(), self.panel.db.engine.connect() as connection:
            return tuple(connection.execute(statement).first() or ())

    def visitor(self) -> Browser:
        """Somebody who is not logged in."""
        return Browser(self.app)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the system's; committed at the end."""
        with self.app.app_context(), self.panel.system_session() as session:
            session.expire_on_commit = False
            yield session

    @contextmanager
    def acting(self, *roles: str) -> Iterator[Session]:
        """A session that acts for an account of the district, below any view; rolled back at the end. The first role
        says whose, further ones are held besides; none at all is nobody."""
        with self.app.app_context(), may_write(), Session(self.panel.db.engine) as session:
            install_listeners(session)
            session.info.update(policy=self.panel.policy, secret="")
            if roles:
                user = self.district.users[roles[0]]
                held = frozenset(roles)
                set_actor(session, self.panel.policy.actor(roles[0], user, held, self.panel.facts(session, user, held)))
            yield session
            session.rollback()

    def get(self, table: str, id_: int) -> Any:
        """A record as it stands in the database."""
        with self.session() as session:
            return session.get(MODELS[table], id_)

    def put(self, table: str, id_: int, **values: Any) -> None:
        """Write values of a record past the rules, as if they had been stored before there were any."""
        with self.session() as session:
            session.execute(sa.update(MODELS[table].__table__).where(MODELS[table].id == id_).values(**values))

    def count(self, table: str) -> int:
        with self.session() as session:
            return session.execute(sa.select(sa.func.count()).select_from(MODELS[table])).scalar_one()

    def add(self, table: str, **given: Any) -> int:
        """The id of one more record inside everybody's scope."""
        with self.session() as session:
            return int(another(session, table, self.inside, **given).id)
