"""The rows of the monthly ledger."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

import models
from bureau.calendar.month import Month
from bureau.cases import events
from bureau.cases.state import stepping
from bureau.ledger import rows as ledger
from bureau.ledger import submission
from bureau.ledger.rows import COLUMNS, shown
from bureau.ledger.totals import Totals
from models import Basis, CaseStatus
from panel.kinds import Invalid
from panel.security.policy import Actor
from panel.security.session import set_actor
from tests.factories import Stage, counted
from tests.ledgers import JUNE, MAY, Course, again, local, make, of, rows

pytestmark = pytest.mark.database


def figures(stage: Stage, month: Month = MAY, basis: Basis = Basis.ACCEPTED) -> dict[str, int]:
    tally = Totals()
    for row in rows(stage, month, basis):
        tally.add(row)
    return {name: n for name, n in asdict(tally.figures).items() if n}


def ids(stage: Stage, month: Month = MAY, basis: Basis = Basis.ACCEPTED) -> list[int]:
    return [row.case_id for row in rows(stage, month, basis)]


def test_a_month_is_read_as_people_write_it() -> None:
    for text in ("2026-05", "2026-5", "2026/05", "2026.5", "2026年5月", " ２０２６年5月 "):
        assert Month.parse(text) == MAY
    for text in ("", "2026", "2026-13", "2026-00", "26-05", "五月", "2026-05-01"):
        with pytest.raises(Invalid):
            Month.parse(text)


def test_months_are_counted_over_the_year() -> None:
    assert [str(Month(2026, 1).plus(n)) for n in (-13, -1, 0, 11, 12)] == [
        "2024-12",
        "2025-12",
        "2026-01",
        "2026-12",
        "2027-01",
    ]
    assert Month(2024, 2).span == "2024年2月1日至2月29日"


def test_the_columns_are_the_prescribed_ones() -> None:
    assert "|".join(COLUMNS) == (
        "序号|案件编号|受理时间|来源|街道|社区|地点|清单类别|事项|问题描述|投诉人(脱敏)|联络员|主办队员|处置方式|"
        "协同部门|处理结果|到期时间|办结时间|是否按期|反馈时间|满意度|备注"
    )


def test_every_cell_of_a_case(stage: Stage) -> None:
    id_ = make(stage, Course("05-04 09:30", [("handle", "05-06 10:00"), ("close", "05-07 16:45")]))
    with stage.session() as session:
        department = models.Department(name="城东派出所")
        session.add(department)
        session.flush()
        case = session.get_one(models.Case, id_)
        session.add_all(
            [
                models.CaseParty(case_id=id_, name="张三丰", phone="13712345678"),
                models.CaseParty(case_id=id_, anonymous=True),
                models.CaseParty(case_id=id_, name="李四", role=models.PartyRole.RESPONDENT),
                *(
                    models.Referral(
                        case_id=id_,
                        department_id=to,
                        sent_at=local(at),
                        status=models.ReferralStatus.RETURNED,
                        return_reason="不属职责",
                    )
                    for to, at in (
                        (stage.inside["department"], "05-05 09:00"),
                        (department.id, "05-05 10:00"),
                        (stage.inside["department"], "05-05 11:00"),
                    )
                ),
                models.Feedback(
                    case_id=id_,
                    target=models.FeedbackTarget.COMPLAINANT,
                    at=local("05-07 15:00"),
                    content="已告知",
                    satisfaction=models.Satisfaction.SATISFIED,
                ),
                models.Feedback(
                    case_id=id_, target=models.FeedbackTarget.LIAISON, at=local("05-07 16:00"), content="已告知"
                ),
            ]
        )
        number = case.case_no
    (row,) = rows(stage)
    assert [shown(value) for value in row.cells()] == [
        "1",
        number,
        "2026-05-04 09:30",
        "居民投诉",
        "城东街道",
        "东栅社区",
        "东塔路 3 幢",
        "执法清单",
        "饲养家禽",
        "楼下养鸡",
        "张*、匿名",
        "胡秀珍",
        "沈建平",
        "劝导",
        "公安交警、城东派出所",
        "劝导后自行清理 05-06 10:00",
        "2026-05-09 09:30",
        "2026-05-07 16:45",
        "是",
        "2026-05-07 16:00",
        "满意",
        "",
    ]
    assert [value for value in row.cells() if value == ""] == []


def test_what_a_case_was_judged_by_stays_when_the_list_moves(stage: Stage) -> None:
    make(stage, Course("05-04 09:30"))
    with stage.session() as session:
        item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
        item.name, item.list_kind = "改了名", models.ListKind.SERVICE
    (row,) = rows(stage)
    assert (row.item, row.list_kind) == ("饲养家禽", "执法清单")


def test_a_month_begins_and_ends_at_local_midnight(stage: Stage) -> None:
    before = make(stage, Course("04-30 23:59", [("close", "04-30 23:59")]))
    first = make(stage, Course("05-01 00:00", [("close", "05-31 23:59")]))
    last = make(stage, Course("05-31 23:59", [("close", "06-01 00:00")]))
    after = make(stage, Course("06-01 00:00"))
    assert ids(stage) == [first, last]
    assert ids(stage, basis=Basis.CLOSED) == [first]
    assert ids(stage, MAY.plus(-1)) == [before]
    assert ids(stage, JUNE, Basis.CLOSED) == [last]
    assert ids(stage, JUNE) == [last, after]


def test_a_row_tells_how_the_case_stood_when_the_month_ended(stage: Stage) -> None:
    id_ = make(stage, Course("05-30 09:00", [("handle", "06-02 09:00"), ("close", "06-03 09:00")]))
    with stage.session() as session:
        session.add_all(
            [
                models.Referral(case_id=id_, department_id=stage.inside["department"], sent_at=local("06-01 10:00")),
                models.Feedback(
                    case_id=id_, target=models.FeedbackTarget.LIAISON, at=local("06-03 08:00"), content="已告知"
                ),
            ]
        )
    may, june = of(rows(stage), id_), of(rows(stage, JUNE), id_)
    assert (may.closed_at, may.result, may.outcome, may.departments, may.fed_back_at) == (None, "", "", "", None)
    assert (may.remark, may.standing) == ("在办", CaseStatus.HANDLING)
    assert june.closed_at == local("06-03 09:00")
    assert (june.outcome, june.departments, june.remark, june.carried) == ("劝导", "公安交警", "上月结转", True)


def test_cases_carried_over_come_first_and_are_counted_apart(stage: Stage) -> None:
    new = make(stage, Course("05-02 09:00"))
    old = make(stage, Course("03-02 09:00"))
    make(stage, Course("04-02 09:00", [("close", "04-20 09:00")]))
    assert ids(stage) == [old, new]
    assert [row.remark for row in rows(stage)] == ["上月结转；在办", "在办"]
    assert figures(stage) == {"accepted": 1, "due": 1, "open": 2, "carried": 1}


def test_what_is_open_at_the_end_is_carried_over_into_the_next_month(stage: Stage) -> None:
    make(stage, Course("05-02 09:00", [("close", "06-01 09:00")]))
    make(stage, Course("05-03 09:00", [("close", "05-05 09:00"), ("reopen", "05-20 09:00")]))
    make(stage, Course("05-04 09:00", [("suspend", "05-20 09:00")]))
    make(stage, Course("05-05 09:00", [("void", "05-20 09:00")]))
    make(stage, Course("05-06 09:00", [("close", "05-20 09:00"), ("reopen", "06-02 09:00")]))
    may, june = figures(stage), figures(stage, JUNE)
    assert may["open"] == june["carried"] == 3
    for found in (may, june, figures(stage, JUNE.plus(1))):
        begun = sum(found.get(name, 0) for name in ("accepted", "carried", "reopened"))
        assert begun == sum(found.get(name, 0) for name in ("closed", "open", "dropped"))
    assert june["reopened"] == 1
    assert figures(stage, JUNE.plus(1))["carried"] == june["open"]


def test_a_reopened_case_stays_in_the_ledger_of_its_first_closure(stage: Stage) -> None:
    id_ = make(
        stage,
        Course(
            "05-02 09:00",
            [
                ("handle", "05-03 09:00"),
                ("close", "05-05 09:00"),
                ("reopen", "06-02 09:00"),
                ("handle", "06-03 09:00"),
                ("close", "06-20 09:00"),
            ],
        ),
    )
    may, june = of(rows(stage, MAY, Basis.CLOSED), id_), of(rows(stage, JUNE, Basis.CLOSED), id_)
    assert (may.closed_at, may.on_time, may.result) == (local("05-05 09:00"), "是", "劝导后自行清理 05-03 09:00")
    assert (june.closed_at, june.on_time, june.result) == (local("06-20 09:00"), "否", "劝导后自行清理 06-03 09:00")
    assert (may.due_at, june.due_at) == (local("05-07 09:00"), local("06-05 09:00"))
    assert (may.remark, june.remark) == ("", "重启后再次办结")


def test_reopened_in_the_month_of_its_closure(stage: Stage) -> None:
    id_ = make(stage, Course("05-02 09:00", [("close", "05-05 09:00"), ("reopen", "05-25 09:00")]))
    by_closing, by_acceptance = of(rows(stage, MAY, Basis.CLOSED), id_), of(rows(stage), id_)
    assert (by_closing.closed_at, by_closing.remark) == (local("05-05 09:00"), "05-25重启")
    assert (by_acceptance.closed_at, by_acceptance.remark) == (None, "05-25重启；在办")
    assert figures(stage) == {"accepted": 1, "due": 1, "open": 1}


def test_closed_twice_in_a_month_counts_once(stage: Stage) -> None:
    make(stage, Course("05-02 09:00", [("close", "05-05 09:00"), ("reopen", "05-08 09:00"), ("close", "05-09 09:00")]))
    (row,) = rows(stage, MAY, Basis.CLOSED)
    assert row.closed_at == local("05-09 09:00")
    assert figures(stage, MAY, Basis.CLOSED)["closed"] == 1


def test_rejected_cases_are_in_no_ledger_and_voided_ones_are_marked(stage: Stage) -> None:
    make(stage, Course(None, [("reject", "05-03 09:00")]))
    voided = make(stage, Course("05-02 09:00", [("void", "05-03 09:00")]))
    (row,) = rows(stage)
    assert (row.case_id, row.remark, row.on_time, row.closed_at) == (voided, "作废", "", None)
    assert figures(stage) == {"accepted": 1, "dropped": 1}
    assert not rows(stage, MAY, Basis.CLOSED)


def test_suspended_cases_are_marked_and_not_due(stage: Stage) -> None:
    id_ = make(stage, Course("05-02 09:00", [("suspend", "05-03 09:00")]))
    (row,) = rows(stage)
    assert (row.remark, row.on_time, row.due_in_month) == ("挂账", "", False)
    again(stage, id_, ("resume", "05-20 09:00"))
    (row,) = rows(stage)
    assert (row.remark, row.on_time, row.due_in_month) == ("在办", "否", True)


def test_a_note_changes_nothing(stage: Stage) -> None:
    make(stage, Course("05-02 09:00", [("close", "05-05 09:00"), ("note", "06-05 09:00")]))
    (row,) = rows(stage)
    assert row.closed_at == local("05-05 09:00")
    assert not rows(stage, JUNE)


def test_historic_cases_count_by_the_times_they_carry(stage: Stage) -> None:
    id_ = make(stage, Course("05-02 09:00", values={"historic": True}))
    with stage.session() as session:
        case = session.get_one(models.Case, id_)
        case.outcome, case.result = models.Outcome.CLEARED, "已清理"
        with stepping():
            case.status, case.closed_at = CaseStatus.CLOSED, local("05-20 10:00")
        events.append(session, case, "import", None, CaseStatus.CLOSED, None, "导入", at=local("07-10 09:00"))
    for basis in Basis:
        (row,) = rows(stage, MAY, basis)
        assert (row.closed_at, row.result) == (local("05-20 10:00"), "已清理")
    assert not rows(stage, JUNE)
    assert not rows(stage, JUNE.plus(1), Basis.CLOSED)


def test_long_paragraphs_are_abridged(stage: Stage) -> None:
    make(stage, Course("05-02 09:00", values={"description": "长" * 400}))
    (row,) = rows(stage)
    assert len(row.description) == ledger.MAX_LENGTH
    assert row.description.endswith("长…")


@pytest.fixture
def two(stage: Stage) -> dict[str, int]:
    """A case of each squad in May."""
    return {side: make(stage, Course("05-04 09:30", side=side)) for side in ("inside", "outside")}


def _act(stage: Stage, session: Session, role: str) -> None:
    user = stage.district.users[role]
    set_actor(session, Actor(role, user, frozenset({role}), stage.panel.facts(session, user, frozenset({role}))))


def _as(stage: Stage, role: str, squad: int | None = None) -> list[int]:
    with stage.session() as session:
        _act(stage, session, role)
        found = list(ledger.rows(session, MAY, Basis.ACCEPTED, squad))
        session.rollback()
        return [row.case_id for row in found]


def test_everybody_sees_their_own_part(stage: Stage, two: dict[str, int]) -> None:
    assert _as(stage, "office") == _as(stage, "viewer") == [two["inside"], two["outside"]]
    assert _as(stage, "leader") == [two["inside"]]
    assert _as(stage, "administrator") == _as(stage, "auditor") == []


def test_a_squad_is_its_communities(stage: Stage, two: dict[str, int]) -> None:
    assert _as(stage, "office", stage.inside["squad"]) == [two["inside"]]
    assert _as(stage, "office", stage.outside["squad"]) == [two["outside"]]
    assert _as(stage, "leader", stage.outside["squad"]) == []


def test_a_community_outside_ones_area_has_no_name(stage: Stage, two: dict[str, int]) -> None:
    with stage.session() as session:
        session.get_one(models.Case, two["outside"]).handler_id = stage.inside["officer"]
        _act(stage, session, "leader")
        found = of(ledger.rows(session, MAY, Basis.ACCEPTED), two["outside"])
        assert (found.community, found.liaison, found.lead) == ("不可见", "不可见", "不可见")
        session.rollback()


def test_statements_do_not_grow_with_cases(stage: Stage) -> None:
    def sent(month: Month) -> int:
        with stage.session() as session, counted(stage.panel.db.engine) as found:
            list(ledger.rows(session, month, Basis.ACCEPTED))
            list(ledger.rows(session, month, Basis.CLOSED))
            submission.corrections(session, month, Basis.ACCEPTED)
        return len(found)

    few = sent(MAY)
    for i in range(12):
        make(stage, Course(f"05-{i + 1:02} 09:00", [("close", f"05-{i + 2:02} 09:00")]))
    assert sent(MAY) == few <= 11


def test_this_month_is_shown_as_it_stands(stage: Stage) -> None:
    july = Month(2026, 7)
    make(stage, Course("07-01 09:00", days=2))
    found = rows(stage, july)
    assert [row.on_time for row in found if row.accepted_at == local("07-01 09:00")] == ["否"]
    assert all(row.accepted_at is None or row.accepted_at - july.start < timedelta(days=31) for row in found)
