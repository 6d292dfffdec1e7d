"""The write lock held by somebody else, and a disk without room: who reads goes on, who writes is told soon, in their
language, and keeps what they typed."""

from __future__ import annotations

import html
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from models import Street
from panel.base import Base
from panel.jobs.records import Job, JobState
from panel.kinds import now
from panel.security.transactions import WriteQueue
from panel.store import disk
from tests.factories import Stage


@pytest.fixture
def sqlite_alone(backend: str) -> None:
    if backend != "sqlite":
        pytest.skip("the disk is that of PostgreSQL's own server")


@contextmanager
def held(stage: Stage, seconds: float = 0.2) -> Iterator[None]:
    """Another process holds the write lock, or a lock of every table; requests wait for it so many seconds."""
    queue, url = stage.panel.queue, sa.make_url(stage.app.config["SQLALCHEMY_DATABASE_URI"])
    stage.panel.queue = WriteQueue(places=2, seconds=seconds)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as other:
            if url.get_backend_name() == "sqlite":
                other.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                names = ", ".join(map(engine.dialect.identifier_preparer.quote, Base.metadata.tables))
                other.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
            yield
    finally:
        stage.panel.queue = queue


def sent_again(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a refused request goes, and what it holds."""
    action = re.search(r'<form method="post" action="([^"]+)"', page)
    assert action, page
    fields = re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', page, re.S)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


@pytest.mark.database
def test_a_form_that_finds_the_database_locked_is_kept_and_sent_again(stage: Stage) -> None:
    office = stage.browse("office")
    typed = office.form("/admin/street/new/") | {"name": "湖滨街道 <b>", "code": ""}
    with held(stage):
        begun = time.monotonic()
        refused = office.post("/admin/street/new/?url=/admin/street/", typed)
        assert time.monotonic() - begun < 2
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "数据库正忙" in refused.text
        assert "再次提交" in refused.text
        assert office.get("/admin/street/").status_code == 200
    address, fields = sent_again(refused.text)
    assert address == "/admin/street/new/?url=/admin/street/"
    assert fields["name"] == "湖滨街道 <b>"
    assert office.client.post(address, data=fields).status_code == 302
    with stage.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Street.name == "湖滨街道 <b>")) == 1


@pytest.mark.database
def test_no_password_is_written_into_the_page_of_a_locked_database(stage: Stage) -> None:
    visitor = stage.visitor()
    visitor.token()
    with held(stage):
        refused = visitor.post("/login", {"username": "office", "password": "Not-in-a-page-1"})
    assert refused.status_code == 503
    assert "Not-in-a-page-1" not in refused.text


@pytest.mark.database
def test_a_page_that_marks_something_as_seen_is_read_while_the_database_is_locked(stage: Stage) -> None:
    owner = stage.district.users["office"]
    with stage.session() as session:
        job = Job(kind="export", title="导出", owner_id=owner, state=JobState.DONE, ended_at=now())
        session.add(job)
        session.flush()
        id_ = job.id
    office = stage.browse("office")
    with held(stage):
        assert office.get(f"/jobs/{id_}").status_code == 200
    with stage.session() as session:
        assert session.get_one(Job, id_).seen_at is None
    office.get(f"/jobs/{id_}")
    with stage.session() as session:
        assert session.get_one(Job, id_).seen_at is not None


@pytest.mark.database
def test_who_finds_half_of_the_threads_waiting_is_refused_sooner(stage: Stage) -> None:
    seconds, answers = 1.5, list[tuple[float, int]]()
    browsers = [stage.browse(name) for name in ("office", "office", "office", "leader")]
    typed = [browser.form("/admin/street/new/") | {"name": f"湖滨街道{n}"} for n, browser in enumerate(browsers[:3])]

    def send(number: int) -> None:
        begun = time.monotonic()
        status = browsers[number].post("/admin/street/new/", typed[number]).status_code
        answers.append((time.monotonic() - begun, status))

    with held(stage, seconds):
        threads = [threading.Thread(target=send, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        assert browsers[3].get("/admin/street/").status_code == 200
        for thread in threads:
            thread.join()
    (soonest, *waited), statuses = sorted(took for took, _status in answers), {status for _took, status in answers}
    assert statuses == {503}
    assert soonest < seconds <= waited[0]
    assert browsers[0].post("/admin/street/new/", typed[0]).status_code == 302, "the places were left again"


def test_only_some_threads_wait_and_the_others_are_refused_once_nobody_gets_on() -> None:
    queue, refused, release = WriteQueue(places=2, seconds=2.5), list[float](), threading.Event()

    def wait() -> None:
        begun = time.monotonic()
        try:
            with queue.place():
                release.wait(10)
        except OperationalError:
            refused.append(time.monotonic() - begun)

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads[2:]:
        thread.join(0.1)
    begun = time.monotonic()
    while len(refused) < 3 and time.monotonic() - begun < 4:
        time.sleep(0.02)
    assert len(refused) == 3
    assert max(refused) < 2.4
    assert min(refused) < 1.4, "more than a spare place isn't waited in"
    begun = time.monotonic()
    with pytest.raises(OperationalError), queue.place():
        pass
    assert time.monotonic() - begun < 1
    release.set()
    for thread in threads:
        thread.join()
    with queue.place():
        pass


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    """No connection finds room for another page of the database, until the reserve is given back."""

    def limit(connection: sqlite3.Connection, *_rest: object) -> None:
        if (Path(stage.app.instance_path) / disk.NAME).exists():
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages}")
        else:
            connection.execute("PRAGMA max_page_count=1000000")

    with stage.app.app_context():
        engine = stage.panel.db.engine
    sa.event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", limit)
        engine.dispose()


@pytest.mark.usefixtures("sqlite_alone")
def test_a_full_disk_is_told_and_stops_neither_reading_nor_logging_in(stage: Stage) -> None:
    reserve = Path(stage.app.instance_path) / disk.NAME
    office = stage.browse("office")
    reserve.write_bytes(b"reserved")
    with full(stage):
        for number in range(60):  # until no free page is left within the database
            name = f"湖滨{chr(0x4E00 + number)}街道"
            answer = office.post("/admin/street/new/", office.form("/admin/street/new/") | {"name": name})
            if answer.status_code != 302:
                break
        assert (answer.status_code, "磁盘已满" in answer.text) == (507, True), answer.text
        assert not reserve.exists()
        address, fields = sent_again(answer.text)
        assert office.client.post(address, data=fields).status_code == 302, "the reserve made room"
        reserve.write_bytes(b"reserved")
        assert office.get("/admin/street/").status_code == 200
        assert stage.visitor().log_in("leader").status_code == 302


@pytest.mark.usefixtures("sqlite_alone")
def test_a_log_in_goes_on_where_not_even_the_log_has_room(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_args: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(type(stage.panel), "_log_login", no_room)
    visitor = stage.visitor()
    assert visitor.log_in("leader").status_code == 302
    assert visitor.get("/").status_code == 200


@pytest.mark.usefixtures("sqlite_alone")
def test_an_upload_that_would_fill_the_disk_is_refused_and_small_changes_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = stage.browse("office")
    monkeypatch.setattr(disk, "free", lambda _folder: disk.NEEDED_BYTES)
    file = (BytesIO(b"?" * 2_000_000), "名册.xlsx")
    refused = office.post("/admin/street/import/", {"file": file}, content_type="multipart/form-data")
    assert (refused.status_code, "磁盘已满" in refused.text) == (507, True)
    typed = office.form("/admin/street/new/") | {"name": "湖滨街道"}
    assert office.post("/admin/street/new/", typed).status_code == 302
