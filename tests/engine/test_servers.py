"""Two servers on one database, and jobs whose server or database is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from panel.jobs import heartbeat, worker
from panel.jobs.records import Job, JobState
from panel.jobs.worker import Context, Jobs
from panel.kinds import now
from tests.factories import Stage

pytestmark = pytest.mark.database


def doing(session: Session, context: Context, params: dict[str, Any]) -> None:
    HOOKS[params["name"]](context)


HOOKS: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(worker.KINDS, "doing", doing)
    yield
    HOOKS.clear()


@pytest.fixture
def other(stage: Stage, tmp_path: Path) -> Jobs:
    """The jobs of a second server with an instance folder of its own, on the same database."""
    first = stage.panel.jobs
    return replace(first, instance=tmp_path / "second", _queue=None, _runner=None, _running=set(), _unrecorded=set())


def ask(stage: Stage, jobs: Jobs, name: str) -> int:
    with stage.acting("office") as session:
        return jobs.enqueue(session, "doing", {"name": name}, title=name)


def state(stage: Stage, id_: int) -> JobState:
    with stage.session() as session:
        return session.get_one(Job, id_).state


def test_each_server_runs_the_jobs_whose_files_it_has(stage: Stage, other: Jobs) -> None:
    first, ran = stage.panel.jobs, []
    (other.instance).mkdir()
    HOOKS.update(a=lambda _context: ran.append("a"), b=lambda _context: ran.append("b"))
    a, b = ask(stage, first, "a"), ask(stage, other, "b")
    assert first.server != other.server
    assert replace(first).server == first.server
    first.find_lost()
    other.find_lost()
    other.run(a)
    assert (state(stage, a), ran) == (JobState.QUEUED, [])
    assert other.run_pending() == 1
    first.run_pending()
    assert (ran, state(stage, a), state(stage, b)) == (["b", "a"], JobState.DONE, JobState.DONE)


def test_a_second_server_starts_while_the_first_one_works(stage: Stage, other: Jobs) -> None:
    """Its start interrupts what its own folder left behind, and nothing of the first one's."""
    (other.instance).mkdir()

    def work(_context: Context) -> None:
        assert other.recover() == 0
        other.find_dead()

    HOOKS["a"] = work
    id_ = ask(stage, stage.panel.jobs, "a")
    stage.panel.jobs.run_pending()
    assert state(stage, id_) is JobState.DONE


def test_a_job_of_a_dead_server_is_interrupted_by_another(
    stage: Stage, other: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the other's own steady clock, whatever the machines' clocks say; a sign of life begins the wait anew."""
    (other.instance).mkdir()
    HOOKS["a"] = print
    first, id_ = stage.panel.jobs, ask(stage, stage.panel.jobs, "a")
    with stage.session() as session:
        job = session.get_one(Job, id_)
        job.state, job.beat_at = JobState.RUNNING, now() + timedelta(days=4000)
    steady = [1000.0]
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: steady[0])
    patience = heartbeat.SQLITE_PATIENCE if first.engine.dialect.name == "sqlite" else heartbeat.PATIENCE
    other.find_dead()
    steady[0] += patience - 1
    other.find_dead()
    assert state(stage, id_) is JobState.RUNNING
    first.beat(id_)
    steady[0] += 2
    other.find_dead()
    assert state(stage, id_) is JobState.RUNNING
    steady[0] += patience
    other.find_dead()
    assert state(stage, id_) is JobState.INTERRUPTED


def test_what_waits_for_a_server_that_is_gone_is_told_after_a_day(stage: Stage, other: Jobs) -> None:
    (other.instance).mkdir()
    HOOKS["a"] = print
    old, new = ask(stage, other, "a"), ask(stage, other, "a")
    with stage.session() as session:
        session.get_one(Job, old).created_at = now() - worker.ORPHANED - timedelta(minutes=1)
    stage.panel.jobs.recover()
    assert (state(stage, old), state(stage, new)) == (JobState.INTERRUPTED, JobState.QUEUED)


def test_signs_of_life_are_given_while_a_job_works(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, beats = stage.panel.jobs, []
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(Jobs, "beat", lambda _jobs, id_: beats.append(id_))
    HOOKS["a"] = lambda _context: time.sleep(0.2)
    id_ = ask(stage, jobs, "a")
    jobs.run_pending()
    assert bool(beats) is (jobs.engine.dialect.name != "sqlite")
    assert set(beats) <= {id_}


def test_a_job_whose_database_went_away_ends_without_a_new_start(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is gone in the middle of the work and when its end is to be recorded; then it is there again."""
    jobs, gone = stage.panel.jobs, [True]
    ending = Jobs.set_ended

    def lost(*_given: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))

    def end(store: Jobs, id_: int, state: JobState, message: str) -> None:
        return lost() if gone else ending(store, id_, state, message)

    HOOKS["a"] = lost
    monkeypatch.setattr(Jobs, "set_ended", end)
    id_ = ask(stage, jobs, "a")
    jobs.run_pending()
    assert state(stage, id_) is JobState.RUNNING
    with pytest.raises(OperationalError):
        jobs.record_endings()
    gone.clear()
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.02)
    jobs.start()  # the thread of the server does it by itself
    deadline = time.monotonic() + 20
    while state(stage, id_) is JobState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.02)
    jobs.stop()
    assert state(stage, id_) is JobState.INTERRUPTED
    page = stage.browse("office").get(f"/jobs/{id_}").text
    assert "数据库" in page


WORKING = """
import sys, time
from admin_app import create_app
from panel.jobs import worker

def doing(session, context, params):
    print("working", flush=True)
    sys.stdin.readline()

worker.KINDS["doing"] = doing
jobs = create_app().extensions["panel"].jobs
jobs.start()
print("started", flush=True)
time.sleep(120)
"""


def test_two_processes_of_one_installation_take_turns(
    stage: Stage, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one starts while the first one works, and leaves it alone; when the first one is killed it takes over
    and ends what the first one left."""
    HOOKS["a"] = print
    id_ = ask(stage, stage.panel.jobs, "a")
    environment = {**os.environ, "INSTANCE_PATH": str(config.instance), "DATABASE_URL": config.database_url}
    environment["SECRET_KEY"] = config.secret_key
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    first = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", WORKING], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    second = stage.panel.jobs
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "started\n"
        assert first.stdout.readline() == "working\n"
        second.start()
        time.sleep(0.5)
        assert state(stage, id_) is JobState.RUNNING
        first.send_signal(signal.SIGKILL)
        first.wait()
        deadline = time.monotonic() + 20
        while state(stage, id_) is JobState.RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
        assert state(stage, id_) is JobState.INTERRUPTED
    finally:
        first.kill()
        first.communicate()
        second.stop()
