"""调解台账: what was mediated in a month, as it is printed, with nobody's name in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

import models
from bureau.calendar.month import Month
from bureau.registers import registers
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from models import Force
from panel.kinds import ZONE, today
from tests import steps
from tests.factories import Stage, counted

MAY = Month(2026, 5)
HEADER = "序号 编号 受理日期 来源 甲方 乙方 纠纷类型 简要情况 场次/日期 调解员 结果 协议形式 履行期限/情况 回访 备注"


def mediation(stage: Stage, day: int, **given: Any) -> None:
    """A mediation of a case inside, begun on that day of May."""
    case = steps.new_case(stage)
    with stage.session() as session:
        made = models.Mediation(
            mediation_no=f"TJ-2026-0001{day:02}",
            case_id=case,
            party_a="欧阳文静",
            party_b="司徒建国",
            kind=models.DisputeKind.NOISE,
            dispute="欧阳文静称外机吵，李四也在场，电话13712340000",
            started_at=datetime(2026, 5, day, 9, 0, tzinfo=ZONE),
            **given,
        )
        session.add(made)
        session.flush()
        for n in (1, 2):
            held = models.MediationSession(
                mediation=made, minutes="陈述", held_at=datetime(2026, 5, day + n, 9, 0, tzinfo=ZONE)
            )
            session.add(held)
            session.add(models.MediationMember(session=held, force=Force.MEDIATOR, name="周阿姨"))
            session.flush()


@pytest.fixture
def filled(stage: Stage) -> Stage:
    agreed = {"status": models.MediationStatus.AGREED, "agreement": "司徒建国移机", "ended_at": None}
    form = {"agreement_form": models.AgreementForm.WRITTEN}
    kept = {"performance": models.Performance.PERFORMED, "followed_on": today(), "follow_up": "欧阳文静满意"}
    due = {"performance": models.Performance.PENDING, "perform_by": today() - timedelta(1)}
    failed = {
        "status": models.MediationStatus.FAILED,
        "ended_by": models.EndedBy.PARTY_B,
        "remedies": "可起诉，李四13712340000愿作证",
    }
    mediation(stage, 1)
    mediation(stage, 5, **agreed, **form, **kept, perform_by=today())
    mediation(stage, 9, **agreed, **form, **due)
    mediation(stage, 20, **failed)
    return stage


def rows(stage: Stage, role: str = "office", street: int | None = None) -> list[list[Any]]:
    with stage.acting(role) as session:
        wanted = registers.checked_params(session, MAY, None, None, street)
        made = workbook.make(session, REGISTERS["mediations"], wanted)
    sheet: Any = load_workbook(BytesIO(made.content)).active
    assert " ".join(str(cell.value) for cell in sheet[3]) == HEADER
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]


def test_it_tells_of_each_mediation_and_names_nobody(filled: Stage) -> None:
    found = rows(filled)
    said = str(found)
    for name in ("欧阳文静", "司徒建国", "李四", "13712340000"):
        assert name not in said
    numbers = [row[1] for row in found[:4]]
    assert numbers == [f"TJ-2026-0001{day:02}" for day in (1, 5, 9, 20)]
    kept = found[1]
    assert (kept[4], kept[5], kept[6]) == ("欧*", "司*", "噪声")
    assert kept[7].startswith("甲方称外机吵")
    assert kept[8] == "1. 2026-05-06\n2. 2026-05-07"
    assert kept[9] == "周阿姨（老娘舅）"
    assert kept[10] == "达成协议；乙方移机"
    assert kept[12] == f"{today()} 已履行"
    assert kept[13] == f"{today()} 甲方满意"
    assert found[3][10] == "未达成协议；终止方：乙方；可起诉，某居民（号码略）愿作证"
    assert "受理 4 件" in str(found[4])
    assert "达成协议 2 件" in str(found[4])


def test_it_keeps_to_ones_area_and_to_a_street(filled: Stage) -> None:
    assert len([row for row in rows(filled, "leader") if str(row[1]).startswith("TJ-")]) == 4
    outside = rows(filled, street=filled.outside["street"])
    assert not [row for row in outside if str(row[1]).startswith("TJ-")]


def test_its_statements_do_not_grow_with_its_rows(filled: Stage) -> None:
    with filled.app.app_context():
        engine = filled.panel.db.engine
    found = []
    for day in (22, 25):
        mediation(filled, day)
        with filled.session() as session, counted(engine) as sent:
            held = registers.fill(
                session, REGISTERS["mediations"], registers.checked_params(session, MAY, None, None, None)
            )
        found.append((len(held.rows), len(sent)))
    assert [rows for rows, _sent in found] == [5, 6]
    assert found[0][1] == found[1][1] <= 7
