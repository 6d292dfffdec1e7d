"""A long write is rehearsed on a copy while others write, and repeated on the database in one short transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models import Community, Street
from panel.errors import UserError
from panel.i18n import _
from panel.jobs.rehearsal import write_shortly
from panel.security.policy import SYSTEM
from panel.security.records import AuditEntry
from panel.security.session import install_listeners, set_actor, writing
from panel.store import bulk
from tests.factories import Stage


@pytest.fixture(autouse=True)
def sqlite_alone(backend: str) -> Iterator[None]:
    if backend != "sqlite":
        pytest.skip("PostgreSQL has many writers")
    token = writing.set(False)
    yield
    writing.reset(token)


def meanwhile(stage: Stage, statement: str) -> None:
    """Somebody else writes, and needn't wait."""
    other = sqlite3.connect(sa.make_url(stage.app.config["SQLALCHEMY_DATABASE_URI"]).database or "", timeout=0)
    other.execute(statement)
    other.commit()
    other.close()


def done(stage: Stage, work: Callable[[Session], object]) -> None:
    """Do work as a job does, and commit it."""
    with stage.app.app_context(), stage.panel.db.engine.connect() as connection, Session(connection) as session:
        install_listeners(session)
        session.info.update(policy=stage.panel.policy, secret="")
        set_actor(session, SYSTEM)
        write_shortly(session, Path(stage.app.instance_path), work, lambda: (session.rollback(), writing.set(True)))
        session.commit()


def streets(stage: Stage) -> list[tuple[int, str]]:
    with stage.session() as session:
        return [tuple(row) for row in session.execute(sa.select(Street.id, Street.name).order_by(Street.id))]


def test_others_write_while_it_is_rehearsed_and_both_are_there(stage: Stage) -> None:
    calls: list[int] = []

    def work(session: Session) -> None:
        calls.append(1)
        session.execute(sa.select(Community)).all()
        bulk.add(session, Street, [{"name": f"新街道{n}"} for n in range(1200)], "rehearsed")
        meanwhile(stage, "UPDATE officer SET version = version + 1")

    before = len(streets(stage))
    done(stage, work)
    assert calls == [1]
    assert len(streets(stage)) == before + 1200
    with stage.session() as session:
        noted = sa.select(sa.func.count()).where(AuditEntry.note == "rehearsed")
        assert session.scalar(noted) == 1200


def test_what_was_read_and_changed_meanwhile_is_read_again(stage: Stage) -> None:
    seen: list[int] = []

    def work(session: Session) -> None:
        number = session.scalar(sa.select(sa.func.sum(Community.households))) or 0
        seen.append(number)
        bulk.add(session, Street, [{"name": f"{number}户街道"}])
        if len(seen) == 1:
            meanwhile(stage, "UPDATE community SET households = 77, version = version + 1")

    done(stage, work)
    assert len(seen) == 2
    assert seen[1] % 77 == 0
    assert f"{seen[1]}户街道" in [name for _id, name in streets(stage)]
    assert f"{seen[0]}户街道" not in [name for _id, name in streets(stage)]


def test_ids_that_were_taken_meanwhile_are_not_given_twice(stage: Stage) -> None:
    calls: list[int] = []

    def work(session: Session) -> None:
        calls.append(1)
        bulk.add(session, Street, [{"name": "我的街道"}])
        if len(calls) <= 3:  # more than it is rehearsed: at last it is done under the lock
            with stage.session() as other:
                other.add(Street(name=f"别人的街道{len(calls)}"))

    done(stage, work)
    assert len(calls) == 4
    found = streets(stage)
    assert len({id_ for id_, _name in found}) == len(found)
    assert {"我的街道", "别人的街道1", "别人的街道3"} <= {name for _id, name in found}


def test_what_fails_has_written_nothing_and_leaves_no_copy(stage: Stage) -> None:
    def work(session: Session) -> None:
        bulk.add(session, Street, [{"name": "半途街道"}])
        raise UserError(_("Not allowed"))

    before = streets(stage)
    with pytest.raises(UserError):
        done(stage, work)
    assert streets(stage) == before
    assert list(Path(stage.app.instance_path).glob(".rehearsal-*")) == []
