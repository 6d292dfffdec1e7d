"""What ledgers kept by hand may hold, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bureau.cases import events
from models import Case, CaseParty, CaseStatus, ListKind, Outcome
from panel.kinds import ZONE
from panel.security.accounts import User
from tests import factories, steps
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, outcomes, table

S = CaseStatus
LABELS = (
    "受理时间",
    "来源",
    "街道",
    "社区",
    "地点",
    "清单类别",
    "事项",
    "问题描述",
    "投诉人",
    "联系电话",
    "主办队员",
    "处置方式",
    "处理结果",
    "办结时间",
)


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def line(**given: Any) -> list[Any]:
    """A row of a ledger, of which some cells are given."""
    usual = {
        "受理时间": "2026-05-04 09:00",
        "来源": "居民投诉",
        "社区": "东栅社区",
        "地点": "东塔路 5 幢",
        "事项": "ZF03",
        "问题描述": "养鸡扰民",
    }
    return [{**usual, **given}.get(label) for label in LABELS]


def only(stage: Stage) -> Case:
    with stage.session() as session:
        query = sa.select(Case).where(Case.historic).options(sa.orm.joinedload(Case.lead_officer))
        return session.execute(query).scalar_one()


def test_an_officer_is_found_by_name(office: Office) -> None:
    made = office.run("case", table(LABELS, line(主办队员="沈建平")))
    assert not made.warnings
    case = only(office.stage)
    assert (case.lead_officer_id, case.lead_name) == (office.stage.inside["officer"], None)
    assert (case.status, case.liaison_id) == (S.ACCEPTED, office.stage.inside["liaison"])


def test_who_is_found_later_takes_the_place_of_a_name(office: Office) -> None:
    data = table(LABELS, line(主办队员="钱小明"))
    assert office.run("case", data).warnings
    assert only(office.stage).lead_name == "钱小明"
    assert counts(office.plan("case", data)) == {"unchanged": 1}
    with office.stage.session() as session:
        colleague = steps.colleague(session, office.stage)
    assert counts(office.run("case", data)) == {"changed": 1}
    assert only(office.stage).lead_officer_id == colleague


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, S.ACCEPTED),
        ({"处置方式": "劝导"}, S.HANDLED),
        ({"处理结果": "已清理"}, S.HANDLED),
        ({"办结时间": "2026-05-05 10:00"}, S.CLOSED),
        ({"处置方式": "劝导", "处理结果": "已清理", "办结时间": "2026-05-05"}, S.CLOSED),
    ],
)
def test_the_state_is_read_from_what_is_filled_in(office: Office, given: dict[str, Any], state: CaseStatus) -> None:
    office.run("case", table(LABELS, line(**given)))
    assert only(office.stage).status is state


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ({"受理时间": "2026-13-01 09:00"}, "受理时间"),
        ({"受理时间": None, "处理结果": "已清理"}, "受理时间"),
        ({"受理时间": "2062-05-04 09:00"}, "受理时间"),
        ({"办结时间": "2026-05-03 09:00"}, "办结时间"),
        ({"社区": "不存在社区"}, "社区"),
        ({"事项": "没有的事"}, "事项"),
        ({"处置方式": "罚站"}, "处置方式"),
        ({"联系电话": "12345"}, "联系电话"),
        ({"投诉人": "张*"}, "投诉人"),
        ({"问题描述": None}, "问题描述"),
    ],
)
def test_a_faulty_cell_fails_its_row(office: Office, given: dict[str, Any], column: str) -> None:
    made = office.plan("case", table(LABELS, line(**given), line(地点="另一处")))
    assert [(row, label) for row, label, _message in errors(made)] == [(2, column)]
    assert outcomes(made) == {2: "failed", 3: "new"}


def test_the_list_of_the_ledger_stays(office: Office) -> None:
    made = office.run("case", table(LABELS, line(清单类别="服务清单")))
    assert len(made.warnings) == 1
    case = only(office.stage)
    assert case.list_kind is ListKind.SERVICE
    assert case.item_snapshot is not None
    assert case.item_snapshot["list_kind"] == "enforcement"


@pytest.mark.parametrize(
    ("given", "party"),
    [
        ({"投诉人": "王  芳", "联系电话": "138-1234-5678"}, (False, "王芳", "13812345678")),
        ({"投诉人": "王芳"}, (False, "王芳", None)),
        ({"投诉人": "王芳（业主）"}, (False, "王芳", None)),
        ({"投诉人": "老王面馆（东塔店）"}, (False, "老王面馆(东塔店)", None)),
        ({"投诉人": "匿名"}, (True, None, None)),
        ({"投诉人": "匿名", "联系电话": 13812345678.0}, (True, None, "13812345678")),
        ({"联系电话": "13812345678"}, (True, None, "13812345678")),
        ({}, None),
    ],
)
def test_who_complained(office: Office, given: dict[str, Any], party: tuple[Any, ...] | None) -> None:
    data = table(LABELS, line(**given))
    office.run("case", data)
    with office.stage.session() as session:
        found = session.scalars(sa.select(CaseParty).join(Case).where(Case.historic)).all()
        assert [(p.anonymous, p.name, p.phone) for p in found] == ([party] if party else [])
    assert counts(office.plan("case", data)) == {"unchanged": 1}


def test_complainants_are_compared_and_never_overwritten(office: Office) -> None:
    office.run("case", table(LABELS, line()))
    office.run("case", table(LABELS, line(投诉人="王芳")))
    with office.stage.session() as session:
        (party,) = session.scalars(sa.select(CaseParty).join(Case).where(Case.historic))
        party.phone = "13812345678"
    assert counts(office.plan("case", table(LABELS, line(投诉人="王*", 联系电话="138****5678")))) == {"unchanged": 1}
    for other in ({"投诉人": "李芳"}, {"投诉人": "李*"}, {"联系电话": "13900000000"}):
        assert counts(office.plan("case", table(LABELS, line(**other)))) == {"failed": 1}
    with office.stage.session() as session:
        (party,) = session.scalars(sa.select(CaseParty).join(Case).where(Case.historic))
        assert (party.anonymous, party.name, party.phone) == (False, "王芳", "13812345678")


def test_what_steps_have_done_is_not_undone_by_a_ledger(office: Office) -> None:
    stage = office.stage
    data = table(LABELS, line(处置方式="劝导", 处理结果="已清理"))
    office.run("case", data)
    case = only(stage)
    steps.take(stage, "office", case.id, "verify")
    closed = steps.take(stage, "office", case.id, "close").closed_at
    assert closed is not None
    assert counts(office.plan("case", data)) == {"unchanged": 1}
    later = table(LABELS, line(处置方式="劝导", 处理结果="已清理", 办结时间="2026-05-09 10:00"))
    assert [label for _row, label, _message in errors(office.plan("case", later))] == ["办结时间"]
    same = table(LABELS, line(办结时间=closed.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")))
    assert counts(office.plan("case", same)) == {"unchanged": 1}


def test_a_ledger_with_numbers_of_its_own_keeps_them_in_the_history(office: Office) -> None:
    data = table(("案件编号", *LABELS), ["2026-05-017", *line()])
    office.run("case", data)
    case = only(office.stage)
    assert case.case_no.startswith("NH-2026-")
    with office.stage.session() as session:
        (event,) = steps.history(session, case.id)
        assert "2026-05-017" in str(event.opinion)
    assert counts(office.plan("case", data)) == {"unchanged": 1}
    ours = table(("案件编号", *LABELS), [case.case_no, *line()], ["NH-2026-099999", *line(地点="别处")])
    assert outcomes(office.plan("case", ours)) == {2: "unchanged", 3: "failed"}


def test_a_plain_list_of_reports_is_not_historic(office: Office) -> None:
    labels = ("上报时间", "社区", "地点", "问题描述", "投诉人", "联系电话")
    office.run("case", table(labels, ("2026-07-14 09:00", "东栅社区", "3 幢", "楼道堆物", "王芳", "13812345678")))
    with office.stage.session() as session:
        case = session.scalars(sa.select(Case).where(Case.description == "楼道堆物")).one()
        assert (case.status, case.historic, case.accepted_at) == (S.REPORTED, False, None)
        assert session.scalars(sa.select(CaseParty.name).where(CaseParty.case_id == case.id)).all() == ["王芳"]
        assert [event.step for event in steps.history(session, case.id)] == ["report"]


def test_old_cases_go_on_by_steps(office: Office) -> None:
    """What was still open in the old ledger is worked on from there."""
    stage = office.stage
    office.run("case", table(LABELS, line(投诉人="王芳")))
    id_ = only(stage).id
    for account, name in (("office", "dispatch"), ("office", "start"), ("office", "handle"), ("leader", "verify")):
        steps.take(stage, account, id_, name)
    case = steps.take(stage, "office", id_, "close")
    assert (case.status, case.historic, case.outcome) == (S.CLOSED, True, Outcome.PERSUASION)
    with stage.session() as session:
        assert session.scalar(sa.select(User.name).where(User.username == "office"))
        found = steps.history(session, id_)
        assert [event.step for event in found] == ["import", "dispatch", "start", "handle", "verify", "close"]
        assert events.verify(found) is None


@pytest.mark.parametrize("known", [False, True])
def test_a_fixed_number_of_statements(office: Office, known: bool) -> None:
    """However many rows there are; the first time, and again."""
    with office.stage.app.app_context():
        engine = office.stage.panel.db.engine
    sent = []
    for n in (5, 60):
        rows = [
            line(
                地点=f"东塔路 {n}-{i} 幢",
                投诉人="王芳" if i % 2 else "匿名",
                主办队员=f"某{i}",
                受理时间=f"2026-0{1 + i % 5}-04",
            )
            for i in range(n)
        ]
        if known:
            office.run("case", table(LABELS, *rows))
        with factories.counted(engine) as statements:
            office.run("case", table(LABELS, *rows))
        sent.append(len(statements))
    assert sent[0] == sent[1]
