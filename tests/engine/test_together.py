"""Two acts that meet at the database: one waits, or is told in a sentence; nobody gets an error page."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from admin_app import create_app
from bench.people import PHONE
from bureau.cases import workflow
from bureau.cases.errors import InvalidValues
from models import Case, CaseStatus, Department
from panel.config import Config
from panel.store import bulk
from panel.store.bulk import Edit
from tests import steps
from tests.factories import Stage

ROWS = 1000


class Deadlock(Exception):  # noqa: N818 - the driver's own
    sqlstate = "40P01"


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (OperationalError("", {}, Deadlock()), 503, "数据库正忙"),
        (OperationalError("", {}, Exception("database is locked")), 503, "数据库正忙"),
        (OperationalError("", {}, Exception("disk I/O error")), 500, "出错"),
        (StaleDataError(), 409, "其间已有他人修改"),
    ],
    ids=["waited for each other", "locked", "broken", "overtaken"],
)
def test_who_is_in_the_way_of_another_is_told(config: Config, raised: Exception, status: int, words: str) -> None:
    def act() -> None:
        raise raised

    app = create_app(config)
    app.add_url_rule("/meet", "meet", act, methods=["GET"])
    app.extensions["panel"].open_endpoints.add("meet")
    answer = app.test_client().get("/meet")
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


@pytest.mark.database
@pytest.mark.parametrize("step", ["void", "merge"])
def test_no_case_is_merged_into_one_that_is_ended_at_the_same_time(stage: Stage, step: str) -> None:
    """Not even by being merged into this very case: the second of two waits, and is told that its master is ended."""
    case, master = steps.new_case(stage), steps.new_case(stage)
    taken, told = threading.Event(), list[str]()

    def end() -> None:
        with steps.acting(stage, "leader" if step == "void" else "office") as session:
            given = {"master": case, "reason": "同一件事"}
            workflow.take(session, session.get_one(Case, master), step, given)
            taken.set()
            time.sleep(0.5)

    def merge() -> None:
        taken.wait()
        try:
            with steps.acting(stage, "office") as session:
                given = {"master": master, "reason": "同一件事"}
                workflow.take(session, session.get_one(Case, case), "merge", given)
        except InvalidValues as lacking:
            told.extend(lacking.problems)

    threads = [threading.Thread(target=act) for act in (end, merge)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["master"]
    assert stage.get("case", case).status is CaseStatus.REPORTED


@pytest.mark.database
def test_two_who_write_the_same_rows_in_another_order(app: Any) -> None:
    """One is written, the other told that it was overtaken: neither waits for the other for ever."""
    stage = Stage(app)
    with stage.session() as session:
        phone = {"phone": f"0573-{PHONE}"}
        ids = bulk.add(session, Department, [{"name": f"协同部门{row:05d}", **phone} for row in range(ROWS)])
    gate, told = threading.Barrier(2), list[str]()

    def write(number: int, order: list[int]) -> None:
        values = {"phone": f"0573-{PHONE + number}"}
        gate.wait()
        try:
            with stage.session() as session:
                bulk.edit(session, Department, [Edit(id_, 1, values, phone) for id_ in order])
            told.append("written")
        except bulk.StaleRow:
            told.append("overtaken")
        except Exception as error:
            told.append(repr(error))

    threads = [threading.Thread(target=write, args=given) for given in ((1, list(ids)), (2, list(ids)[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["overtaken", "written"]
