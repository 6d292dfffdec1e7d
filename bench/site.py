"""A small made-up district with many accounts, and real server processes that serve it."""

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
#: Who works at once, over and over: the office takes in, officers handle, liaisons report, a leader reassigns.
ROLES = (OFFICE, OFFICER, LIAISON, OFFICE, OFFICER, LIAISON, OFFICE, OFFICER, LEADER, LIAISON)
#: Seconds a server has to answer after its start.
PATIENCE = 90


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is, and what they know by heart: the community they report from, themselves as officer."""

    id: int
    name: str
    role: str
    community: int
    officer: int | None = None


@dataclass
class Site:
    """An installation in a folder of its own. `knows` are ids that forms ask for, by table."""

    config: Config
    app: Any
    accounts: list[Account] = field(default_factory=list)
    knows: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def build(cls, folder: Path, people: int, *, database_url: str = "", cases: int = 60) -> Site:
        """Migrate the database, fill it, and add so many accounts."""
        url = database_url or f"sqlite:///{folder / 'panel.db'}"
        key = secrets.token_hex(16)
        config = Config(instance=folder, database_url=url, secret_key=key, password_cost=1)
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
                    found = session.scalars(select(model.id).order_by(model.id))
                    site.knows[model.__tablename__] = list(found)
        site.knows["officer"] = [one.officer for one in site.accounts if one.officer is not None]
        return site

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the system's, in this process."""
        with self.app.app_context(), self.app.extensions["panel"].system_session() as session:
            yield session

    def quiet(self) -> None:
        """Until PostgreSQL has noticed that whoever was connected is dead: a commit under way is still brought to its
        end."""
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
        """Where attachments are kept."""
        return photos.store(self.app)

    @property
    def log(self) -> Path:
        """What the servers have said."""
        return self.config.instance / "server.log"

    def complaints(self) -> list[str]:
        """Lines of the log that no server should write."""
        words = ("Traceback", "database is locked", "defect", "deadlock")
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if any(word in line for word in words)]


def _accounts(session: Session, hashed: str, people: int) -> Iterator[Account]:
    """Accounts whose officers and liaisons belong together: reports of one reach the others."""
    today = select(Assignment).where(Assignment.end_on.is_(None)).order_by(Assignment.id)
    assigned = list(session.scalars(today))
    communities = [one.community_id for one in assigned]
    officers = iter({one.officer_id: one for one in assigned}.values())
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
    """A server process as `make run` starts it, on a port that was free."""

    def __init__(self, site: Site) -> None:
        self.port = _free_port()
        config = replace(site.config, port=self.port)
        values = {name: getattr(config, attribute) for attribute, name in VARIABLES.items()}
        own = {name: str(value) for name, value in values.items() if value not in (None, False)}
        self._log: TextIO = site.log.open("a")
        self._process = subprocess.Popen(
            [sys.executable, "admin_app.py"], cwd=ROOT, env={**os.environ, **own}, stdout=self._log, stderr=self._log
        )

    def wait(self) -> Server:
        """Until it answers."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/login", timeout=10) as answer:
                    answer.read()
                return self
            except (URLError, OSError):
                time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server doesn't answer: see {self._log.name}")

    def kill(self) -> None:
        """End it as a power cut would, with signal 9."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
