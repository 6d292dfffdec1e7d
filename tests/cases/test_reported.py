"""The liaison's page: what I reported, where it is, what came back."""

from __future__ import annotations

import html

from models import Case, CaseStatus, Source
from tests import steps
from tests.factories import Stage

S = CaseStatus


def reported(stage: Stage, status: CaseStatus = S.REPORTED, handler: str = "") -> int:
    id_ = steps.new_case(stage, status, handler)
    with stage.session() as session:
        case = session.get_one(Case, id_)
        case.source, case.liaison_id = Source.LIAISON, stage.inside["liaison"]
    return id_


def line(stage: Stage, id_: int) -> str:
    """The row of a case in the table, without its marks."""
    page = html.unescape(stage.browse("liaison").get("/").text)
    return page.partition(f'details/?id={id_}"')[2].partition("</tr>")[0]


def test_each_report_says_where_it_is_and_what_came_back(stage: Stage) -> None:
    ids = [reported(stage, S.VERIFIED, "officer"), reported(stage, S.REFERRED, "officer"), reported(stage)]
    steps.take(stage, "office", ids[0], "close", liaison_content="地锁已拆除")
    steps.take(stage, "office", ids[2], "reject", reason="不属城管职责", responsible="物业服务企业")
    expected = (
        ("已结案", "地锁已拆除"),
        ("移送协同中", "公安交警"),
        ("不予受理", "不属城管职责", "物业服务企业"),
    )
    for id_, words in zip(ids, expected, strict=True):
        assert all(word in line(stage, id_) for word in words)


def test_a_merged_report_names_the_case_it_goes_on_as_and_then_what_came_of_that(stage: Stage) -> None:
    master, merged = reported(stage, S.HANDLING, "officer"), reported(stage)
    steps.take(stage, "office", merged, "merge", master=master)
    assert stage.get("case", master).case_no in line(stage, merged)
    for who, name in (("officer", "handle"), ("leader", "verify"), ("office", "close")):
        steps.take(stage, who, master, name)
    assert "已告知并案的投诉人" in line(stage, merged)


def test_all_that_one_reported_is_a_list_of_its_own(stage: Stage) -> None:
    mine, other = reported(stage), steps.new_case(stage, source=Source.PATROL)
    browser = stage.browse("liaison")
    assert "/admin/case/?is=my_reports" in browser.get("/").text
    page = browser.get("/admin/case/?is=my_reports").text
    assert [stage.get("case", id_).case_no in page for id_ in (mine, other)] == [True, False]
