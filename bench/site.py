"""A demo installation with many accounts, and its server processes."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TextIO
from urllib.error import URLError
from urllib.request import urlopen

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from admin_app import create_app
from bureau.access.roles import LEADER, LIAISON, OFFICE, OFFICER
from bureau.cases.web import photos
from bureau.upkeep.web.commands import migrate
from models import Assignment, ChecklistItem, Department, Liaison, Officer, Squad
from panel.config import VARIABLES, Config
from panel.security.accounts import User, UserRole
from panel.store.files import Store
from seed import demo

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "Bench-pass-1"  # noqa: S105 - of a database that is thrown away
#: Roles of the accounts, repeated for more accounts.
ROLES = (OFFICE, OFFICER, LIAISON, OFFICE, OFFICER, LIAISON, OFFICE, OFFICER, LEADER, LIAISON)
#: Most seconds until a started server answers.
PATIENCE = 90


@dataclass(frozen=True, slots=True)
class Account:
    """An account with the ids of its community and officer."""

    id: int
    name: str
    role: str
    community: int
    officer: int | None = None


@dataclass
class Site:
    """An installation in a folder of its own. `knows` are ids for the references of forms, by table."""

    config: Config
    app: Any
    accounts: list[Account] = field(default_factory=list)
    knows: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def build(cls, folder: Path, people: int, *, database_url: str = "", cases: int = 60) -> Site:
        """Migrate the database, fill it, and add `people` accounts."""
        url = database_url or f"sqlite:///{folder / 'panel.db'}"
        key = secrets.token_hex(16)
        # A busy machine is slow; what is looked for here is what goes wrong, not how long somebody waits.
        # As a server reads it, so that the servers find the keys that this process seals and encrypts with.
        config = Config.read(
            {"INSTANCE_PATH": str(folder), "DATABASE_URL": url, "SECRET_KEY": key}
            | {"PASSWORD_COST": "1", "LOCK_SECONDS": "30"}
        )
        app = create_app(config)
        panel = app.extensions["panel"]
        site = cls(config, app)
        with app.app_context():
            migrate(panel)
            hashed = panel.passwords.hash(PASSWORD)
            with panel.system_session() as session:
                demo.build(session, cases=cases, password_hash=hashed, secret=key)
                site.accounts = list(_accounts(session, hashed, people))
                for model in (ChecklistItem, Department):
                    ids = session.scalars(select(model.id).order_by(model.id))
                    site.knows[model.__tablename__] = list(ids)
        site.knows["officer"] = [account.officer for account in site.accounts if account.officer is not None]
        return site

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A system session in this process."""
        with self.app.app_context(), self.app.extensions["panel"].system_session() as session:
            yield session

    def quiet(self) -> None:
        """Wait until PostgreSQL has ended the connections of killed servers, because it finishes commits under way."""
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self.session() as session:
            while session.get_bind().dialect.name == "postgresql" and session.scalar(others):
                session.rollback()
                time.sleep(0.02)

    def close(self) -> None:
        with self.app.app_context():
            self.app.extensions["panel"].db.engine.dispose()

    @property
    def store(self) -> Store:
        """The attachment files."""
        return photos.store(self.app)

    @property
    def log(self) -> Path:
        """The log file of the servers."""
        return self.config.instance / "server.log"

    def complaints(self) -> list[str]:
        """Lines of the log with errors."""
        words = ("Traceback", "database is locked", "database was locked", "defect", "deadlock")
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        told = [line for line in lines if " INFO " not in line]  # what was met and dealt with
        return [line for line in told if any(word in line for word in words)]


def _accounts(session: Session, hashed: str, people: int) -> Iterator[Account]:
    """Add accounts whose officers and liaisons belong to the same communities."""
    today = select(Assignment).where(Assignment.end_on.is_(None)).order_by(Assignment.id)
    assigned = list(session.scalars(today))
    communities = [row.community_id for row in assigned]
    officers = iter({row.officer_id: row for row in assigned}.values())
    leaders = iter(session.scalars(select(Squad).order_by(Squad.id)).all())
    liaisons = iter(communities)
    for number, role in enumerate(islice(cycle(ROLES), people), 1):
        name = f"p{number:02d}"
        user = User(username=name, name=f"人员{number:02d}", password_hash=hashed, must_change=False, stamp="1")
        user.roles.append(UserRole(role=role))
        session.add(user)
        session.flush()
        community, officer = communities[number % len(communities)], None
        if role == OFFICER:
            assignment = next(officers)
            community, officer = assignment.community_id, assignment.officer_id
        elif role == LIAISON:
            community = next(liaisons)
            active = select(Liaison).where(Liaison.community_id == community, Liaison.end_on.is_(None))
            session.scalars(active).one().user_id = user.id
        elif role == LEADER:
            free = select(Officer).where(Officer.squad_id == next(leaders).id, Officer.user_id.is_(None))
            session.scalars(free.order_by(Officer.id.desc()).limit(1)).one().user_id = user.id
        if officer is not None:
            session.get_one(Officer, officer).user_id = user.id
        session.flush()
        yield Account(user.id, name, role, community, officer)


class Server:
    """A server process, started as by `make run`, on a free port."""

    def __init__(self, site: Site) -> None:
        self.port = _free_port()
        config = replace(site.config, port=self.port)
        values = {name: getattr(config, attribute) for attribute, name in VARIABLES.items()}
        environment = {name: str(value) for name, value in values.items() if value not in (None, False)}
        self._log: TextIO = site.log.open("a")
        self.process = subprocess.Popen(
            [sys.executable, "admin_app.py"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=self._log,
            stderr=self._log,
        )

    def wait(self) -> Server:
        """Wait until the server answers. Raises RuntimeError after PATIENCE seconds or if it ends."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/login", timeout=10) as response:
                    response.read()
                return self
            except (URLError, OSError):
                time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server doesn't answer: see {self._log.name}")

    def kill(self) -> None:
        """End it with signal 9."""
        self.process.kill()
        self.process.wait()
        self._log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
