"""A case is dispatched: whoever handles it sees the bell, opens the notice, and it is read."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

import models
from models import Case, CaseStatus
from panel.security.accounts import User
from tests.browser.conftest import Site, Visit

pytestmark = pytest.mark.browser


def test_the_officer_is_told_of_a_dispatch(site: Site, visit: Visit) -> None:
    with site.session() as session:
        user = sa.select(User.id).where(User.username == "officer").scalar_subquery()
        officer = session.execute(sa.select(models.Officer).where(models.Officer.user_id == user)).scalar_one()
        communities = sa.select(models.Assignment.community_id).where(models.Assignment.officer_id == officer.id)
        accepted = Case.status == CaseStatus.ACCEPTED
        query = sa.select(Case.id, Case.case_no).order_by(Case.community_id.in_(communities).desc(), Case.id)
        id_, number = session.execute(query.where(accepted).limit(1)).one()
        name = officer.name
    office = visit("office", at=f"/admin/case/step/?id={id_}&step=dispatch")
    office.locator("main").get_by_role("combobox").first.fill(name)
    office.get_by_role("option").first.click()
    office.locator(".save button.go").click()
    expect(office.locator(".note.success")).to_be_visible()

    page = visit("officer", phone=True)
    bell = page.locator(".unseen")
    expect(bell).to_have_text("1")
    bell.click()
    line = page.locator(".notices li")
    expect(line).to_contain_text("派给您")
    page.get_by_role("button", name=number).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    expect(page.locator(".unseen")).to_have_count(0)
    page.locator(".bell").click()
    expect(page.get_by_role("link", name=number)).to_be_visible()
