"""The file of a case (案卷): its papers in order, the reader's scope, rights and masks, and its entry in the export
log."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa

import models
from models import CaseStatus
from panel.exports.records import ExportFormat, ExportLog
from panel.security.policy import Permission
from tests import factories
from tests.factories import ROLE_NAMES, Stage, granted
from tests.steps import new_case

ORDER = [
    "案件登记表",
    "流转记录",
    "照片与文件",
    "案件移送函",
    "移送办理情况",
    "调解当事人权利义务告知书",
    "调解笔录（第 1 场）",
    "反馈回访",
]


def picture(stage: Stage, id_: int, mark: str = "a") -> None:
    with stage.session() as session:
        session.add(
            models.Attachment(
                case_id=id_,
                phase=models.AttachmentPhase.BEFORE,
                file_name="现场.jpg",
                media_type="image/jpeg",
                size=1,
                sha256=mark * 64,
                added_by="沈建平",
            )
        )


def shown(stage: Stage, role: str, id_: int) -> str:
    answer = stage.browse(role).get(f"/cases/{id_}/file")
    assert answer.status_code == 200
    return html.unescape(answer.text)


def titles(page: str) -> list[str]:
    return re.findall(r"<h1>(.*?)</h1>", page)


def logged(stage: Stage) -> list[ExportLog]:
    with stage.session() as session:
        return list(session.scalars(sa.select(ExportLog).order_by(ExportLog.id)))


def test_everything_stands_in_it_in_order(stage: Stage) -> None:
    id_ = stage.inside["case"]
    picture(stage, id_)
    page = shown(stage, "office", id_)
    case_no = stage.get("case", id_).case_no
    assert titles(page) == ["案卷", "卷内目录", *ORDER]
    for words in (
        case_no,
        "居民在楼下养鸡",
        "上门劝导",
        "48.5",
        "等待部门",
        "请协助处理",
        "双方各自陈述",
        "已告知",
        "张*",
    ):
        assert words in page, words
    assert "张三" not in page
    assert "13712345678" not in page
    assert re.search(r'<img src="/attachments/\d+" alt="现场.jpg', page)
    listed = re.search(r"卷内目录</h1>.*?<tbody>(.*?)</tbody>", page, re.S)
    assert listed is not None
    assert [row[2] for row in (re.findall(r"<td>(.*?)</td>", row) for row in listed[1].split("</tr>")[:-1])] == ORDER


def test_who_opens_it_stands_in_the_export_log(stage: Stage) -> None:
    before = len(logged(stage))
    page = shown(stage, "officer", stage.inside["case"])
    (entry,) = logged(stage)[before:]
    assert (entry.table_name, entry.format, entry.clear, entry.row_count) == ("case", ExportFormat.PRINT, False, 1)
    assert entry.actor_id == stage.district.users["officer"]
    assert stage.get("case", stage.inside["case"]).case_no in (entry.filter or "")
    assert "案件登记表" in entry.columns
    assert entry.number in page


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_it_opens_for_who_reads_cases_in_their_area(standing: Stage, role: str) -> None:
    allowed = granted(role, Permission.READ, "case")
    before = len(logged(standing))
    browser = standing.browse(role)
    assert browser.get(f"/cases/{standing.inside['case']}/file").status_code == (200 if allowed else 403)
    everywhere = role in ("office", "viewer")
    outside = browser.get(f"/cases/{standing.outside['case']}/file").status_code
    assert outside == ((200 if everywhere else 404) if allowed else 403)
    assert len(logged(standing)) - before == allowed + everywhere
    assert browser.get("/cases/999999/file").status_code == (404 if allowed else 403)


def test_what_the_reader_may_not_see_is_left_out_and_said(standing: Stage) -> None:
    page = shown(standing, "liaison", standing.inside["case"])
    assert "上门劝导" not in page
    assert "48.5" not in page
    assert re.search("未列入：[^。]*处置记录", page)
    assert re.search("未列入：[^。]*检测", page)
    assert "未列入" not in shown(standing, "office", standing.inside["case"])


def test_a_case_just_reported_has_a_file_too(standing: Stage) -> None:
    page = shown(standing, "office", new_case(standing, CaseStatus.REPORTED))
    assert titles(page) == ["案卷", "卷内目录", "案件登记表", "流转记录"]


def test_rows_cost_no_statements(stage: Stage) -> None:
    id_ = stage.inside["case"]
    costs = []
    with stage.app.app_context():
        engine = stage.panel.db.engine
    for _round in range(3):
        with factories.counted(engine) as sent:
            shown(stage, "office", id_)
        costs.append(len(list(sent)))
        for n in range(6):
            picture(stage, id_, str(n))
            stage.add("action", case_id=id_, kind=models.ActionKind.EDUCATION, officer_id=stage.inside["officer"])
            stage.add("feedback", case_id=id_, target=models.FeedbackTarget.LIAISON, content=f"第{n}次")
            stage.add("caseparty", case_id=id_, name=f"某{n}人")
    assert costs[1] == costs[2] <= 26  # the first one logs in


def test_the_page_of_a_case_leads_to_it(standing: Stage) -> None:
    id_ = standing.inside["case"]
    assert f"/cases/{id_}/file" in standing.browse("liaison").get(f"/admin/case/details/?id={id_}").text


def test_a_handler_prints_the_papers_of_a_case_from_another_squads_community(stage: Stage) -> None:
    id_, officer = stage.inside["case"], stage.inside["officer"]
    with stage.session() as session:
        table = models.Case.__table__
        values = {"community_id": stage.outside["community"], "handler_id": officer}
        session.execute(sa.update(table).where(table.c.id == id_).values(values))
    page = shown(stage, "officer", id_)
    assert "案件移送函" in titles(page)
    assert stage.get("community", stage.outside["community"]).name not in page
    for address in ("referral/slip", "mediation/paper"):
        table = address.partition("/")[0]
        assert stage.browse("officer").get(f"/admin/{address}/?id={stage.inside[table]}").status_code < 500
