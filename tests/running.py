"""What every test costs besides what it does, which is paid eight thousand times. conftest.py takes this in."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from _pytest.runner import runtestprotocol

from panel import schema_state
from panel.base import Base
from panel.sheets.read import reader, reader_process

_apart, _limit, _compare = reader._answers, reader_process.limit, schema_state.differences
_agreed: set[tuple[object, ...]] = set()


def pytest_sessionstart() -> None:
    reader._answers, reader_process.limit = _here, lambda _memory: None
    schema_state.differences = _compared_once


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """One of several processes tells once of a test that went well. Beginning, preparation, tidying up and end are told
    too otherwise, of which nothing is printed; how long each took is told where that is asked for."""
    if not hasattr(item.config, "workerinput") or item.config.option.durations is not None:
        return None
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The lines that are logged during a test. pytest's own way would listen during each test, three times."""
    lines: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Listening()
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="session")
def _pw_trace_api_requests() -> None:
    """Playwright would look before each test whether it traces requests of another kind than pages."""


def _here(data: bytes) -> Iterator[reader_process.Answer]:
    """The answers of the process that opens a file, without a process, whose start takes longer than most files do.
    Whatever would end it ends the answers."""
    try:
        for answer in reader_process.answers(data):
            yield pickle.loads(pickle.dumps(answer, protocol=5))  # noqa: S301 - our own
    except Exception:
        return


@pytest.fixture(scope="module")
def reader_apart() -> Iterator[None]:
    """Files are opened in a process of their own, as the panel does it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reader, "_answers", _apart)
        patched.setattr(reader_process, "limit", _limit)
        yield


def _compared_once(connection: sa.Connection) -> list[Any]:
    """A database of SQLite with the very tables of one that was found to agree with the declaration agrees too: most
    commands compare them, which takes longer than what they do."""
    if connection.dialect.name != "sqlite":
        return _compare(connection)
    stored = connection.exec_driver_sql("SELECT sql FROM sqlite_master ORDER BY name")
    key = (*stored.scalars(), *Base.metadata.tables)
    if key not in _agreed and (found := _compare(connection)):
        return found
    _agreed.add(key)
    return []
