"""A new office, from what `setup` leaves to its first liaison's report, by its own people and without a command."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.stories.conftest import NewOffice
from tests.browser.stories.office import CAST, UNIT

pytestmark = pytest.mark.browser

#: The most that it may take until a liaison has reported something.
CLICKS, MINUTES = 60, 15


def test_a_new_office_works_within_a_quarter_of_an_hour(new_office: NewOffice, visit: Visit) -> None:
    assert new_office.effort.clicks <= CLICKS
    assert new_office.effort.minutes <= MINUTES
    page = visit("officer", phone=True)
    expect(page.locator(".tiles a", has_text="待受理").locator("b")).to_have_text("1")
    page.goto("/duty")
    expect(page.locator(".visit", has_text=CAST.community).first).to_contain_text("7月13日")
    office = visit("office")
    expect(office.locator(".side")).to_contain_text(UNIT)
