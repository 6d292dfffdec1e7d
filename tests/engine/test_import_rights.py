"""Rights and scope hold for every row of a file; what one can't see stays unseen; masked values stay masked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import models
from panel.security.policy import MANAGE, Permission
from tests.factories import ROLES_BY_NAME, Stage
from tests.workbooks import Office, cells, counts, errors, outcomes, roster, sentences, table

OUTSIDE = "This record, or one that it refers to, is outside your area."


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def leader(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A squad leader whom the bureau lets import, inside their squad."""
    tables = (models.Community, models.Liaison, models.Officer, models.Assignment, models.Case, models.Action)
    role = ROLES_BY_NAME["leader"]
    allowed = replace(role, grants={**role.grants, **dict.fromkeys(tables, MANAGE)})
    monkeypatch.setitem(stage.panel.policy.roles, "leader", allowed)
    return Office(stage, "leader")


def everything(plan: Any) -> str:
    """All that a plan tells whoever made it."""
    told = [*errors(plan), *sentences(plan.warnings)]
    for row in plan.rows:
        told += [*sentences(row.notes), *row.changes, [error.suggestion for error in row.errors]]
    return str(told)


def test_one_changes_and_adds_what_lies_inside_ones_area(leader: Office) -> None:
    data = table(("社区", "姓名", "职务"), ("东栅社区", "胡秀珍", "主任"))
    assert counts(leader.run("liaison", data)) == {"changed": 1}
    follow = roster(("城东街道", "东栅社区", "李四", None, "2026-08-01"))
    assert counts(leader.run("liaison", follow)) == {"new": 1}


def test_what_lies_outside_fails_and_tells_nothing(leader: Office) -> None:
    data = table(
        ("社区", "姓名", "手机", "职务", "起始时间"),
        ("西马桥社区", "马晓燕", "13811112222", "主任", None),
        ("西马桥社区", "李四", None, None, "2026-08-01"),
        ("西马桥社区", "王五", None, None, "2020-01-01"),
        ("东栅社区", "胡秀珍", "13800001111", None, None),
    )
    made = leader.run("liaison", data, good_rows=True)
    assert outcomes(made) == {2: "failed", 3: "failed", 4: "failed", 5: "unchanged"}
    assert [message for _row, _column, message in errors(made)] == [OUTSIDE] * 3
    for secret in ("13900002222", "2025", "Predecessor", "马晓燕"):
        assert secret not in everything(made)
    assert [dict(row.stored) for row in made.rows if row.failed] == [{}, {}, {}]
    assert leader.stage.get("liaison", leader.stage.outside["liaison"]).end_on is None


def test_a_record_outside_found_by_its_key_fails_and_tells_nothing(leader: Office) -> None:
    officer = leader.stage.get("officer", leader.stage.outside["officer"])
    made = leader.plan("officer", table(("姓名", "证号", "手机"), ("改名", officer.badge_no, "13811112222")))
    assert errors(made) == [(2, "", OUTSIDE)]
    assert officer.name not in everything(made)


def test_nothing_is_moved_out_of_or_into_ones_area(leader: Office) -> None:
    own = table(("街道", "名称", "分队"), ("城东街道", "东栅社区", "城西分队"))
    assert errors(leader.plan("community", own)) == [(2, "", OUTSIDE)]
    assert leader.stage.get("community", leader.stage.inside["community"]).squad_id == leader.stage.inside["squad"]
    new = table(
        ("街道", "名称", "分队"),
        ("城东街道", "甲社区", "城西分队"),
        ("城东街道", "乙社区", "南湖分队"),
        ("城东街道", "丙社区", None),
    )
    made = leader.plan("community", new)
    assert outcomes(made) == {2: "failed", 3: "new", 4: "failed"}


def test_no_suggestion_names_what_one_cannot_see(leader: Office, office: Office) -> None:
    data = table(("社区", "姓名"), ("西马乔社区", "李四"), ("东栅堰社区", "王五"))
    assert [row.errors[0].suggestion for row in office.plan("liaison", data).rows] == ["西马桥社区", "东栅社区"]
    made = leader.plan("liaison", data)
    assert [row.errors[0].suggestion for row in made.rows] == [None, "东栅社区"]
    assert "西马桥" not in everything(made)


def test_an_officer_outside_is_not_assigned_from_a_roster(leader: Office) -> None:
    data = table(("社区", "姓名", "联居队员"), ("东栅社区", "胡秀珍", "何志远"))
    made = leader.run("liaison", data)
    assert counts(made) == {"unchanged": 1}
    assert "The list of officers has no “何志远”." in sentences(made.warnings)[0]


def test_a_reference_outside_is_shown_as_not_visible_and_left_alone(leader: Office, office: Office) -> None:
    with leader.stage.session() as session:
        session.get_one(models.Case, leader.stage.inside["case"]).lead_officer_id = leader.stage.outside["officer"]
    case = leader.stage.get("case", leader.stage.inside["case"])
    labels = ("案件编号", "社区", "问题描述", "主办队员")
    data = table(labels, (case.case_no, "东栅社区", "改了描述", "不可见"))
    made = leader.run("case", data)
    assert counts(made) == {"changed": 1}
    after = leader.stage.get("case", case.id)
    assert (after.description, after.lead_officer_id) == ("改了描述", leader.stage.outside["officer"])
    shown = leader.plan("case", table(labels, (case.case_no, "东栅社区", "改了描述", "沈建平")))
    (change,) = shown.rows[0].changes
    assert change[1:] == ("不可见", "沈建平")


@pytest.mark.parametrize("act", [Permission.CREATE, Permission.EDIT])
def test_each_act_needs_its_own_right(stage: Stage, monkeypatch: pytest.MonkeyPatch, act: Permission) -> None:
    role = ROLES_BY_NAME["office"]
    grants = {**role.grants, models.Liaison: MANAGE - {act}}
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(role, grants=grants))
    data = table(
        ("社区", "姓名", "职务"),
        ("东栅社区", "胡秀珍", "主任"),
        ("西马桥社区", "马晓燕", None),
        ("西马桥社区", "李四", None),
    )
    made = Office(stage, "office").plan("liaison", data)
    assert outcomes(made)[2 if act is Permission.EDIT else 4] == "failed"
    assert outcomes(made)[3] == "unchanged"
    assert "Your role doesn't allow this." in {message for _row, _column, message in errors(made)}


def test_without_the_right_to_assign_the_officers_of_a_roster_are_left_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = ROLES_BY_NAME["office"]
    grants = {name: acts for name, acts in role.grants.items() if name is not models.Assignment}
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(role, grants=grants))
    data = table(("社区", "姓名", "联居队员"), ("东栅社区", "胡秀珍", "何志远"))
    made = Office(stage, "office").run("liaison", data)
    assert counts(made) == {"unchanged": 1}
    assert "your role doesn't allow it" in sentences(made.warnings)[0]


def test_without_the_right_to_add_streets_none_is_created(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    role = ROLES_BY_NAME["office"]
    grants = {**role.grants, models.Street: frozenset({Permission.READ})}
    monkeypatch.setitem(stage.panel.policy.roles, "office", replace(role, grants=grants))
    made = Office(stage, "office").plan("community", table(("名称", "街道"), ("甲社区", "新街道")), create_missing=True)
    assert (counts(made), made.creatable) == ({"failed": 1}, {})


# Masked values.


def party(office: Office) -> Any:
    return office.stage.get("caseparty", office.stage.inside["caseparty"])


def test_the_mask_of_what_is_stored_changes_nothing_and_any_other_fails(office: Office) -> None:
    labels = ("记录号", "姓名", "电话", "住址")
    number = office.stage.inside["caseparty"]
    same = table(labels, (number, "张*", "137****5678", "东栅社区 3****"))
    assert counts(office.run("caseparty", same)) == {"unchanged": 1}
    made = office.plan("caseparty", table(labels, (number, "李*", "137****5679", "东栅社区 4****")))
    assert [(row, column) for row, column, _message in errors(made)] == [(2, "姓名"), (2, "电话"), (2, "住址")]
    assert "This value is masked" in errors(made)[0][2]
    assert "5678" not in everything(made)


def test_a_masked_value_says_nothing_of_a_new_record(office: Office) -> None:
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    made = office.plan("caseparty", table(("案件", "姓名", "电话"), (number, "王*", "139****0000")))
    assert [column for _row, column, _message in errors(made)] == ["姓名", "电话"]


def test_a_value_typed_in_full_replaces_what_was_masked(office: Office) -> None:
    """Of a case that is only reported: the complainant of an accepted one stays."""
    reported = office.stage.add("case")
    given = {"role": models.PartyRole.COMPLAINANT, "name": "张三", "phone": "13712345678"}
    number = office.stage.add("caseparty", case_id=reported, **given)
    made = office.run("caseparty", table(("记录号", "电话"), (number, "13911110000")))
    (change,) = made.rows[0].changes
    assert change[1:] == ("137****5678", "139****0000")
    after = office.stage.get("caseparty", number)
    assert (after.phone, after.name) == ("13911110000", "张三")


def test_what_is_logged_of_an_import_is_masked(office: Office) -> None:
    number = office.stage.get("case", office.stage.inside["case"]).case_no
    made = office.run("caseparty", table(("案件", "姓名", "电话"), (number, "王小明", "13911110000")))
    with office.stage.session() as session:
        from panel.security.records import AuditEntry

        entry = session.query(AuditEntry).filter_by(table_name="caseparty", record_id=made.rows[0].id).one()
    assert entry.changes["phone"] == [None, "139****0000"]
    assert entry.changes["name"] == [None, "王*"]
    assert str(office.ran[-1]) in entry.note


def test_whoever_sees_work_phones_masked_sees_them_so_in_a_preview(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = ROLES_BY_NAME["viewer"]
    grants = {**role.grants, models.Liaison: MANAGE}
    monkeypatch.setitem(stage.panel.policy.roles, "viewer", replace(role, grants=grants))
    data = table(
        ("社区", "姓名", "手机"), ("东栅社区", "胡秀珍", "13811112222"), ("西马桥社区", "马晓燕", "139****2222")
    )
    made = Office(stage, "viewer").plan("liaison", data)
    assert counts(made) == {"changed": 1, "unchanged": 1}
    (change,) = made.rows[0].changes
    assert change[1:] == ("138****1111", "138****2222")


def test_an_export_of_the_systems_is_masked(stage: Stage, tmp_path: Any) -> None:
    from tests.people.test_import_samples import command

    out = tmp_path / "out.xlsx"
    command(stage.app, "export", "liaison", out)
    assert {row[5] for row in cells(out)[1:]} == {"138****1111", "139****2222"}
    command(stage.app, "export", "liaison", out, "--as", "office")
    assert {row[5] for row in cells(out)[1:]} == {"13800001111", "13900002222"}
