"""Long work off the request: all of it or nothing, for its owner alone, and told however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from panel.errors import UserError
from panel.i18n import _
from panel.jobs import job_store, queue, work, worker
from panel.jobs.records import Job, JobState
from panel.jobs.worker import Context
from panel.kinds import now
from panel.notify.records import Notice
from panel.security.accounts import User
from panel.security.policy import AccessDenied
from tests.factories import Stage


def adding(session: Session, context: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Adds a street and writes a file; `pause` holds it until it is cancelled or the test says on."""
    context.begin_writing()
    session.add(models.Street(name=params["name"]))
    session.flush()
    for n in range(params.get("steps", 1)):
        context.progress(n, params.get("steps", 1), _("Street"))
        if (hook := HOOKS.get(params["name"])) is not None:
            hook(context)
    context.file("街道.txt").write_text(params["name"])
    if params.get("wrong"):
        raise ZeroDivisionError
    return {"url": "/admin/street/"}


HOOKS: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(worker.KINDS, "adding", adding)
    monkeypatch.setattr(work, "INTERVAL", 0.0)
    yield
    HOOKS.clear()


def ask(stage: Stage, role: str = "office", mark: str = "", **params: Any) -> int:
    with stage.acting(role) as session:
        session.info["jobs"] = stage.panel.jobs
        return worker.enqueue(session, "adding", params, title="街道", mark=mark)


def job(stage: Stage, id_: int) -> Job:
    with stage.session() as session:
        return session.get_one(Job, id_)


def streets(stage: Stage, name: str) -> int:
    with stage.session() as session:
        return session.execute(sa.select(sa.func.count()).where(models.Street.name == name)).scalar_one()


@pytest.mark.framed
@pytest.mark.database
def test_a_job_is_done_as_its_owner_and_its_result_is_theirs(stage: Stage) -> None:
    with stage.session() as session:
        session.execute(sa.delete(Notice))  # the bell rings for this alone
    id_ = ask(stage, name="新街道")
    assert (job(stage, id_).state, streets(stage, "新街道")) == (JobState.QUEUED, 0)
    assert stage.panel.jobs.run_pending() == 1
    done = job(stage, id_)
    assert (done.state, done.message, streets(stage, "新街道")) == (JobState.DONE, "", 1)
    with stage.session() as session:
        made = session.execute(sa.select(models.Street).where(models.Street.name == "新街道")).scalar_one()
    assert made.created_by_id == stage.district.users["office"]
    browser = stage.browse("office")
    assert 'class="unseen"' in browser.get("/").text
    page = browser.get(f"/jobs/{id_}").text
    assert "/admin/street/" in page
    assert 'class="unseen"' not in browser.get("/").text
    (address,) = re.findall(r'href="(/jobs/\d+/file/[^"]+)"', page)
    assert browser.get(address).data.decode() == "新街道"
    name = f">{done.owner_name}</td>"
    for role in ("administrator", "viewer"):
        other = stage.browse(role)
        assert [other.get(a).status_code for a in (f"/jobs/{id_}", f"/jobs/ajax/{id_}", address)] == [404] * 3
        assert other.post(f"/jobs/{id_}/cancel").status_code == 404
        listed = other.get("/jobs/").text
        assert f"/jobs/{id_}" not in listed
        assert "columns-choice" not in listed
        # Who runs the panel sees who asked for what and how it ended, and opens nothing of it.
        shown = role == "administrator"
        assert [word in listed for word in ("发起人", "街道</td>", name)] == [shown] * 3
    assert stage.visitor().get(f"/jobs/ajax/{id_}").status_code == 401


@pytest.mark.database
def test_a_job_can_do_no_more_than_its_owner_may(stage: Stage) -> None:
    id_ = ask(stage, "liaison", name="新街道")
    stage.panel.jobs.run_pending()
    refused = job(stage, id_)
    assert (refused.state, streets(stage, "新街道")) == (JobState.FAILED, 0)
    assert refused.message == str(AccessDenied().message)
    id_ = ask(stage, name="新街道")
    with stage.session() as session:
        session.get_one(User, stage.district.users["office"]).active = False
    stage.panel.jobs.run_pending()
    assert job(stage, id_).message == str(worker.GONE)
    assert streets(stage, "新街道") == 0


@pytest.mark.database
def test_a_defect_is_told_in_a_sentence_and_nothing_is_left(stage: Stage) -> None:
    id_ = ask(stage, name="新街道", wrong=True)
    stage.panel.jobs.run_pending()
    failed = job(stage, id_)
    assert (failed.state, failed.message, streets(stage, "新街道")) == (JobState.FAILED, str(worker.DEFECT), 0)
    assert stage.panel.jobs.files(id_) == []
    assert str(worker.DEFECT) in stage.browse("office").get(f"/jobs/{id_}").text


@pytest.mark.database
def test_what_is_asked_for_twice_is_done_once(stage: Stage) -> None:
    first = ask(stage, name="新街道", mark="a")
    assert ask(stage, name="新街道", mark="a") == first
    stage.panel.jobs.run_pending()
    assert streets(stage, "新街道") == 1
    assert ask(stage, name="新街道", mark="a") != first


def wait(stage: Stage, id_: int) -> Job:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (found := job(stage, id_)).state in worker.ENDED:
            return found
        time.sleep(0.05)
    raise AssertionError("the job does not end")


@pytest.mark.database
def test_the_servers_own_worker_does_what_waits_and_a_cancelled_job_leaves_nothing(stage: Stage) -> None:
    """With the thread that the server starts; the cancelled job holds the database while it is cancelled."""
    browser, inside = stage.browse("office"), threading.Event()
    browser.token()

    def hold(context: Context) -> None:
        inside.set()
        time.sleep(0.02)

    HOOKS["停下"] = hold
    stage.panel.jobs.start()
    stage.panel.jobs.start()
    try:
        done = ask(stage, name="新街道")
        assert wait(stage, done).state is JobState.DONE
        long = ask(stage, name="停下", steps=100_000)
        assert inside.wait(20)
        shown = browser.get(f"/jobs/ajax/{long}").json
        assert (shown["total"], shown["ended"], shown["go"]) == (100_000, False, "")
        assert browser.post(f"/jobs/{long}/cancel").status_code == 302
        assert wait(stage, long).state is JobState.CANCELLED
        assert (streets(stage, "新街道"), streets(stage, "停下")) == (1, 0)
        # The server stops: what runs ends as interrupted.
        inside.clear()
        long = ask(stage, name="停下", steps=100_000)
        assert inside.wait(20)
    finally:
        stage.panel.jobs.stop()
    assert job(stage, long).state is JobState.INTERRUPTED
    assert streets(stage, "停下") == 0


@pytest.mark.database
def test_what_ran_when_the_server_died_is_interrupted_and_what_waited_is_done(stage: Stage) -> None:
    ran, waited = ask(stage, name="甲街道"), ask(stage, name="乙街道")
    with stage.session() as session:
        session.get_one(Job, ran).state = JobState.RUNNING
    stage.panel.jobs.queue.huey.flush()  # the queue may be lost with the server
    assert stage.panel.jobs.recover() == 1
    stage.panel.jobs.run_pending()
    assert (job(stage, ran).state, job(stage, waited).state) == (JobState.INTERRUPTED, JobState.DONE)
    assert (streets(stage, "甲街道"), streets(stage, "乙街道")) == (0, 1)
    assert "重新启动" in stage.browse("office").get(f"/jobs/{ran}").text


DYING = """
import os, signal
import sqlalchemy as sa
from admin_app import create_app
from models import Street
from panel.jobs import worker as jobs

def dying(session, context, params):
    context.begin_writing()
    session.add(Street(name=params["name"]))
    session.flush()
    os.kill(os.getpid(), signal.SIGKILL)

jobs.KINDS["adding"] = dying
create_app().extensions["panel"].jobs.run_pending()
"""


@pytest.mark.database
def test_a_server_killed_while_it_writes_has_written_nothing(stage: Stage, config: Any) -> None:
    id_ = ask(stage, name="新街道")
    environment = {
        **os.environ,
        "INSTANCE_PATH": str(config.instance),
        "DATABASE_URL": config.database_url,
        "SECRET_KEY": config.secret_key,
    }
    done = subprocess.run([sys.executable, "-c", DYING], env=environment, check=False, timeout=60)  # noqa: S603 - ours
    assert done.returncode == -signal.SIGKILL
    assert job(stage, id_).state is JobState.RUNNING
    assert stage.panel.jobs.recover() == 1
    assert (job(stage, id_).state, streets(stage, "新街道")) == (JobState.INTERRUPTED, 0)
    assert stage.panel.jobs.run_pending() == 0


@pytest.mark.database
def test_what_was_said_to_be_interrupted_does_not_write_after_all(stage: Stage) -> None:
    def meanwhile(context: Context) -> None:
        context.session.connection().execute(sa.update(Job.__table__).values(state=JobState.INTERRUPTED))

    HOOKS["新街道"] = meanwhile
    ask(stage, name="新街道")
    stage.panel.jobs.run_pending()
    assert streets(stage, "新街道") == 0


def test_one_process_of_an_installation_does_the_work(stage: Stage) -> None:
    first = stage.panel.jobs._acquire_lock()
    assert first is not None
    assert stage.panel.jobs._acquire_lock() is None
    first.close()
    second = stage.panel.jobs._acquire_lock()
    assert second is not None
    second.close()


@pytest.mark.parametrize(
    ("url", "sentence"), [("redis://localhost:1/0", queue.NO_REDIS), ("amqp://x", queue.UNKNOWN_URL)]
)
def test_a_queue_that_can_not_be_had_is_told_at_the_start(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, url: str, sentence: Any
) -> None:
    monkeypatch.setattr("huey.storage.Redis", None)
    stage.panel.jobs.url = url
    with pytest.raises(UserError) as told:
        stage.panel.jobs.start()
    assert told.value.message == sentence


@pytest.mark.database
def test_what_can_not_be_queued_is_found_by_the_worker(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(queue.Queue, "put", lambda *_given: 1 / 0)
        id_ = ask(stage, name="新街道")
    assert stage.panel.jobs.run_pending() == 0
    stage.panel.jobs.find_lost()
    stage.panel.jobs.find_lost()
    assert stage.panel.jobs.run_pending() == 1
    assert job(stage, id_).state is JobState.DONE


@pytest.mark.database
def test_old_results_are_thrown_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = ask(stage, name="新街道")
    stage.panel.jobs.run_pending()
    assert stage.panel.jobs.files(id_)
    monkeypatch.setattr(job_store, "FILE_DAYS", -10_000)  # files bear the machine's time
    monkeypatch.setattr(job_store, "JOB_DAYS", -1)
    stage.panel.jobs.tidy()
    assert stage.panel.jobs.files(id_) == []
    with stage.session() as session:
        assert session.get(Job, id_) is None


@pytest.mark.database
@pytest.mark.parametrize(("seconds", "kept"), [(60, True), (-60, False)])
def test_a_result_is_kept_for_seven_days_and_a_job_for_ninety(stage: Stage, seconds: int, *, kept: bool) -> None:
    id_ = ask(stage, name="新街道")
    jobs = stage.panel.jobs
    jobs.run_pending()
    week = time.time() - 7 * 86_400 + seconds
    os.utime(jobs.root / str(id_), (week, week))
    with stage.session() as session:
        session.get_one(Job, id_).ended_at = now() - timedelta(days=90) + timedelta(seconds=seconds)
    jobs.tidy()
    assert bool(jobs.files(id_)) is kept
    with stage.session() as session:
        assert (session.get(Job, id_) is not None) is kept
