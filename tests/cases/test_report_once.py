"""A form is carried out once: sent twice, back and sent again, twice at the same time; other forms as well."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from models import Case
from panel.kinds import now
from panel.store import once
from panel.store.records import FormReceipt
from tests import factories
from tests.factories import Browser, Stage

FORM = {"place": "东塔路 3 幢", "description": "楼道里堆放杂物", "asked": "1"}
DOORS = ("/report", "/admin/case/new/")


def newest(stage: Stage) -> Case:
    with stage.session() as session:
        return session.execute(sa.select(Case).order_by(Case.id.desc()).limit(1)).scalar_one()


def opened(browser: Browser, door: str = "/report", **given: str) -> dict[str, str]:
    """What the form would send as it was opened, filled in."""
    form = browser.form(door)
    assert form["form_token"]
    return form | FORM | given


@pytest.mark.parametrize("door", DOORS)
def test_a_form_sent_twice_makes_one_case_and_leads_to_it(stage: Stage, door: str) -> None:
    browser, before = stage.browse("liaison"), stage.count("case")
    form = opened(browser, door)
    first = browser.post(door, form)
    case = newest(stage)
    for address in DOORS:
        again = browser.post(address, form)
        assert (again.status_code, again.headers["Location"]) == (302, first.headers["Location"])
        assert f"这份表单已提交过：{case.case_no} 已登记" in browser.get(again.headers["Location"]).text
    assert stage.count("case") == before + 1
    assert browser.post(door, opened(browser, door)).status_code == 302
    assert stage.count("case") == before + 2, "the same words in another form are another report"


def test_back_and_another_matter_is_asked_about_and_then_comes_in(stage: Stage) -> None:
    browser, before = stage.browse("liaison"), stage.count("case")
    form = opened(browser)
    browser.post("/report", form)
    case = newest(stage)
    other = browser.post("/report", form | {"description": "路面塌陷"})
    assert (other.status_code, stage.count("case")) == (409, before + 1)
    assert "路面塌陷" in other.text, "nothing that was typed is lost"
    assert f"/admin/case/details/?id={case.id}" in other.text
    assert case.case_no in other.text
    again = factories.form_values(other.text)
    assert again["form_token"] != form["form_token"]
    assert browser.post("/report", again).status_code == 302
    assert (stage.count("case"), newest(stage).description) == (before + 2, "路面塌陷")


def test_a_form_that_was_wrong_can_be_sent_again(stage: Stage) -> None:
    browser, before = stage.browse("liaison"), stage.count("case")
    form = opened(browser, place="")
    wrong = browser.post("/report", form)
    assert wrong.status_code == 422
    corrected = factories.form_values(wrong.text) | {"place": "东塔路"}
    assert corrected["form_token"] == form["form_token"]
    assert browser.post("/report", corrected).status_code == 302
    assert stage.count("case") == before + 1


def test_a_token_is_of_its_account_alone(stage: Stage) -> None:
    token, before = opened(stage.browse("liaison"))["form_token"], stage.count("case")
    for who in ("liaison", "officer"):
        assert stage.browse(who).post("/report", FORM | {"form_token": token}).status_code == 302
    assert stage.count("case") == before + 2


@pytest.mark.parametrize("token", ["", "x" * 500, None])
def test_without_a_token_a_report_comes_in(stage: Stage, token: str | None) -> None:
    """For a form of before this version, or another program."""
    given, before = dict(FORM) | ({} if token is None else {"form_token": token}), stage.count("case")
    assert stage.browse("liaison").post("/report", given).status_code == 302
    assert stage.count("case") == before + 1


@pytest.mark.database
def test_two_at_the_same_moment_make_one_case(stage: Stage) -> None:
    browser, before = stage.browse("liaison"), stage.count("case")
    form, token = opened(browser), browser.token()
    others = [Browser(stage.app) for _n in range(4)]
    for other in others:
        other.take((browser.seat()[0], token))
    ready, answers = threading.Barrier(len(others)), list[Any]()

    def send(other: Browser) -> None:
        ready.wait()
        answers.append(other.post("/report", form))

    threads = [threading.Thread(target=send, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert stage.count("case") == before + 1
    with stage.session() as session:
        numbers = session.scalars(sa.select(Case.case_no)).all()
    assert len(numbers) == len(set(numbers))


# Other forms.


@pytest.mark.parametrize("table", ["street", "department", "phrase"])
def test_a_generated_form_is_carried_out_once_too(stage: Stage, table: str) -> None:
    browser, address, before = stage.browse("office"), f"/admin/{table}/new/", stage.count(table)
    form = browser.form(address) | factories.typed(table, stage.inside)
    first = browser.post(address, form)
    again = browser.post(address, form)
    assert (first.status_code, again.status_code) == (302, 302)
    assert again.headers["Location"] == first.headers["Location"]
    assert stage.count(table) == before + 1
    assert "没有重复登记" in browser.get(again.headers["Location"]).text


def test_a_generated_form_with_another_content_is_asked_about(stage: Stage) -> None:
    browser, before = stage.browse("office"), stage.count("street")
    form = browser.form("/admin/street/new/") | {"name": "新街"}
    browser.post("/admin/street/new/", form)
    other = browser.post("/admin/street/new/", form | {"name": "又一街"})
    assert (other.status_code, stage.count("street")) == (409, before + 1)
    assert re.search("已登记为 新街", other.text)
    assert browser.post("/admin/street/new/", factories.form_values(other.text)).status_code == 302
    assert stage.count("street") == before + 2


def test_an_edit_sent_twice_is_saved_once(stage: Stage) -> None:
    """Not told of a conflict with oneself."""
    browser, address = stage.browse("office"), f"/admin/street/edit/?id={stage.inside['street']}"
    form = browser.form(address) | {"name": "改名街道"}
    first, again = browser.post(address, form), browser.post(address, form)
    assert (again.status_code, again.headers["Location"]) == (302, first.headers["Location"])
    assert stage.get("street", stage.inside["street"]).version == 2
    other = browser.post(address, form | {"name": "又一街道"})
    assert other.status_code == 409, "another content is another edit, of a version that is no more"


def test_receipts_are_deleted_in_time_and_tell_nothing(stage: Stage) -> None:
    browser = stage.browse("liaison")
    browser.post("/report", opened(browser, anonymous="0", name="陈某某", phone="13805730001"))
    case = newest(stage)
    with stage.session() as session:
        receipt = session.execute(sa.select(FormReceipt)).scalar_one()
        assert (receipt.table_name, receipt.record_id) == ("case", case.id)
        assert "陈" not in receipt.digest
        assert re.fullmatch(r"[0-9a-f]{64}", receipt.digest)
        once.delete_expired(session)
        assert session.scalar(sa.select(sa.func.count(FormReceipt.id))) == 1
        receipt.at = now() - timedelta(days=once.KEPT_DAYS, minutes=1)
        session.flush()
        once.delete_expired(session)
        assert session.scalar(sa.select(sa.func.count(FormReceipt.id))) == 0
