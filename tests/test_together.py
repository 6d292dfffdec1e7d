"""Two acts that meet at the database: one waits, or is told in a sentence; nobody gets an error page."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from bench.people import PHONE
from panel.plans import Unusable
from tests.factories import Stage
from tests.workbooks import Office, table

ROWS = 400


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
@pytest.mark.alike
def test_who_is_in_the_way_of_another_is_told(app: Any, raised: Exception, status: int, words: str) -> None:
    def act() -> None:
        raise raised

    app.add_url_rule("/meet", "meet", act, methods=["GET"])
    app.extensions["panel"].open_endpoints.add("meet")
    answer = app.test_client().get("/meet")
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


def test_two_files_of_the_same_rows_in_another_order(app: Any) -> None:
    """Both are written, or the second is told that the first was quicker; they don't wait for each other."""
    stage = Stage(app)
    office = Office(stage)
    names = [f"协同部门{row:05d}" for row in range(ROWS)]
    head = ("部门名称", "联系电话")
    office.run("department", table(head, *((name, f"0573-{PHONE}") for name in names)))
    gate, told = threading.Barrier(2), list[str]()

    def bring_in(number: int, order: list[str]) -> None:
        data = table(head, *((name, f"0573-{PHONE + number}") for name in order))
        gate.wait()
        try:
            office.run("department", data)
            told.append("written")
        except Unusable:
            told.append("told")
        except Exception as error:
            told.append(repr(error))

    threads = [threading.Thread(target=bring_in, args=given) for given in ((1, names), (2, names[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) in (["told", "written"], ["written", "written"])
