"""Which stored case a row of a file is about, and when a case was closed of which only the day is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bureau.cases.clock import in_time
from models import Case, CaseParty, CaseStatus, PartyRole
from panel.fields import Requirement
from panel.i18n import _
from panel.kinds import ZONE
from tests import steps
from tests.engine.test_undo import undo
from tests.factories import Stage
from tests.workbooks import Office, counts, errors, outcomes, table

LEDGER = ("受理时间", "社区", "地点", "事项", "问题描述", "办结时间", "处理结果")
REPORTS = ("社区", "地点", "问题描述")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def row(words: str = "养鸡扰民", **given: Any) -> list[Any]:
    usual = {"受理时间": "2026-05-04", "社区": "东栅社区", "地点": "东塔路 5 幢", "事项": "ZF03", "问题描述": words}
    return [{**usual, **given}.get(label) for label in LEDGER]


def historic(stage: Stage) -> list[Case]:
    with stage.session() as session:
        return list(session.scalars(sa.select(Case).where(Case.historic).order_by(Case.case_no)))


def closing(office: Office, accepted: str, closed: Any) -> str:
    """When a case is closed of which the ledger tells this."""
    office.run("case", table(LEDGER, row(受理时间=accepted, 办结时间=closed, 处理结果="已清理")))
    (case,) = historic(office.stage)
    assert case.closed_at is not None
    assert case.closed_at == case.handled_at
    return f"{case.closed_at.astimezone(ZONE):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("accepted", "closed", "at"),
    [
        ("2026-05-04 10:20", "2026-05-04", "2026-05-04 17:30"),
        ("2026-05-04", "2026年5月4日", "2026-05-04 17:30"),
        ("2026-05-04 19:05", "2026-05-04", "2026-05-04 23:59"),
        ("2026-05-04 10:20", "2026-05-06", "2026-05-06 17:30"),
        ("2026-05-04 10:20", "2026-05-04 11:00", "2026-05-04 11:00"),
    ],
)
def test_a_closing_told_by_its_day_ends_with_that_day(office: Office, accepted: str, closed: str, at: str) -> None:
    assert closing(office, accepted, closed) == at
    same = office.plan("case", table(LEDGER, row(受理时间=accepted, 办结时间=closed, 处理结果="已清理")))
    assert counts(same) == {"unchanged": 1}


def test_a_case_closed_on_the_day_of_its_deadline_kept_it(office: Office) -> None:
    office.run("case", table(LEDGER, row()))
    (case,) = historic(office.stage)
    assert case.due_at is not None
    day = f"{case.due_at.astimezone(ZONE):%Y-%m-%d}"
    office.run("case", table(LEDGER, row("另一件", 办结时间=day, 处理结果="已清理")))
    closed = historic(office.stage)[-1]
    assert closed.closed_at is not None
    assert closed.due_at is not None
    assert in_time(closed.closed_at, closed.due_at)


def test_a_closing_of_today_is_not_to_come(office: Office) -> None:
    today = datetime.now(ZONE).date().isoformat()
    assert closing(office, "2026-05-04", today)[:10] == today


def test_a_closing_on_an_earlier_day_is_refused(office: Office) -> None:
    made = office.plan("case", table(LEDGER, row(受理时间="2026-05-04 10:20", 办结时间="2026-05-03")))
    assert [column for _row, column, _message in errors(made)] == ["办结时间"]


def test_a_day_alone_says_nothing_of_the_clock(office: Office) -> None:
    """Our own number with the day of a ledger: the stored time of day stays."""
    office.run("case", table(LEDGER, row(受理时间="2026-05-04 10:20", 办结时间="2026-05-05 09:00")))
    number = historic(office.stage)[0].case_no
    labels = ("案件编号", "上报时间", *LEDGER)
    same = office.plan("case", table(labels, (number, "2026-05-04", *row(办结时间="2026-05-05"))))
    assert counts(same) == {"unchanged": 1}, errors(same)
    other = office.plan("case", table(labels, (number, "2026-05-04", *row(办结时间="2026-05-06"))))
    assert [column for _row, column, _message in errors(other)] == ["办结时间"]


def test_cases_of_one_day_item_and_place_are_told_apart_by_their_words(office: Office) -> None:
    data = table(LEDGER, row("养鸡扰民"), row("流浪犬伤人"), row("楼道堆放杂物"))
    assert counts(office.run("case", data)) == {"new": 3}
    assert counts(office.run("case", data)) == {"unchanged": 3}
    more = table(LEDGER, row("楼道堆放杂物"), row("夜间施工噪声"), row("养鸡扰民"), row("流浪犬伤人"))
    assert outcomes(office.run("case", more)) == {2: "unchanged", 3: "new", 4: "unchanged", 5: "unchanged"}
    assert len(historic(office.stage)) == 4


def test_a_corrected_description_changes_its_case(office: Office) -> None:
    office.run("case", table(LEDGER, row("养鸡扰民"), row("楼道堆放杂物")))
    corrected = table(LEDGER, row("养鸡扰民"), row("楼道堆放大量杂物"))
    assert outcomes(office.run("case", corrected)) == {2: "unchanged", 3: "changed"}


@pytest.mark.parametrize(
    ("time", "words", "outcome"),
    [
        ("2026-05-04", "养鸡养鸭扰民", "changed"),
        ("2026-05-04", "夜间施工噪声", "new"),
        ("2026-05-04 10:20", "夜间施工噪声", "changed"),
    ],
)
def test_another_description_alone_is_another_case_only_where_a_day_tells_the_time(
    office: Office, time: str, words: str, outcome: str
) -> None:
    office.run("case", table(LEDGER, row("养鸡扰民", 受理时间=time)))
    assert outcomes(office.plan("case", table(LEDGER, row(words, 受理时间=time)))) == {2: outcome}


def test_the_same_row_twice_in_one_file_is_one_case(office: Office) -> None:
    made = office.plan("case", table(LEDGER, row("养鸡扰民"), row("流浪犬伤人"), row("养鸡 扰民")))
    assert outcomes(made) == {2: "new", 3: "new", 4: "failed"}


def test_reports_without_a_time_are_known_by_their_row(office: Office) -> None:
    reports = (("东栅社区", "1幢", "楼道堆物甲"), ("东栅社区", "1幢", "楼道堆物甲"), ("东栅社区", "3幢", "占道"))
    data = table(REPORTS, *reports)
    assert counts(office.run("case", data)) == {"new": 3}
    for _again in range(2):
        assert counts(office.run("case", data)) == {"unchanged": 3}
    moved = table(REPORTS, ("东栅社区", "9幢", "噪声"), *reports)
    assert outcomes(office.plan("case", moved)) == {2: "new", 3: "unchanged", 4: "new", 5: "new"}
    others = table(REPORTS, ("东栅社区", "2幢", "楼道堆物甲"), ("东栅社区", "1幢", "楼道堆物乙"))
    assert counts(office.plan("case", others)) == {"new": 2}


def test_reports_of_an_undone_import_are_new_again(office: Office) -> None:
    data = table(REPORTS, ("东栅社区", "1幢", "楼道堆物甲"))
    office.run("case", data)
    assert undo(office) == 1
    assert counts(office.plan("case", data)) == {"new": 1}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0573-82712611", "0573-82712611"),
        ("057382712611", "0573-82712611"),
        ("（0573）82712611转8", "0573-82712611-8"),
        ("82712611", "82712611"),
        ("021 62345678", "021-62345678"),
        ("400-820-8820", "400-820-8820"),
    ],
)
def test_a_complainant_may_have_a_landline(office: Office, typed: str, stored: str) -> None:
    labels = (*LEDGER, "投诉人", "联系电话")
    data = table(labels, [*row(), "王先生", typed])
    office.run("case", data)
    with office.stage.session() as session:
        party = session.scalars(sa.select(CaseParty).join(Case).where(Case.historic)).one()
        assert (party.name, party.phone) == ("王先生", stored)
    assert counts(office.plan("case", data)) == {"unchanged": 1}


@pytest.mark.parametrize(
    "word", ["匿名", "匿名群众", "（匿名）", "匿名举报", "不愿透露", "不愿透露姓名", "不便透露", "未留姓名", "要求保密"]
)
def test_who_does_not_want_to_be_named_is_anonymous(office: Office, word: str) -> None:
    data = table((*LEDGER, "投诉人"), [*row(), word])
    office.run("case", data)
    with office.stage.session() as session:
        party = session.scalars(sa.select(CaseParty).join(Case).where(Case.historic)).one()
        assert (party.anonymous, party.name) == (True, None)
    assert counts(office.plan("case", data)) == {"unchanged": 1}


@pytest.mark.parametrize("name", ["张三、李四", "张三 13812345678"])
def test_two_complainants_or_a_telephone_in_the_cell_of_a_name_are_refused(office: Office, name: str) -> None:
    made = office.plan("case", table((*LEDGER, "投诉人"), [*row(), name]))
    assert [column for _row, column, _message in errors(made)] == ["投诉人"]


def test_nobody_complained_where_the_cell_says_so(office: Office) -> None:
    office.run("case", table((*LEDGER, "投诉人", "联系电话"), [*row(), "无", "/"]))
    with office.stage.session() as session:
        assert session.scalars(sa.select(CaseParty).join(Case).where(Case.historic)).all() == []


@pytest.mark.parametrize("person", ["", "office"])
def test_a_locked_complainant_fails_its_row_alone(office: Office, person: str) -> None:
    """At its cell, when the telephone of an accepted case's complainant is completed, or an ended case gets one; the
    other rows are written. A command without an account is held like anybody."""
    office.person = person
    states = (CaseStatus.ACCEPTED, CaseStatus.CLOSED, CaseStatus.REPORTED)
    ids = [steps.new_case(office.stage, status, "officer") for status in states]
    with office.stage.session() as session:
        numbers = [session.get_one(Case, id_).case_no for id_ in ids]
        session.execute(sa.delete(CaseParty).where(CaseParty.case_id.in_(ids)))
        session.add_all([CaseParty(case_id=id_, name="李四", role="complainant") for id_ in (ids[0], ids[2])])
    rows = [(number, None, None, "李四", "13800138000") for number in numbers]
    made = office.run("case", table(("案件编号", "社区", "问题描述", "投诉人", "联系电话"), *rows), good_rows=True)
    assert outcomes(made) == {2: "failed", 3: "failed", 4: "changed"}
    (_row, phone, why), (_other, name, ended) = errors(made)
    assert (phone, name) == ("联系电话", "投诉人")
    assert "Correct the complainant" in why
    assert "Reopen" in ended
    with office.stage.session() as session:
        phones = sa.select(CaseParty.phone).where(CaseParty.case_id.in_(ids)).order_by(CaseParty.case_id)
        assert sorted(map(str, session.scalars(phones))) == ["13800138000", "None"]


def test_a_complainant_that_breaks_a_requirement_fails_its_row_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the preview and at its cell, whether one is added or completed, by the values that it will have."""
    why = Requirement(
        lambda party: (party.role == PartyRole.COMPLAINANT) & party.name.is_not(None) & party.phone.is_not(None),
        _("Not this one."),
        "phone",
    )
    monkeypatch.setattr(CaseParty, "__requires__", (why,))
    ids = [steps.new_case(office.stage) for _n in range(3)]
    with office.stage.session() as session:
        numbers = [session.get_one(Case, id_).case_no for id_ in ids]
        session.execute(sa.delete(CaseParty).where(CaseParty.case_id.in_(ids)))
        session.add(CaseParty(case_id=ids[0], name="李四", role="complainant"))
    phones = ("13800138000", "13800138001", None)
    rows = [(number, None, None, "李四", phone) for number, phone in zip(numbers, phones, strict=True)]
    made = office.run("case", table(("案件编号", "社区", "问题描述", "投诉人", "联系电话"), *rows), good_rows=True)
    assert outcomes(made) == {2: "failed", 3: "failed", 4: "changed"}
    assert [(column, message) for _row, column, message in errors(made)] == [("联系电话", "Not this one.")] * 2


def test_the_complainants_of_a_printed_ledger_are_those_of_the_case(office: Office) -> None:
    with office.stage.session() as session:
        session.add(CaseParty(case_id=office.stage.inside["case"], name="李四", role="complainant"))
        number = session.get_one(Case, office.stage.inside["case"]).case_no
    for cell, outcome in (("张*、李*", "unchanged"), ("李*、张*", "unchanged"), ("张*、王*", "failed")):
        made = office.plan("case", table(("案件编号", "社区", "问题描述", "投诉人"), (number, None, None, cell)))
        assert outcomes(made) == {2: outcome}
