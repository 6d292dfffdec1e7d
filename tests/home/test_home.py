"""The home page as a person opens it."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine

from bureau.home.web import home_page
from panel.kinds import ZONE
from panel.security.policy import Actor


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (0, "您好"),
        (4, "您好"),
        (5, "早上好"),
        (10, "早上好"),
        (11, "您好"),
        (13, "下午好"),
        (18, "晚上好"),
        (23, "晚上好"),
    ],
)
def test_a_greeting_fits_the_hour(hour: int, words: str) -> None:
    with time_machine.travel(datetime(2026, 7, 15, hour, 30, tzinfo=ZONE), tick=False):
        assert str(home_page._greeting(Actor("张三"))) == f"{words}，张三"
