"""An item is its code: what compares items compares codes, and only the version in force is offered."""

from __future__ import annotations

import html
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bureau.cases import repeats
from models import Case, CaseStatus, ChecklistItem
from panel.errors import UserError
from panel.kinds import today
from panel.store import bulk
from tests import steps
from tests.factories import Browser, Stage
from tests.workbooks import Office, counts, table

LEDGER = ("受理时间", "社区", "地点", "事项", "问题描述", "办结时间", "处理结果")


def days_ago(days: int) -> date:
    return today() - timedelta(days=days)


def renew(stage: Stage, **given: str) -> tuple[ChecklistItem, ChecklistItem]:
    """Edit the item in the form, as the office does. Returns its two versions."""
    browser = stage.browse("office")
    address = f"/admin/checklistitem/edit/?id={stage.inside['checklistitem']}"
    browser.post(address, browser.form(address) | ({"limit_value": "5"} | given))
    with stage.session() as session:
        first, second = session.scalars(sa.select(ChecklistItem).order_by(ChecklistItem.version_no))
        return first, second


def used(stage: Stage) -> int:
    return steps.new_case(stage, CaseStatus.HANDLING, "officer", place="西塔路 9 号", description="阳台上养了三只鸡")


def offered(browser: Browser, address: str) -> list[int]:
    return [id_ for id_, _label in browser.get(address).get_json()]


def test_the_old_version_ends_the_day_before_the_new_one_begins(stage: Stage) -> None:
    used(stage)
    first, second = renew(stage)
    assert (first.valid_until, second.valid_from, second.valid_until) == (days_ago(1), today(), None)


def test_a_version_may_begin_on_a_day_to_come(stage: Stage) -> None:
    used(stage)
    later = today() + timedelta(days=30)
    first, second = renew(stage, valid_from=str(later))
    assert (first.valid_until, second.valid_from) == (later - timedelta(days=1), later)
    office = stage.browse("office")
    assert offered(office, "/admin/case/ajax/lookup/?name=item&query=ZF03") == [first.id]


def test_other_words_are_changed_in_place(stage: Stage) -> None:
    used(stage)
    browser = stage.browse("office")
    address = f"/admin/checklistitem/edit/?id={stage.inside['checklistitem']}"
    browser.post(address, browser.form(address) | {"other_words": "鸡、公鸡、打鸣"})
    with stage.session() as session:
        (only,) = session.scalars(sa.select(ChecklistItem))
    assert (only.version_no, only.other_words) == (1, "鸡、公鸡、打鸣")
    assert "饲养家禽" in html.unescape(browser.get("/admin/checklistitem/?q=公鸡").text)
    assert "饲养家禽" in html.unescape(browser.get("/lists?q=打鸣").text)
    assert offered(browser, "/admin/case/ajax/lookup/?name=item&query=公鸡") == [only.id]


def test_a_look_up_offers_the_version_in_force_and_a_filter_every_item(stage: Stage) -> None:
    used(stage)
    _first, second = renew(stage)
    office = stage.browse("office")
    address = "/admin/case/ajax/lookup/?name=item&query=家禽"
    assert offered(office, address) == offered(office, address + "&every=1") == [second.id]
    with stage.session() as session:
        session.get_one(ChecklistItem, second.id).valid_until = today()
    assert offered(office, address) == [second.id]
    with stage.session() as session:
        past = session.get_one(ChecklistItem, second.id)
        past.valid_from, past.valid_until = days_ago(365), days_ago(1)
    assert offered(office, address) == []
    assert offered(office, address + "&every=1") == [second.id]


@pytest.mark.parametrize("past", ["ended", "replaced"])
def test_a_version_not_in_force_is_not_accepted(stage: Stage, past: str) -> None:
    used(stage)
    first, second = renew(stage)
    refused = first
    if past == "ended":
        refused = second
        with stage.session() as session:
            stored = session.get_one(ChecklistItem, second.id)
            stored.valid_from, stored.valid_until = days_ago(365), days_ago(1)
    id_ = steps.new_case(stage)
    browser = stage.browse("office")
    address = f"/admin/case/step/?id={id_}&step=accept"
    answer = browser.post(address, browser.form(address) | {"item": str(refused.id), "urgency": "normal"})
    assert answer.status_code == 422
    assert "目前未生效" in html.unescape(answer.text)
    assert stage.get("case", id_).status is CaseStatus.REPORTED


def test_a_filter_by_an_item_finds_the_cases_of_all_its_versions(stage: Stage) -> None:
    id_ = used(stage)
    _first, second = renew(stage)
    number = stage.get("case", id_).case_no
    assert number in stage.browse("office").get(f"/admin/case/?item={second.id}").text


def test_a_version_that_changes_between_two_reports_hides_no_repeat(stage: Stage) -> None:
    first_case = used(stage)
    _first, second = renew(stage)
    again = steps.new_case(
        stage, CaseStatus.REPORTED, "officer", place="西塔路9号", description="又听到打鸣声", item_id=second.id
    )
    with steps.acting(stage, "office") as session:
        likely = repeats.of_case(session, session.execute(sa.select(Case).where(Case.id == again)).scalar_one())
    assert [one.id for one in likely.repeats if repeats.SAME_PLACE in one.reasons] == [first_case]


def test_a_ledger_that_comes_again_after_a_new_version_changes_nothing(stage: Stage) -> None:
    office = Office(stage)
    closed = ["2026-05-04 10:20", "东栅社区", "东塔路 5 幢", "ZF03", "养鸡扰民", "2026-05-06 11:00", "已清理"]
    assert counts(office.run("case", table(LEDGER, closed))) == {"new": 1}
    renew(stage)
    assert counts(office.plan("case", table(LEDGER, closed))) == {"unchanged": 1}
    import_of_reports = ["", "东栅社区", "东塔路 5 幢", "饲养家禽", "又养鸡扰民", "", ""]
    assert counts(office.plan("case", table(LEDGER, import_of_reports))) == {"new": 1}


def test_a_version_in_use_stays_whoever_writes_it(stage: Stage) -> None:
    id_ = stage.inside["checklistitem"]
    edit = bulk.Edit(id_, stage.get("checklistitem", id_).version, {"limit_value": 9}, {"limit_value": 3})
    used(stage)
    with steps.acting(stage, "office") as session:
        bulk.edit(session, ChecklistItem, [edit])
        with pytest.raises(UserError, match=r"stays as it is|不再更改"):
            session.commit()
        session.rollback()
    with steps.acting(stage, "office") as session:
        session.get_one(ChecklistItem, id_).name = "别的事项"
        with pytest.raises(UserError, match=r"stays as it is|不再更改"):
            session.commit()
        session.rollback()
    assert stage.get("checklistitem", id_).limit_value == 3


def test_a_version_that_no_case_stands_on_is_changed(stage: Stage) -> None:
    id_ = stage.inside["checklistitem"]
    with stage.session() as session:
        session.execute(sa.update(Case).values(item_id=None, accepted_at=None, list_kind=None))
    edit = bulk.Edit(id_, stage.get("checklistitem", id_).version, {"limit_value": 9}, {"limit_value": 3})
    with steps.acting(stage, "office") as session:
        bulk.edit(session, ChecklistItem, [edit])
        session.commit()
    assert stage.get("checklistitem", id_).limit_value == 9
