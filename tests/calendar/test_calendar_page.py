"""The working calendar on screen, deadlines worked out anew after it changed, lights and the banner."""

from __future__ import annotations

import html
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from openpyxl import Workbook

import models
from bureau.cases import events, intake, recompute
from bureau.cases.state import stepping
from bureau.cases.web.case_views import due_cell
from bureau.cases.web.deadlines_page import spans
from bureau.settings import settings
from models import CaseStatus, LimitUnit
from panel.kinds import ZONE, Moment
from panel.security.records import AuditAction, AuditEntry
from tests import factories
from tests.factories import ROLE_NAMES, Browser, Stage, counted

#: A Wednesday, ten in the morning: a limit of three working days ends on Monday, 20 July.
MONDAY = datetime(2026, 7, 20, 17, 30, tzinfo=ZONE)


def at(moment: str) -> datetime:
    """A local moment such as 2026-07-20 09:30."""
    found = Moment().parse(moment)
    assert found is not None
    return found


def day(stage: Stage, when: date, *, is_work: bool, name: str = "") -> None:
    with stage.session() as session:
        session.add(models.CalendarDay(day=when, is_work=is_work, name=name or None))


def stored(stage: Stage, id_: int) -> models.Case:
    found = stage.get("case", id_)
    assert isinstance(found, models.Case)
    return found


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_the_office_alone_has_the_page(standing: Stage, role: str) -> None:
    browser, status = standing.browse(role), 200 if role == "office" else 403
    assert browser.get("/calendar").status_code == status
    assert browser.get("/calendar/recompute").status_code == status
    assert ("/calendar" in browser.menu()) is (role == "office")
    if role != "office":
        assert browser.post("/calendar/recompute").status_code == 403


def test_years_are_shown_with_their_days(stage: Stage) -> None:
    for number in range(1, 8):
        if number > 1:
            day(stage, date(2026, 10, number), is_work=False, name="国庆节")
    day(stage, date(2026, 10, 10), is_work=True, name="国庆节调休上班")
    page = html.unescape(stage.browse("office").get("/calendar").text)
    assert "1–7 日 国庆节" in page
    assert "10 日 国庆节调休上班" in page
    assert "2026 年" in page
    assert "2027 年" in page
    assert page.count("未载入") == 1
    assert page.index("2027 年") < page.index("2026 年")


def test_days_that_follow_each_other_are_one_span() -> None:
    def one(number: int, name: str | None) -> models.CalendarDay:
        return models.CalendarDay(day=date(2026, 5, number), is_work=False, name=name)

    days = [one(1, "劳动节"), one(2, "劳动节"), one(3, None), one(5, None), one(6, "补休")]
    assert list(spans(days)) == ["1–2 日 劳动节", "3 日", "5 日", "6 日 补休"]
    assert list(spans([])) == []


# The notice comes in as a workbook.


def notice(rows: list[tuple[Any, ...]]) -> BytesIO:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [("2027年部分节假日安排", None, None), *rows]:
        sheet.append(row)
    target = BytesIO()
    book.save(target)
    target.seek(0)
    return target


@pytest.mark.parametrize("header", ["是否工作日", "类型", "工作日"])
def test_the_yearly_notice_comes_in(stage: Stage, header: str) -> None:
    browser = stage.browse("office")
    words = {"是否工作日": ("否", "是"), "类型": ("放假", "上班"), "工作日": ("休", "班")}[header]
    rows: list[tuple[Any, ...]] = [("日期", header, "名称")]
    rows += [(date(2027, 1, number), words[0], "元旦") for number in (1, 2, 3)]
    rows += [("2027年1月9日", words[1], "元旦调休上班")]
    answer = browser.post("/admin/calendarday/import/", {"file": (notice(rows), "放假通知.xlsx")})
    preview = browser.get(answer.headers["Location"])
    values = factories.form_values(preview.text)
    assert browser.post("/admin/calendarday/import/apply/", values).status_code == 302
    page = html.unescape(browser.get("/calendar").text)
    assert "1–3 日 元旦" in page
    assert "9 日 元旦调休上班" in page
    assert "未载入" not in page


def test_the_template_has_the_columns_that_the_page_names(standing: Stage) -> None:
    answer = standing.browse("office").get("/admin/calendarday/template/")
    assert answer.status_code == 200


# Deadlines anew.


def accepted(stage: Stage, status: CaseStatus = CaseStatus.ACCEPTED, **changed: Any) -> int:
    """A case accepted now, with a limit of three working days, in a state."""
    with stage.session() as session:
        community = session.get_one(models.Community, stage.inside["community"])
        case = models.Case(
            community=community,
            source=models.Source.PATROL,
            description="测试",
            place="某处",
            handler_id=stage.inside["officer"],
        )
        intake.register(session, case, None, "测试")
        intake.accept(session, case, session.get_one(models.ChecklistItem, stage.inside["checklistitem"]))
        with stepping():
            case.status = status
        for name, value in changed.items():
            setattr(case, name, value)
        return case.id


@pytest.mark.database
def test_a_new_day_off_moves_the_deadlines_of_open_cases(stage: Stage) -> None:
    id_ = accepted(stage)
    before = stored(stage, id_)
    assert before.due_at == MONDAY
    day(stage, date(2026, 7, 17), is_work=False, name="台风停工")
    browser = stage.browse("office")
    assert "3 件在办案件的到期时间与工作日历不一致" in browser.get("/calendar").text
    asks = html.unescape(browser.get("/calendar/recompute").text)
    assert f"{before.case_no}  2026-07-20 17:30 → 2026-07-21 17:30" in asks
    assert stored(stage, id_).due_at == MONDAY
    answer = browser.post("/calendar/recompute", follow_redirects=True)
    assert "已调整 3 件案件的到期时间" in html.unescape(answer.text)
    assert "与工作日历不一致" not in browser.get("/calendar").text
    after = stored(stage, id_)
    assert after.due_at == MONDAY + timedelta(days=1)
    assert (after.version, after.status) == (before.version + 1, before.status)
    assert after.updated_by_id == stage.district.users["office"]


def test_who_enters_a_day_by_hand_is_told_that_deadlines_do_not_follow_by_themselves(stage: Stage) -> None:
    given = {"day": "2026-07-17", "is_work": "0", "name": "台风停工"}
    answer = stage.browse("office").post("/admin/calendarday/new/", given, follow_redirects=True)
    assert "在办案件的到期时间尚未调整" in html.unescape(answer.text)


def test_each_case_that_moves_keeps_a_sealed_record(stage: Stage) -> None:
    id_ = accepted(stage)
    day(stage, date(2026, 7, 17), is_work=False)
    stage.browse("office").post("/calendar/recompute")
    with stage.session() as session:
        statement = sa.select(models.CaseEvent).where(models.CaseEvent.case_id == id_).order_by(models.CaseEvent.seq)
        kept = list(session.execute(statement).scalars())
        assert events.verify(kept) is None
        last = kept[-1]
        assert (last.step, last.from_status, last.to_status) == ("recompute", CaseStatus.ACCEPTED, CaseStatus.ACCEPTED)
        assert last.opinion == "2026-07-20 17:30 → 2026-07-21 17:30"
        assert last.actor_id == stage.district.users["office"]
        assert last.payload["after"] == (MONDAY + timedelta(days=1)).astimezone(UTC).isoformat()
        audited = sa.select(AuditEntry).where(
            AuditEntry.table_name == "case", AuditEntry.record_id == id_, AuditEntry.action == AuditAction.EDIT
        )
        entry = session.execute(audited.order_by(AuditEntry.id.desc()).limit(1)).scalar_one()
        assert "due_at" in entry.changes
    page = html.unescape(stage.browse("office").get(f"/admin/case/details/?id={id_}").text)
    assert "重算到期时间" in page


@pytest.mark.database
def test_a_make_up_day_brings_them_forward(stage: Stage) -> None:
    id_ = accepted(stage)
    day(stage, date(2026, 7, 18), is_work=True, name="调休上班")
    stage.browse("office").post("/calendar/recompute")
    assert stored(stage, id_).due_at == MONDAY - timedelta(days=2)


@pytest.mark.database
def test_what_the_calendar_does_not_move_is_left_alone(stage: Stage) -> None:
    day(stage, date(2026, 7, 17), is_work=False)
    browser = stage.browse("office")
    browser.post("/calendar/recompute")
    numbers = stage.count("caseevent"), stage.count("auditentry")
    assert "无需调整" in html.unescape(browser.get("/calendar/recompute").text)
    answer = browser.post("/calendar/recompute")
    assert answer.status_code == 302
    assert (stage.count("caseevent"), stage.count("auditentry")) == numbers


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        (CaseStatus.SUSPENDED, {}),
        (CaseStatus.CLOSED, {"closed_at": datetime(2026, 7, 16, tzinfo=UTC)}),
        (CaseStatus.VOIDED, {"closed_at": datetime(2026, 7, 16, tzinfo=UTC)}),
        (CaseStatus.HANDLING, {"historic": True}),
        (CaseStatus.HANDLING, {"item_snapshot": None}),
        (CaseStatus.HANDLING, {"due_at": None}),
    ],
)
def test_cases_whose_clock_does_not_run_stay(stage: Stage, status: CaseStatus, changed: dict[str, Any]) -> None:
    id_ = accepted(stage, status, **changed)
    due = stored(stage, id_).due_at
    day(stage, date(2026, 7, 17), is_work=False)
    stage.browse("office").post("/calendar/recompute")
    assert stored(stage, id_).due_at == due


def test_the_limit_is_the_one_that_the_case_was_accepted_with(stage: Stage) -> None:
    id_ = accepted(stage)
    with stage.session() as session:
        session.get_one(models.ChecklistItem, stage.inside["checklistitem"]).limit_value = 9
    day(stage, date(2026, 7, 17), is_work=False)
    stage.browse("office").post("/calendar/recompute")
    assert stored(stage, id_).due_at == MONDAY + timedelta(days=1)


@pytest.mark.database
def test_limits_in_hours_follow_as_well(stage: Stage) -> None:
    hours = {"limit_value": 9, "limit_unit": LimitUnit.OFFICE_HOUR}
    clock = {"limit_value": 30, "limit_unit": LimitUnit.CLOCK_HOUR}
    ids = {}
    for name, limit in (("office", hours), ("clock", clock)):
        with stage.session() as session:
            item = session.get_one(models.ChecklistItem, stage.inside["checklistitem"])
            for attr, value in limit.items():
                setattr(item, attr, value)
        ids[name] = accepted(stage)
    before = {name: stored(stage, id_).due_at for name, id_ in ids.items()}
    day(stage, date(2026, 7, 16), is_work=False)
    stage.browse("office").post("/calendar/recompute")
    after = {name: stored(stage, id_).due_at for name, id_ in ids.items()}
    assert before["office"] is not None
    assert after == {"office": before["office"] + timedelta(days=1), "clock": before["clock"]}


@pytest.mark.database
def test_the_statements_do_not_grow_with_the_cases(stage: Stage) -> None:
    numbers = []
    for more, off in ((3, date(2026, 7, 17)), (40, date(2026, 7, 20))):
        for _time in range(more):
            accepted(stage)
        day(stage, off, is_work=False)
        with stage.session() as session, counted(session.get_bind()) as sent:
            assert recompute.recompute(session) >= more
        numbers.append(len(sent))
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 12


@pytest.mark.database
def test_a_case_that_somebody_works_on_meanwhile_stops_it_all(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = accepted(stage), accepted(stage)
    day(stage, date(2026, 7, 17), is_work=False)
    plain = recompute.moved_deadlines

    def overtaken(*args: Any) -> list[recompute.MovedDeadline]:
        found = plain(*args)
        table = models.Case.__table__
        args[0].connection().execute(sa.update(table).where(table.c.id == second).values(version=table.c.version + 1))
        return found

    browser = stage.browse("office")
    monkeypatch.setattr("bureau.cases.recompute.moved_deadlines", overtaken)
    assert browser.post("/calendar/recompute").status_code == 302
    monkeypatch.undo()
    assert stored(stage, first).due_at == MONDAY
    assert "请重试" in html.unescape(browser.get("/calendar").text)


# Lights and the banner.


@pytest.mark.parametrize(
    ("moment", "light", "words"),
    [
        ("2026-07-15 11:00", "g", "07-20 17:30"),
        ("2026-07-17 09:00", "g", "07-20 17:30"),
        ("2026-07-19 23:00", "g", "明天 17:30"),
        ("2026-07-20 08:00", "y", "今天 17:30"),
        ("2026-07-20 17:29", "y", "今天 17:30"),
        ("2026-07-20 17:50", "r", "已逾期 20 分钟"),
        ("2026-07-20 20:00", "r", "已逾期 2 小时"),
        ("2026-07-22 09:00", "r", "已逾期 2 个工作日"),
    ],
)
def test_a_deadline_is_a_light_with_words(stage: Stage, moment: str, light: str, words: str) -> None:
    id_ = accepted(stage, CaseStatus.REFERRED)
    with time_machine.travel(at(moment), tick=False), stage.app.test_request_context():
        found = due_cell(stored(stage, id_))
    assert (found.light, found.text) == (light, words)
    assert found.tone is None


@pytest.mark.parametrize(
    ("status", "closed", "light", "words"),
    [
        (CaseStatus.CLOSED, datetime(2026, 7, 20, 9, 30, tzinfo=UTC), "g", "按期"),
        (CaseStatus.CLOSED, datetime(2026, 7, 20, 9, 31, tzinfo=UTC), "r", "逾期"),
        (CaseStatus.VOIDED, None, None, ""),
        (CaseStatus.REPORTED, None, "g", "受理：明天 17:30 前"),
    ],
)
def test_what_has_ended_was_in_time_or_late(
    stage: Stage, status: CaseStatus, closed: datetime | None, light: str | None, words: str
) -> None:
    changed: dict[str, Any] = {"closed_at": closed}
    if status is CaseStatus.REPORTED:
        changed |= {"due_at": None}
    id_ = accepted(stage, status, **changed)
    with stage.app.test_request_context():
        found = due_cell(stored(stage, id_))
    assert (found.light, found.text) == (light, words)


BANNER = "年工作日历尚未载入"


def enter(stage: Stage) -> Browser:
    """The office logs in months after the district was made, with passwords that are kept for good."""
    with stage.session() as session:
        settings.put(session, "password_days", 0)
    browser = stage.visitor()
    assert browser.log_in("office").location == "/"
    return browser


@pytest.mark.framed
@pytest.mark.parametrize(
    ("moment", "year"),
    [
        ("2026-07-15 10:00", None),
        ("2026-11-30 23:00", None),
        ("2026-12-01 00:30", 2027),
        ("2027-01-04 09:00", 2027),
    ],
)
def test_a_year_that_is_not_loaded_is_told_on_every_page(stage: Stage, moment: str, year: int | None) -> None:
    with time_machine.travel(at(moment)):
        browser = enter(stage)
        for address in ("/", "/admin/case/", "/calendar"):
            page = html.unescape(browser.get(address).text)
            assert (BANNER in page) is (year is not None)
            assert year is None or f"{year} {BANNER}" in page


def test_in_a_year_that_is_not_loaded_monday_to_friday_count(stage: Stage) -> None:
    """1 January 2027 is a Friday: without a notice it counts, with one it doesn't."""
    with time_machine.travel(datetime(2026, 12, 30, 10, 0, tzinfo=ZONE)):
        id_ = accepted(stage)
        assert stored(stage, id_).due_at == datetime(2027, 1, 4, 17, 30, tzinfo=ZONE)
        day(stage, date(2027, 1, 1), is_work=False, name="元旦")
        browser = enter(stage)
        browser.post("/calendar/recompute")
        assert stored(stage, id_).due_at == datetime(2027, 1, 5, 17, 30, tzinfo=ZONE)
        assert BANNER not in html.unescape(browser.get("/").text)


def test_office_hours_that_changed_are_taken_as_well(stage: Stage) -> None:
    id_ = accepted(stage)
    with stage.session() as session:
        settings.put(session, "office_hours", "09:00-12:00, 13:00-17:00")
    stage.browse("office").post("/calendar/recompute")
    assert stored(stage, id_).due_at == MONDAY - timedelta(minutes=30)
