"""Which rows below a header are no data: told by their words and by their shape, and each named with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.imports.layout import footers
from panel.imports.layout.footers import Reason
from tests.engine.test_columns import lines

N = None
ROSTER = ("社区", "姓名", "手机")
CASES = ("问题描述", "社区", "上报时间")

FOOTERS: list[tuple[Sequence[Any], Reason]] = [
    (("合计", N, N), Reason.TOTAL),
    (("合 计：", N, "15人"), Reason.TOTAL),
    ((N, "总计", 15), Reason.TOTAL),
    (("总计数", 15, N), Reason.TOTAL),
    (("合计人数", 15, N), Reason.TOTAL),
    (("合计（人）", N, 15), Reason.TOTAL),
    (("总计15户，32人", N, N), Reason.COUNT),
    (("城东街道小计", "3人", N), Reason.SUBTOTAL),
    (("本页小计", 3, N), Reason.SUBTOTAL),
    (("合计：15人", N, N), Reason.COUNT),
    (("共2人", N, N), Reason.COUNT),
    (("在任 12 人，空缺 3 人，本月离任 1 人", N, N), Reason.COUNT),
    (("以上共计十二人", N, N), Reason.COUNT),
    (("共12人，其中男5人，女7人", N, N), Reason.COUNT),
    (("主要领导签字：", N, N), Reason.SIGNATURE),
    (("分管领导：张三    经办人：李四", N, N), Reason.SIGNATURE),
    (("填表人：", "张三", N), Reason.SIGNATURE),
    (("制 表 人：", N, "负责人（签字）："), Reason.SIGNATURE),
    (("填表人：张三", "审核人：李四", "2026年5月1日"), Reason.SIGNATURE),
    (("（公章）", N, N), Reason.SIGNATURE),
    (("单位（盖章）", N, N), Reason.UNIT),
    (("填报单位：城东街道", N, "填报日期：2026.5.1"), Reason.UNIT),
    (("2026年5月1日", N, N), Reason.DATE),
    ((N, N, "二〇二六年五月一日"), Reason.DATE),
    (("报送时间：2026年5月", N, N), Reason.DATE),
    (("    年  月  日", N, N), Reason.DATE),
    (("第1页 共2页", N, N), Reason.PAGE),
    (("（续表）", N, N), Reason.PAGE),
    (("接上页", N, N), Reason.PAGE),
    (("以下空白", N, N), Reason.PAGE),
    (("— 1 —", N, N), Reason.PAGE),
    (("Page 1/2", N, N), Reason.PAGE),
    (("——完——", N, N), Reason.PAGE),
    (("打印时间：2026-05-01 10:00", N, N), Reason.DATE),
    (("社区意见（盖章）：", N, N), Reason.SIGNATURE),
    (("领导批示：", N, N), Reason.SIGNATURE),
    (("联系人：张三  联系电话：13800000000", N, N), Reason.SIGNATURE),
    (("本表一式两份", N, N), Reason.NOTE),
    (("以上情况属实", N, N), Reason.NOTE),
    (("注：如有变动请及时上报", N, N), Reason.NOTE),
    (("填表说明", N, N), Reason.NOTE),
    (("注1、本表一式两份", N, N), Reason.NOTE),
    (("导出编号：X1", N, N), Reason.EXPORT),
    (("示例：东栅社区", "张三", "13800000000"), Reason.EXAMPLE),
]


@pytest.mark.parametrize(("row", "reason"), FOOTERS, ids=str)
def test_a_footer_is_left_out_with_its_reason(row: Sequence[Any], reason: Reason) -> None:
    data = ("东栅社区", "邵翠芳", "13800000001")
    assert lines("liaison", ROSTER, data, row) == (["Sheet1!2"], {3: reason.value.msgid})


@pytest.mark.parametrize(
    "text", ["*联络员须为在编人员", "1.手机请填写11位", "（1）每月报送", "※ 变动须备案", "一、请勿改动格式"]
)
def test_a_numbered_line_alone_is_a_note(text: str) -> None:
    assert lines("liaison", ROSTER, (text, N, N)) == ([], {2: "numbered note"})


@pytest.mark.parametrize(
    "text",
    [
        "累计3次反映楼道堆物",
        "共计(5辆)僵尸车占位",
        "总数:5辆",
        "备注:居民来电反映",
        "说明：居民反映夜间施工",
        "单位：某餐饮店油烟扰民",
        "联系人：王某反映噪声",
        "合计3户养鸡",
        "负责人：店主李某店外经营",
        "1.楼道堆物",
        "第3页",
        "共2人打架",
        "2026年5月1日",
    ],
)
def test_a_row_that_begins_like_a_footer_is_data_if_it_has_all_that_a_row_needs(text: str) -> None:
    assert lines("case", CASES, (text, "东栅社区", "2026-05-03")) == (["Sheet1!2"], {})


@pytest.mark.parametrize("text", ["说明：居民反映夜间施工", "备注:居民来电反映", "合计3户养鸡", "1.楼道堆物"])
def test_such_a_row_without_its_community_is_data_too_and_fails_there(text: str) -> None:
    assert lines("case", CASES, (text, N, "2026-05-03")) == (["Sheet1!2"], {})


def test_words_and_numbers_beside_a_total_belong_to_it() -> None:
    labels = ("序号", "社区", "问题描述", "处理结果", "来源")
    data = (1, "东栅社区", "楼道堆物", "已清理", "12345")
    row = ("合计", "受理", 12, "结案", 9)
    assert lines("case", labels, data, row) == (["Sheet1!2"], {3: "total"})


def test_a_numbered_name_in_a_list_of_names_is_data() -> None:
    rows = (("街道名称",), ("1.城东街道",), ("2.城西街道",), ("注：请核对",))
    assert lines("street", *rows) == (["Sheet1!2", "Sheet1!3"], {4: "note"})


def test_a_row_with_nothing_that_is_read_is_named() -> None:
    labels = ("序号", "社区", "姓名", "微信号")
    rows = ((1, "东栅社区", "邵翠芳", "zs"), (2, N, N, N), (3, N, N, "离职"))
    assert lines("liaison", labels, *rows) == (["Sheet1!2"], {4: "nothing in a column that is read"})


@given(
    st.sampled_from([row for row, _reason in FOOTERS]),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=4),
)
def test_no_footer_hides_a_row_with_community_and_name(row: Sequence[Any], name: str) -> None:
    """Whatever stands in the remark, a row with all that it needs is data."""
    if footers.kind_of(name) is not None:
        return
    remark = next(cell for cell in row if cell is not None)
    places, left_out = lines("liaison", (*ROSTER, "备注"), ("东栅社区", name, N, remark))
    assert (places, left_out) == (["Sheet1!2"], {})
