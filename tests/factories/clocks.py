"""The time at which the tests take place."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import time_machine

#: When every test takes place: a Wednesday, ten in the morning at the office. The clock goes on from test to test.
MOMENT = datetime(2026, 7, 15, 2, 0, tzinfo=UTC)
STARTED = time.monotonic()


def clock() -> time_machine.travel:
    """The time of the tests; what is set up for a whole file wants it too."""
    return time_machine.travel(MOMENT + timedelta(seconds=time.monotonic() - STARTED), tick=True)
