"""Cases of a file that are probably about the same thing as a stored case or another row are shown, as at intake."""

from __future__ import annotations

from typing import Any

import pytest

from bureau.cases import import_repeats
from panel.imports.plans import Plan
from tests.engine.test_import_pages import preview
from tests.factories import Stage
from tests.factories.statements import counted
from tests.workbooks import Office, counts, sentences, table

LABELS = ("社区", "地点", "问题描述", "来源", "投诉人", "联系电话")
FIRST = ("东栅社区", "东塔路 5 幢楼道", "楼道里长期堆放旧家具，影响通行", "居民投诉", "王先生", "13812340001")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def reports(*rows: tuple[Any, ...]) -> bytes:
    return table(LABELS, *rows)


def said(plan: Plan) -> dict[int, list[str]]:
    """What is said of each row that may be a repeat."""
    return {row.number: sentences(row.repeats) for row in plan.rows if row.has("repeats")}


@pytest.mark.database
def test_a_report_of_a_stored_matter_is_shown_and_comes_in(office: Office) -> None:
    first = office.run("case", reports(FIRST))
    number = office.stage.get("case", first.rows[0].id or 0).case_no
    again = ("东栅", "东塔路5幢 楼道", "有人在楼道堆放旧家具杂物", "居民投诉", "李女士", "13812340002")
    made = office.run("case", reports(again))
    assert said(made) == {2: [f"Perhaps a repeat of {number}: Same place, Similar description."]}
    assert counts(made) == {"new": 1}


def test_a_complainants_telephone_is_not_compared_in_a_preview(office: Office) -> None:
    """It would tell whose number it is to whoever tries; two rows of a file are compared, which their owner knows."""
    office.run("case", reports(FIRST))
    elsewhere = ("东栅社区", "南门", "旧家具还堆放在楼道", "居民投诉", "王先生", "138 1234 0001")
    assert said(office.plan("case", reports(elsewhere))) == {}
    other = ("东栅社区", "北门", "旧家具堆在楼道里", "居民投诉", "王先生", "138 1234 0001")
    assert said(office.plan("case", reports(elsewhere, other))).keys() == {3}


def test_two_rows_of_a_file_may_be_one_matter(office: Office) -> None:
    again = (*FIRST[:2], "旧家具堆放在楼道影响通行", "12345", "李女士", "13812340002")
    other = ("西马桥社区", *FIRST[1:3], "居民投诉", "赵女士", "13812340003")
    assert said(office.plan("case", reports(FIRST, again, other))) == {
        3: ["Perhaps a repeat of row 2: Same place, Similar description."]
    }


def test_an_old_ledger_is_compared_with_what_came_in_before(office: Office) -> None:
    labels = ("受理时间", "社区", "地点", "问题描述", "事项", "办结时间")
    first = table(labels, ("2025-05-04 09:00", "东栅社区", "5 幢", "养鸡扰民", "ZF03", "2025-05-05 10:00"))
    office.run("case", first)
    again = table(labels, ("2025-05-04 10:30", "东栅社区", "5幢", "居民养鸡扰民", "ZF03", "2025-05-05 11:00"))
    ((sentence,),) = said(office.plan("case", again)).values()
    assert sentence.endswith(": Same place and item, Similar description.")
    assert said(office.plan("case", first)) == {}, "the same again is unchanged"
    late = table(labels, ("2025-09-04 10:30", "东栅社区", "5幢", "居民养鸡扰民", "ZF03", "2025-09-05 11:00"))
    assert said(office.plan("case", late)) == {}, "long after the closure"


def test_few_words_alone_are_no_repeat(office: Office) -> None:
    """Ledgers tell many cases in the same words: another place is another matter."""
    rows = [("东栅社区", f"{n} 幢", "占道经营", "巡查发现", None, None) for n in range(3)]
    assert said(office.plan("case", reports(*rows))) == {}
    many = [("东栅社区", "河边", "河边有人占道经营影响通行", "巡查发现", None, None) for n in range(2)]
    data = table((*LABELS, "上报时间"), *((*row, f"2026-07-1{n} 09:00") for n, row in enumerate(many)))
    assert said(office.plan("case", data)) == {3: ["Perhaps a repeat of row 2: Same place, Similar description."]}


def test_the_preview_has_a_chip_for_them(office: Office) -> None:
    office.run("case", reports(FIRST))
    again = (*FIRST[:2], "旧家具堆放在楼道影响通行", "12345", "李女士", "13812340002")
    _address, page = preview(office.stage.browse("office"), "case", reports(again))
    assert "可能重复 <b>1</b>" in page
    assert "重复：地点相同、描述相近。" in page


def test_the_statements_do_not_grow_with_the_rows(office: Office) -> None:
    rows = [
        ("东栅社区", f"{n} 幢", "占道经营", "居民投诉", f"王{'甲乙丙丁'[n % 4]}", f"138123{n:05}") for n in range(40)
    ]

    def plan(count: int) -> int:
        with office.session() as session, counted(session.get_bind()) as statements:
            office._plan(session, "case", reports(*rows[:count]), {})
        return len(statements)

    assert plan(2) == plan(40)


def test_very_many_new_cases_are_not_compared(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_repeats, "MOST_ROWS", 1)
    made = office.plan("case", reports(FIRST, (FIRST[0], "6 幢", *FIRST[2:])))
    assert said(made) == {}
    assert "likely repeats are not looked for" in sentences(made.warnings)[-1]
