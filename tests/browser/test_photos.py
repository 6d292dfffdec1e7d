"""A photo is added to a case on a telephone, looked at, and taken off."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from models import Attachment, Case, CaseStatus
from tests.browser.conftest import Site, scrolls_sideways

pytestmark = pytest.mark.browser


def picture(colour: str) -> dict[str, Any]:
    out = BytesIO()
    Image.new("RGB", (1200, 900), colour).save(out, "JPEG")
    return {"name": f"现场 {colour}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


@pytest.mark.parametrize("script", [True, False])
def test_photos_are_added_and_taken_off_on_a_telephone(site: Site, visit: Callable[..., Page], script: bool) -> None:
    with site.session() as session:
        query = sa.select(Case.id).where(Case.status == CaseStatus.HANDLING).order_by(Case.id)
        id_ = session.execute(query).scalars().first()
    page = visit("office", phone=True, script=script, at=f"/admin/case/details/?id={id_}")
    strip = page.locator("#attachments")
    page.locator(".part-links").get_by_role("link", name="照片与文件").click()
    page.get_by_text("添加照片或文件").click()
    page.get_by_text("处置前", exact=True).click()
    page.get_by_label("选择文件").set_input_files([picture("red"), picture("blue")])
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_text("已添加 2 个文件。")).to_be_visible()
    expect(strip.get_by_role("heading", name="处置前")).to_be_visible()
    photo = strip.get_by_role("img", name="现场 blue.jpg")
    photo.scroll_into_view_if_needed()
    expect(photo).to_be_visible()
    if script:
        page.wait_for_function(
            "Array.from(document.querySelectorAll('#attachments img')).every(i => i.naturalWidth > 0)"
        )
        assert not scrolls_sideways(page)
    page.get_by_text("添加照片或文件").click()
    wrong = {"name": "网页.jpg", "mimeType": "image/jpeg", "buffer": b"<html>"}
    page.get_by_label("选择文件").set_input_files([wrong])
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_role("alert")).to_contain_text("网页.jpg")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    strip.get_by_text("撤下", exact=True).first.click()
    strip.get_by_label("撤下原因").first.fill("拍到路人")
    strip.get_by_role("button", name="撤下").first.click()
    expect(page.get_by_text("已撤下：现场 red.jpg")).to_be_visible()
    expect(strip.get_by_role("img")).to_have_count(1)
    with site.session() as session:
        kept = session.scalars(sa.select(Attachment).where(Attachment.case_id == id_).order_by(Attachment.id)).all()
        assert [one.removed_reason for one in kept] == ["拍到路人", None]
