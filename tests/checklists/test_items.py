"""An item of the lists in use is never changed on screen: it gets a next version."""

from __future__ import annotations

import html

import sqlalchemy as sa

from bureau.checklists import items
from models import Case, CaseStatus, ChecklistItem
from panel.kinds import today
from tests import steps
from tests.factories import Stage


def versions(stage: Stage, code: str = "ZF03") -> list[ChecklistItem]:
    with stage.session() as session:
        query = sa.select(ChecklistItem).where(ChecklistItem.code == code).order_by(ChecklistItem.version_no)
        return list(session.scalars(query))


def edit(stage: Stage, id_: int, **given: str) -> str:
    address = f"/admin/checklistitem/edit/?id={id_}"
    form = stage.browse("office").form(address)
    return stage.browse("office").post(address, form | given, follow_redirects=True).text


def test_a_used_item_gets_a_next_version(stage: Stage) -> None:
    old = stage.inside["checklistitem"]
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
    page = html.unescape(edit(stage, old, limit_value="5"))
    first, second = versions(stage)
    assert (first.id, first.limit_value, first.version_no) == (old, 3, 1)
    assert (second.limit_value, second.version_no, second.name) == (5, 2, first.name)
    assert "第 2 版" in page
    case = stage.get("case", id_)
    assert (case.item_id, case.item_snapshot["limit_value"]) == (old, 3)
    with stage.session() as session:
        assert [item.version_no for item in items.current(session, today()) if item.code == "ZF03"] == [2]
    edit(stage, old, limit_value="9")
    assert len(versions(stage)) == 2, "a replaced version stays as it is"
    edit(stage, second.id, limit_value="6")
    assert [one.limit_value for one in versions(stage)] == [3, 6], "one that no case stands on is changed"


def test_nothing_changed_adds_nothing_and_a_code_stays(stage: Stage) -> None:
    old = stage.inside["checklistitem"]
    steps.new_case(stage, CaseStatus.HANDLING, "officer")
    edit(stage, old)
    edit(stage, old, code="ZF77")
    assert len(versions(stage)) == 1
    assert versions(stage, "ZF77") == []
    edit(stage, old, valid_until="2027-01-01")
    (only,) = versions(stage)
    assert str(only.valid_until) == "2027-01-01"


def test_what_an_item_fixes_is_shown_before_it_is_chosen_for_good(stage: Stage) -> None:
    id_ = steps.new_case(stage)
    with stage.session() as session:
        item = steps.other_item(session, session.get_one(Case, id_))
    page = html.unescape(stage.browse("office").get(f"/admin/case/step/?id={id_}&step=accept&item={item}").text)
    facts = page.partition('class="fixed-by"')[2].partition("</dl>")[0]
    assert "服务清单" in facts
    assert "7 个工作日" in facts
    found = stage.browse("office").get(f"/admin/case/item/?case={id_}&item={item}").get_json()
    assert ["清单", "服务清单"] in found
    assert stage.browse("office").get(f"/admin/case/item/?case={id_}&item=x").get_json() == []
    assert stage.browse("leader").get(f"/admin/case/item/?case={stage.outside['case']}&item={item}").status_code == 404
