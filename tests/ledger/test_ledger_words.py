"""The ledger of an old month prints the words that its cases were brought in with, and comes in again unchanged."""

from __future__ import annotations

from bureau.ledger.web import files
from tests.factories import Stage
from tests.ledgers import MAY
from tests.workbooks import Office, cells, counts, table

LABELS = ("受理时间", "社区", "地点", "问题描述", "来源", "事项", "处理结果", "办结时间")
OLD = ("2026-05-04 09:00", "东栅社区", "5 幢", "夜间吵闹", "网格上报", "噪音扰民", "已劝导", "2026-05-05 10:00")


def test_the_words_of_an_old_case_are_printed_and_come_in_again(stage: Stage) -> None:
    office = Office(stage)
    assert counts(office.run("case", table(LABELS, OLD))) == {"new": 1}
    with stage.session() as session:
        params = files.checked_params(session, MAY, files.Basis.ACCEPTED, None)
        printed = files.make(session, params).content
    (line,) = [row for row in cells(printed) if "夜间吵闹" in row]
    assert {"网格上报", "噪音扰民"} <= set(line)
    again = office.plan("case", printed)
    assert (counts(again), again.questions) == ({"unchanged": 1}, [])
