"""Work that comes round by itself is done once among all who try, and tried again when it failed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

from models import Street
from panel.jobs import periodic
from panel.jobs.periodic import Result
from panel.jobs.records import PeriodicRun
from panel.kinds import now

pytestmark = pytest.mark.database

HOUR = timedelta(hours=1)


@pytest.fixture
def host(panel: Any) -> Iterator[Any]:
    """A panel with no periodic work but that of the test."""
    kept, panel.periodic = panel.periodic, {}
    yield panel
    panel.periodic = kept


def add_street(name: str) -> Any:
    def work(session: Session) -> None:
        session.add(Street(name=name))

    return work


def streets(host: Any) -> list[str]:
    with host.system_session() as session:
        return sorted(session.scalars(sa.select(Street.name)))


def test_it_is_done_when_due_and_not_before(host: Any) -> None:
    done: list[int] = []
    periodic.register(host, "count", HOUR, lambda _session: done.append(1))
    assert periodic.tick(host) == {"count": Result.DONE}
    assert periodic.tick(host) == {}
    with time_machine.travel(now() + timedelta(minutes=61), tick=True):
        assert periodic.tick(host) == {"count": Result.DONE}
    assert periodic.tick(host, force=True) == {"count": Result.DONE}
    assert len(done) == 3


def test_what_failed_leaves_nothing_and_is_tried_again(host: Any, logged: list[str]) -> None:
    trouble = [True]

    def work(session: Session) -> None:
        add_street("塘汇街道")(session)
        session.flush()
        if trouble:
            raise OSError(trouble.pop())

    periodic.register(host, "street", HOUR, work)
    periodic.register(host, "other", HOUR, add_street("嘉北街道"))
    assert periodic.tick(host) == {"street": Result.FAILED, "other": Result.DONE}
    assert streets(host) == ["嘉北街道"]
    assert "periodic work failed: street" in "".join(logged)
    assert periodic.tick(host) == {"street": Result.DONE}
    assert streets(host) == ["嘉北街道", "塘汇街道"]


def test_of_several_processes_one_does_it(host: Any) -> None:
    done: list[int] = []
    periodic.register(host, "once", HOUR, lambda _session: done.append(1))
    gate = threading.Barrier(4)

    def process() -> None:
        gate.wait()
        with host.app.app_context():
            periodic.tick(host)

    threads = [threading.Thread(target=process) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [1]
    with host.system_session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PeriodicRun)) == 1


def test_the_server_does_it_by_itself(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    called = threading.Event()
    monkeypatch.setattr(periodic, "FIRST", timedelta(0))
    periodic.register(host, "call", HOUR, lambda _session: called.set())
    ticker = periodic.Ticker(host).start()
    assert called.wait(10)
    ticker.stop()


def test_a_name_is_taken_once(host: Any) -> None:
    periodic.register(host, "a", HOUR, print)
    with pytest.raises(ValueError, match="twice"):
        periodic.register(host, "a", HOUR, print)


def test_the_command_tells_what_was_done_and_what_failed(host: Any) -> None:
    runner = host.app.test_cli_runner()
    periodic.register(host, "good", HOUR, add_street("新嘉街道"))
    assert runner.invoke(args=["tick"]).stdout == "已完成：good\n"
    assert runner.invoke(args=["tick"]).stdout == "没有到期的定时任务。\n"
    periodic.register(host, "bad", HOUR, lambda _session: 1 / 0)
    failed = runner.invoke(args=["tick", "--all"])
    assert failed.exit_code == 1
    assert "bad" in failed.stderr
