"""Stories take days, in an office that its own people have set up on screen. Their clock starts on a Monday morning and
is moved on, for the server and the office."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from panel.config import Config
from panel.kinds import ZONE
from seed import reference
from tests.applications import Applications
from tests.browser.clerk import Effort
from tests.browser.conftest import Visit, filled, site_of, visitors
from tests.browser.stories import office
from tests.browser.windows import Door, Windows

#: The day on which the office is set up, and a Monday in a month without holidays.
FRIDAY = datetime(2026, 7, 10, 8, 40, tzinfo=ZONE)
MONDAY = datetime(2026, 7, 13, 8, 40, tzinfo=ZONE)

Clock = Callable[[int, int, int, int], None]


@dataclass(frozen=True)
class NewOffice:
    """The database of an office that works, and what it took."""

    file: Path
    effort: Effort


@pytest.fixture(scope="session")
def new_office(
    plain_config: Config,
    applications: Applications,
    door: Door,
    windows: Windows,
    tmp_path_factory: pytest.TempPathFactory,
) -> NewOffice:
    """Set up once a process, from what the command `setup` leaves."""

    def fill(session: Session, _panel: Any) -> None:
        reference.load(session)

    folder = tmp_path_factory.mktemp("office")
    with time_machine.travel(FRIDAY):
        file = filled(plain_config, folder, fill)
        with site_of(door, applications, plain_config, file) as site, visitors(site, windows) as visit:
            effort = office.build(site, visit, folder)
    return NewOffice(file, effort)


@pytest.fixture(scope="session")
def content(new_office: NewOffice) -> Path:
    """The stories begin in that office."""
    return new_office.file


@pytest.fixture(autouse=True)
def clock(new_office: NewOffice) -> Iterator[Clock]:
    """clock(7, 14, 9, 30) makes it half past nine on that day; it goes on from there. Whoever was logged in has been
    away too long and logs in again."""
    with time_machine.travel(MONDAY) as traveller:

        def move(month: int, day: int, hour: int, minute: int) -> None:
            traveller.move_to(datetime(MONDAY.year, month, day, hour, minute, tzinfo=ZONE))

        yield move


@pytest.fixture
def visit(visit: Visit) -> Visit:
    """visit("officer") is the officer of the stories, under their own user name."""

    def begin(who: str = "", **given: Any) -> Page:
        return visit(office.USERNAMES.get(who, who), **given)

    return begin
