"""Registers as people print them: what stands in them, who may take them along, and that the roster comes back in."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import Workbook, load_workbook

import models
from bureau.calendar.month import Month
from bureau.printing import pen as printing
from bureau.registers import referrals, registers
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from models import ReferralStatus
from panel.imports import batches
from panel.imports.batches import File
from panel.imports.plans import Options, Outcome
from panel.kinds import now, today
from panel.security.records import AuditEntry
from tests.conftest import clock
from tests.factories import ROLE_NAMES, Stage, counted
from tests.ledgers import MAY, Course, local, make

HEADERS = {
    "referrals": "序号 文书号 案件编号 移送日期 类型 协同部门 社区 事项 协同事项 应签收 签收 应反馈 反馈 "
    "反馈内容/退回原因 联合行动日期 状态 备注",
    "roster": "序号 街道 社区 姓名 性别 职务 手机 办公电话 联居队员 起始时间 备注",
}
DAY = date(2026, 5, 1)


def written(stage: Stage, name: str, *roles: str, street: int | None = None, day: date = DAY) -> Any:
    """The sheet of a register, as the accounts of these roles get it, or as the system."""
    return load_workbook(BytesIO(content(stage, name, *roles, street=street, day=day))).active


def content(stage: Stage, name: str, *roles: str, street: int | None = None, day: date = DAY) -> bytes:
    with stage.acting(*roles) if roles else stage.session() as session:
        wanted = registers.checked_params(session, MAY, None, day, street)
        return workbook.make(session, REGISTERS[name], wanted).content


def lines(sheet: Any) -> list[list[Any]]:
    """The rows of a table, between its header and its total."""
    found = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    return found[: next(i for i, row in enumerate(found) if row[0] == "合计")]


@pytest.fixture(scope="module")
def filled(growing: Stage) -> Stage:
    """Three referrals of May, of which one is answered late and one waits too long; a street with three communities."""
    with clock(), growing.session() as session:
        police = growing.inside["department"]
        fire = models.Department(name="消防救援")
        session.add(fire)
        session.flush()
        first, second = (make_in(growing, session, f"05-0{n} 09:00") for n in (4, 5))
        send(
            session,
            first,
            police,
            "05-06 09:00",
            "移字1号",
            signed_at=local("05-07 09:00"),
            replied_at=local("06-30 09:00"),
            joint_on=date(2026, 5, 20),
            joint_members="交警大队、社区",
            quantity=3,
            quantity_unit="个车位",
        )
        send(session, second, fire.id, "05-08 09:00", "=1+1")
        send(session, first, fire.id, "05-31 23:59", "移字3号", return_reason="不属本部门职责")
        send(session, second, police, "06-01 00:00", "移字4号")
        east = session.get_one(models.Street, growing.inside["street"])
        for name in ("百花社区", "长水社区"):
            community = models.Community(name=name, street=east, squad_id=growing.inside["squad"])
            session.add(community)
            session.flush()
            if name == "百花社区":
                session.add(
                    models.Liaison(
                        name="陆小凤",
                        gender=models.Gender.FEMALE,
                        community=community,
                        post="社区副主任",
                        mobile="13700001234",
                        telephone="0573-82811234",
                        start_on=date(2026, 3, 1),
                        note="兼网格长",
                    )
                )
    return growing


def make_in(stage: Stage, session: Any, accepted: str) -> int:
    session.commit()
    return make(stage, Course(accepted))


def send(session: Any, case: int, department: int, at: str, number: str, **values: Any) -> None:
    sent = local(at)
    status = ReferralStatus.SENT
    if "replied_at" in values:
        status, values["reply"] = ReferralStatus.REPLIED, "已清拖"
    elif "return_reason" in values:
        status = ReferralStatus.RETURNED
    session.add(
        models.Referral(
            case_id=case,
            department_id=department,
            document_no=number,
            sent_at=sent,
            request=values.pop("request", "请协助处理"),
            sign_due_at=sent + timedelta(days=2),
            reply_due_at=sent + timedelta(days=14),
            status=status,
            **values,
        )
    )
    session.flush()


@pytest.mark.database
def test_the_register_of_referrals_tells_what_is_overdue(filled: Stage) -> None:
    sheet = written(filled, "referrals")
    assert [cell.value for cell in sheet[3]] == HEADERS["referrals"].split()
    rows = lines(sheet)
    assert [row[1] for row in rows] == ["移字1号", "=1+1", "移字3号"]
    assert [row[-1] for row in rows] == ["反馈逾期", "签收逾期、反馈逾期", None]
    answer = "已清拖；参加单位：交警大队、社区；成果：3 个车位"
    assert [row[13] for row in rows] == [answer, None, "不属本部门职责"]
    assert sheet.cell(4, 12).font.bold
    assert not sheet.cell(4, 10).font.bold
    assert sheet.cell(5, 2).data_type == "s"
    total = next(row for row in sheet.iter_rows(min_row=4) if row[0].value == "合计")
    assert total[2].value == "移送 3 件　已签收 1 件　已反馈 1 件　退回 1 件　逾期 2 件"


def test_the_register_of_referrals_names_nobody_who_complained(filled: Stage) -> None:
    with filled.session() as session:
        case, police = filled.inside["case"], filled.inside["department"]
        asked = {"request": "请联系张三，电话13712345678，共同清理"}
        joint = {"joint_on": date(2026, 3, 6), "joint_members": "社区、张三"}
        send(session, case, police, "03-05 09:00", "移字9号", **asked, **joint, replied_at=local("03-06 09:00"))
        row = referrals.referrals(session, march := Month.parse("2026-03"), march)[0]
    assert row.request == "请联系某居民，电话（号码略），共同清理"
    assert row.joint_members == "社区、某居民"


def test_a_period_may_be_longer_than_a_month(filled: Stage) -> None:
    with filled.session() as session:
        made = workbook.make(
            session, REGISTERS["referrals"], registers.checked_params(session, MAY, Month(2026, 6), None, None)
        )
    assert made.rows == 4
    assert made.name.endswith("移送台账2026年5月至6月.xlsx")


@pytest.mark.database
def test_the_roster_is_grouped_by_street(filled: Stage) -> None:
    sheet = written(filled, "roster")
    assert [cell.value for cell in sheet[3]] == HEADERS["roster"].split()
    rows = lines(sheet)
    assert [row[1:4] for row in rows] == [
        ["城东街道", "百花社区", "陆小凤"],
        [None, "东栅社区", "胡秀珍"],
        ["城西街道", "西马桥社区", "马晓燕"],
    ]
    assert "B4:B5" in {str(area) for area in sheet.merged_cells.ranges}
    assert rows[0][4:] == ["女", "社区副主任", "137****1234", "****1234", None, rows[0][9], "兼网格长"]
    assert rows[0][9].date() == date(2026, 3, 1)
    text = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
    assert "注：尚无联络员的社区：长水社区" in text
    assert [row[2:4] for row in lines(written(filled, "roster", day=date(2026, 2, 1)))] == [
        ["东栅社区", "胡秀珍"],
        ["西马桥社区", "马晓燕"],
    ]


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_is_set_up_for_printing(filled: Stage, name: str) -> None:
    sheet = written(filled, name)
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert (int(sheet.page_setup.fitToWidth), int(sheet.page_setup.fitToHeight)) == (1, 0)
    assert sheet.print_title_rows == "$1:$3"
    assert sheet.oddFooter.center.text == "第 &P 页/共 &N 页"
    assert sheet["A1"].value.startswith(REGISTERS[name].title)
    assert [c.value for c in sheet[sheet.max_row] if c.value] == ["制表人：", "审核人：", "负责人（签字）："]
    assert [c for row in sheet.iter_rows() for c in row if c.data_type == "f" or c.value == ""] == []


@pytest.mark.parametrize("role", ["office", "leader", ""])
def test_the_printed_roster_comes_back_in_unchanged(filled: Stage, role: str) -> None:
    """Also where its numbers are masked."""
    file = File("花名册.xlsx", content(filled, "roster", *filter(None, [role])))
    with filled.session() as session:
        plan = batches.plan(session, models.Liaison, file, Options(), filled.panel.registry)
    assert plan.warnings == []
    assert [row.outcome for row in plan.rows] == [Outcome.UNCHANGED] * (2 if role == "leader" else 3)


def test_a_substitute_stands_in_the_same_row_and_comes_back_unchanged(stage: Stage) -> None:
    with stage.session() as session:
        stand_in = models.Officer(name="钱小明", squad_id=stage.inside["squad"])
        session.add(stand_in)
        session.flush()
        term = {"start_on": date(2026, 1, 1), "end_on": date(2099, 12, 31), "substitute": True}
        session.add(models.Assignment(community_id=stage.inside["community"], officer_id=stand_in.id, **term))
    assert lines(written(stage, "roster", day=today()))[0][8] == "沈建平、钱小明"
    with stage.session() as session:
        file = File("花名册.xlsx", content(stage, "roster", day=today()))
        plan = batches.plan(session, models.Liaison, file, Options(), stage.panel.registry)
    assert (plan.warnings, {row.outcome for row in plan.rows}) == ([], {Outcome.UNCHANGED})
    assert not any(row.notes or row.adds for row in plan.rows)


def test_ones_own_area_is_printed_and_no_more(filled: Stage) -> None:
    assert {row[3] for row in lines(written(filled, "roster", "leader"))} == {"陆小凤", "胡秀珍"}
    assert lines(written(filled, "roster", "office", street=filled.outside["street"]))[0][6] == "13900002222"
    assert lines(written(filled, "referrals", "office", street=filled.outside["street"])) == []


@pytest.mark.framed
@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_may_take_it_along(filled: Stage, role: str) -> None:
    browser, allowed = filled.browse(role), role in {"office", "leader"}
    for name in REGISTERS:
        assert browser.get(f"/registers?name={name}&month=2026-05").status_code == (200 if allowed else 403)
        assert browser.get(f"/registers/file?name={name}&month=2026-05").status_code == (200 if allowed else 403)
    assert ("/registers" in browser.menu()) is allowed


def test_the_page_shows_what_the_file_holds_and_the_trail_tells_who_took_it(filled: Stage) -> None:
    office = filled.browse("office")
    page = office.get("/registers?name=referrals&month=2026-05&until=2026-05").text
    assert "移字1号" in page
    assert "反馈逾期" in page
    before = filled.count("auditentry")
    sent = office.get("/registers/file?name=referrals&month=2026-05")
    assert load_workbook(BytesIO(sent.data)).sheetnames == ["移送台账"]
    with filled.session() as session:
        last = session.execute(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).scalar_one()
    assert filled.count("auditentry") == before + 1
    assert (last.actor_name, last.table_name) == ("office", "referral")
    assert "移送台账2026年5月，3 行" in last.note


@pytest.mark.parametrize(
    ("address", "status"),
    [("?name=nothing", 404), ("?month=2026-13", 404), ("?street=99999", 403), ("?street=x", 404), ("?on=x", 404)],
)
def test_what_makes_no_sense_is_refused(filled: Stage, address: str, status: int) -> None:
    assert filled.browse("office").get(f"/registers{address}").status_code in {status, 404}
    page = filled.browse("office").get("/registers?month=2026-05&until=2026-04", follow_redirects=True)
    assert "结束月份早于开始月份" in page.text


@pytest.mark.database
def test_its_statements_do_not_grow_with_its_rows(filled: Stage) -> None:
    with filled.session() as session:
        engine = session.get_bind()
        for name, most in (("referrals", 4), ("roster", 4)):
            with counted(engine) as sent:
                workbook.make(session, REGISTERS[name], registers.checked_params(session, MAY, None, DAY, None))
            assert len(sent) <= most


def test_the_command_takes_the_same_path(filled: Stage, tmp_path: Path) -> None:
    runner, out = filled.app.test_cli_runner(), tmp_path / "r.xlsx"
    done = runner.invoke(args=["register", "roster", "--on", "2026-05-01", "--street", "城东街道", "-o", str(out)])
    assert done.exit_code == 0, done.stderr
    assert [row[3] for row in lines(load_workbook(out).active)] == ["陆小凤", "胡秀珍"]
    for wrong in (["roster", "--street", "无"], ["referrals", "--month", "x"], ["roster", "--as", "viewer"]):
        failed = runner.invoke(args=["register", *wrong, "-o", str(tmp_path / "n.xlsx")])
        assert failed.exit_code == 1
        assert failed.stderr.strip()
        assert "Traceback" not in failed.output
    assert not (tmp_path / "n.xlsx").exists()


def test_the_day_of_a_roster_is_today_if_nothing_is_said(filled: Stage) -> None:
    with filled.session() as session:
        assert registers.checked_params(session, MAY, None, None, None).day == now().date()


@pytest.mark.parametrize(
    ("widths", "ends"),
    [([5, 26, 15, 11, 11, 82], (1, 4, 5)), ([10] * 9, (2, 5, 8)), ([40, 1, 1], (0, 1, 2))],
)
def test_what_stands_above_a_table_has_room_however_broad_its_columns_are(
    widths: list[float], ends: tuple[int, ...]
) -> None:
    pen = printing.Pen(Workbook(write_only=True), "x", widths, header_rows=3)
    assert tuple(last for _first, last, _value in pen.thirds(["甲", "乙", "丙"])) == ends
