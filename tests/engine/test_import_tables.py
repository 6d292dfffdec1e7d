"""The rules of each table that comes in: versions of items, new cases; and what was exported comes back unchanged."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import events
from bureau.checklists import items
from models import Case, CaseEvent, CaseStatus, ChecklistItem
from panel.exports import workbooks
from panel.kinds import today
from tests import steps
from tests.factories import MODELS, Stage
from tests.workbooks import Office, counts, errors, sentences, table

ITEM = ("编码", "名称", "清单", "时限")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage, "office")


def versions(stage: Stage, code: str) -> list[tuple[int, str, int, date | None, date | None]]:
    item = ChecklistItem
    with stage.session() as session:
        query = sa.select(item.version_no, item.name, item.limit_value, item.valid_from, item.valid_until)
        return [tuple(row) for row in session.execute(query.where(item.code == code).order_by(item.version_no))]


def test_a_used_item_that_changes_gets_its_next_version(office: Office) -> None:
    """The one before stays as cases were judged by it, in force until the day before."""
    yesterday = date.fromordinal(today().toordinal() - 1)
    made = office.run("checklistitem", table(ITEM, ("ZF03", "饲养家禽", "执法清单", 5)))
    assert counts(made) == {"changed": 1}
    assert versions(office.stage, "ZF03") == [
        (1, "饲养家禽", 3, None, yesterday),
        (2, "饲养家禽", 5, today(), None),
    ]
    case = office.stage.get("case", office.stage.inside["case"])
    assert (case.item_id, case.item_snapshot["limit_value"]) == (office.stage.inside["checklistitem"], 3)
    with office.stage.session() as session:
        current = {item.code: item.version_no for item in items.current(session, today())}
        then = {item.code: item.version_no for item in items.current(session, yesterday)}
    assert (current["ZF03"], then["ZF03"]) == (2, 1)
    assert counts(office.plan("checklistitem", table(ITEM, ("ZF03", "饲养家禽", "执法清单", 5)))) == {"unchanged": 1}


def test_the_file_says_from_when_a_version_is_in_force(office: Office) -> None:
    office.run("checklistitem", table((*ITEM, "生效日期"), ("ZF03", "饲养家禽", "执法清单", 5, "2026-09-01")))
    assert versions(office.stage, "ZF03") == [
        (1, "饲养家禽", 3, None, date(2026, 8, 31)),
        (2, "饲养家禽", 5, date(2026, 9, 1), None),
    ]


def test_an_item_that_nobody_used_and_the_end_of_one_are_changed_where_they_stand(office: Office) -> None:
    office.run("checklistitem", table(ITEM, ("FW99", "试行事项", "服务清单", 2)))
    office.run("checklistitem", table(ITEM, ("FW99", "试行事项", "服务清单", 4)))
    office.run("checklistitem", table((*ITEM, "失效日期"), ("ZF03", "饲养家禽", "执法清单", 3, "2026-12-31")))
    assert versions(office.stage, "FW99") == [(1, "试行事项", 4, None, None)]
    assert versions(office.stage, "ZF03") == [(1, "饲养家禽", 3, None, date(2026, 12, 31))]


def test_an_older_version_is_not_changed_by_its_record_number(office: Office) -> None:
    office.run("checklistitem", table(ITEM, ("ZF03", "饲养家禽", "执法清单", 5)))
    old = office.stage.inside["checklistitem"]
    plan = office.plan("checklistitem", table(("记录号", *ITEM), (old, "ZF03", "饲养家禽", "执法清单", 9)))
    assert [message for _row, _column, message in errors(plan)] == ["Version 2 follows this one: change that one."]


def test_the_file_that_made_a_version_may_come_again_with_its_record_numbers(office: Office) -> None:
    old = office.stage.inside["checklistitem"]
    data = table(("记录号", *ITEM), (old, "ZF03", "饲养家禽", "执法清单", 5))
    assert counts(office.run("checklistitem", data)) == {"changed": 1}
    again = office.run("checklistitem", data)
    assert (counts(again), errors(again)) == ({"unchanged": 1}, [])
    assert [version[0] for version in versions(office.stage, "ZF03")] == [1, 2]
    office.run("checklistitem", table(ITEM, ("ZF03", "饲养家禽鸽", "执法清单", 5)))
    assert counts(office.plan("checklistitem", data)) == {"failed": 1}, "the newest version says otherwise"


CASES = ("社区", "地点", "清单事项", "问题描述", "上报时间", "来源", "紧急程度", "投诉人", "联系电话")


def test_new_cases_are_numbered_told_of_and_go_on_by_steps(office: Office) -> None:
    stage = office.stage
    data = table(
        CASES,
        ("东栅社区", "东塔路 8 幢", "ZF03", "楼下养鸡", "2026-07-14 09:00", "居民投诉", "紧急", "张三", "13712340000"),
        ("东栅社区", "东塔路 9 幢", None, "乱堆放", "2026-07-13 09:00", None, None, None, None),
    )
    made = office.run("case", data)
    assert counts(made) == {"new": 2}
    with stage.session() as session:
        later, earlier = (session.get_one(Case, row.id) for row in made.rows)
        assert earlier.case_no < later.case_no
        assert (later.status, later.due_at, later.historic) == (CaseStatus.REPORTED, None, False)
        assert (later.liaison_id, later.lead_officer_id) == (stage.inside["liaison"], stage.inside["officer"])
        history = session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == later.id)).all()
        assert ([event.step for event in history], events.verify(history)) == (["report"], None)
    assert counts(office.plan("case", data)) == {"unchanged": 2}
    accepted = steps.take(stage, "office", later.id, "accept", item=stage.inside["checklistitem"])
    assert (accepted.status, accepted.due_at is not None) == (CaseStatus.ACCEPTED, True)
    lacking = office.plan(
        "case", table(("社区", "地点", "问题描述"), ("东栅社区", "某处", None), (None, "某处", "乱堆放"))
    )
    assert [(row, column) for row, column, _message in errors(lacking)] == [(2, "问题描述"), (3, "社区")]
    unknown = office.plan(
        "case", table(("案件编号", *CASES[:4]), ("NH-2026-999999", "东栅社区", "某处", None, "乱堆放"))
    )
    assert sentences([unknown.rows[0].errors[0].message])[0].startswith("There is no case with this number.")


@pytest.mark.database
@pytest.mark.parametrize(
    "name",
    [
        "street",
        "department",
        "community",
        "liaison",
        "officer",
        "assignment",
        "checklistitem",
        "calendarday",
        "case",
        "referral",
    ],
)
def test_what_was_exported_comes_back_unchanged(office: Office, name: str) -> None:
    if name == "checklistitem":
        office.run("checklistitem", table(ITEM, ("ZF03", "饲养家禽", "执法清单", 5)))
    if name == "referral":
        _answered(office.stage)
    target = BytesIO()
    with office.session() as session:
        n = workbooks.export(session, MODELS[name], [], target)
    plan = office.plan(name, target.getvalue())
    assert errors(plan) == []
    assert counts(plan) == {"unchanged": n}


def _answered(stage: Stage) -> Any:
    """A referral with everything that steps set."""
    from tests.engine.test_undo import handling

    case = handling(stage)
    given = {"department": stage.inside["department"], "kind": models.ReferralKind.TRANSFER, "document_no": "移9号"}
    steps.take(stage, "office", case.id, "refer", **given, request="请清理")
    with stage.session() as session:
        referral = session.scalars(sa.select(models.Referral.id).where(models.Referral.case_id == case.id)).one()
    steps.take(stage, "office", case.id, "sign", referral=referral)
    return steps.take(stage, "office", case.id, "reply", referral=referral, reply="已清理")
