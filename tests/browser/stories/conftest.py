"""Stories take days: their clock starts on a Monday morning and is moved on, for the server and the demo district."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from panel.config import Config
from panel.kinds import ZONE
from seed import demo
from tests.browser.conftest import CASES, filled
from tests.factories import PASSWORD

#: A Monday in a month without holidays.
MONDAY = datetime(2026, 7, 13, 8, 40, tzinfo=ZONE)

Clock = Callable[[int, int, int, int], None]


@pytest.fixture(scope="session")
def content(plain_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo district as it stands on that Monday."""

    def fill(session: Session, panel: Any) -> None:
        hashed = panel.passwords.hash(PASSWORD)
        demo.build(session, cases=CASES, password_hash=hashed, secret=plain_config.secret_key)

    with time_machine.travel(MONDAY):
        return filled(plain_config, tmp_path_factory.mktemp("monday"), fill)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """clock(7, 14, 9, 30) makes it half past nine on that day; it goes on from there. Whoever was logged in has been
    away too long and logs in again."""
    with time_machine.travel(MONDAY) as traveller:

        def move(month: int, day: int, hour: int, minute: int) -> None:
            traveller.move_to(datetime(MONDAY.year, month, day, hour, minute, tzinfo=ZONE))

        yield move
