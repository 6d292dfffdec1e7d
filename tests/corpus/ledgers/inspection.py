"""The petitions that an inspection of the environment hands down: long texts, whether founded, whether completed."""

from __future__ import annotations

from models import Outcome
from tests.corpus.ledgers.cases import CASES
from tests.corpus.sheets import Form, Sheet

HEADER = (
    "序号",
    "受理编号",
    "受理时间",
    "行政区域",
    "社区",
    "具体位置",
    "污染类型",
    "问题描述",
    "调查核实情况",
    "是否属实",
)
RESULT = ("处理结果", "是否办结", "办结时间", "责任人被处理情况")


def form() -> Form:
    sheet = Sheet("边督边改")
    sheet.title("群众信访举报转办和边督边改公开情况一览表（第三批）", 14)
    sheet.line("2026年6月30日")
    sheet.line(*HEADER, *RESULT)
    for number, case in enumerate(CASES, 1):
        founded = case.outcome is not Outcome.UNFOUNDED
        row = sheet.line(
            number,
            f"X3ZJ2026{case.accepted:%m%d}{number:04}",
            case.accepted.date(),
            "南湖区",
            case.community,
            case.place,
            "大气" if "油烟" in case.description else "其他污染",
            f"1.{case.description}。\n2.要求尽快处理。",
            f"经查，{case.place}位于{case.community}，{'情况属实' if founded else '未发现该问题'}。",
            "属实" if founded else "不属实",
            case.result,
            "已办结",
            case.closed,
            "无",
        )
        description = f"1.{case.description}。\n2.要求尽快处理。"
        truth = {**case.values("closed", "place", "result"), "description": description}
        sheet.true(row, {**truth, "accepted": case.accepted.date()})
    sheet.line("注：带“*”号为督察组重点关注信访件。")
    return Form("case", [sheet])
