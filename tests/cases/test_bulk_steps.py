"""A step for many cases at once: each by itself, each with its result."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bureau.cases import workflow
from models import Case, CaseStatus, Urgency
from tests import factories, steps
from tests.factories import Browser, Stage, counted

pytestmark = pytest.mark.database

S = CaseStatus


def tick(browser: Browser, step: str, ids: list[int]) -> dict[str, object]:
    """Tick cases in the list, press the step's button; what its form would post."""
    page = browser.post("/admin/case/action/", {"action": step, "rowid": [str(id_) for id_ in ids]})
    assert page.status_code == 200
    rows = re.findall(r'name="row" value="([\d.]+)"', page.text)
    assert len(rows) == len(ids)
    named = re.findall(r'<li><a href="[^"]*details/\?id=(\d+)">', page.text)
    assert sorted(map(int, named)) == sorted(ids), "the form names each case"
    return {"step": step, "row": rows}


def lines(page: str) -> dict[str, str]:
    """The result of each case by its number: the tag, and the reason."""
    text = html.unescape(page)
    found = re.findall(r'<tr>\s*<td class="first".*?>([\w-]+)</a>(.*?)</tr>', text, re.S)
    return {number: " ".join(re.sub(r"<[^>]+>", " ", rest).split()) for number, rest in found}


def test_twenty_are_dispatched_and_the_others_say_why(stage: Stage) -> None:
    ready = [steps.new_case(stage, S.ACCEPTED) for _ in range(18)]
    wrong, late = steps.new_case(stage, S.HANDLED, "officer"), steps.new_case(stage, S.ACCEPTED)
    with stage.session() as session:
        handler = steps.colleague(session, stage)
        numbers = {id_: session.get_one(Case, id_).case_no for id_ in (*ready, wrong, late)}
    office = stage.browse("office")
    form = tick(office, "dispatch", [*ready, wrong, late])
    steps.take(stage, "leader", late, "dispatch", handler=stage.inside["officer"])
    answer = office.post("/admin/case/bulk/", form | {"handler": str(handler), "note": "集中派遣"})
    assert answer.status_code == 200
    told = lines(answer.text)
    assert len(told) == 20
    assert "leader" in told[numbers[late]], "whoever was quicker is named"
    for id_ in ready:
        case = stage.get("case", id_)
        assert (case.status, case.handler_id) == (S.DISPATCHED, handler)
    assert (stage.get("case", wrong).status, stage.get("case", late).handler_id) == (
        S.HANDLED,
        stage.inside["officer"],
    )
    with stage.session() as session:
        assert steps.history(session, ready[0])[-1].opinion == "集中派遣"


def test_one_that_lacks_something_hinders_no_other(stage: Stage) -> None:
    """The handler has one of them already: told at that case alone."""
    cases = [steps.new_case(stage, S.ACCEPTED) for _ in range(3)]
    with stage.session() as session:
        session.get_one(Case, cases[1]).handler_id = stage.inside["officer"]
        numbers = [session.get_one(Case, id_).case_no for id_ in cases]
    form = tick(stage.browse("office"), "dispatch", cases)
    answer = stage.browse("office").post("/admin/case/bulk/", form | {"handler": str(stage.inside["officer"])})
    assert [stage.get("case", id_).status for id_ in cases] == [S.DISPATCHED, S.ACCEPTED, S.DISPATCHED]
    assert "承办人" in lines(answer.text)[numbers[1]]


def test_a_busy_database_in_the_middle_leaves_what_is_done_and_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [steps.new_case(stage, S.ACCEPTED) for _ in range(3)]
    numbers = [stage.get("case", id_).case_no for id_ in cases]
    take = workflow.take

    def busy(session: Any, case: Case, *args: Any, **kwargs: Any) -> Any:
        if case.id == cases[1]:
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return take(session, case, *args, **kwargs)

    monkeypatch.setattr(workflow, "take", busy)
    form = tick(stage.browse("office"), "dispatch", cases)
    answer = stage.browse("office").post("/admin/case/bulk/", form | {"handler": str(stage.inside["officer"])})
    assert answer.status_code == 200
    assert [stage.get("case", id_).status for id_ in cases] == [S.DISPATCHED, S.ACCEPTED, S.DISPATCHED]
    told = lines(answer.text)
    assert ["数据库正忙" in told[number] for number in numbers] == [False, True, False]


def test_what_lacks_for_all_is_said_before_anything_is_written(stage: Stage) -> None:
    cases = [steps.new_case(stage) for _ in range(2)]
    form = tick(stage.browse("office"), "accept", cases)
    answer = stage.browse("office").post("/admin/case/bulk/", form)
    assert answer.status_code == 422
    assert 'href="#f-item"' in answer.text
    assert {stage.get("case", id_).status for id_ in cases} == {S.REPORTED}
    item = {"item": str(stage.inside["checklistitem"]), "urgency": "normal"}
    assert stage.browse("office").post("/admin/case/bulk/", form | item).status_code == 200
    assert {stage.get("case", id_).status for id_ in cases} == {S.ACCEPTED}


@pytest.mark.parametrize(("who", "step"), [("liaison", "dispatch"), ("viewer", "urge"), ("officer", "supervise")])
def test_whom_a_step_is_not_for_has_no_button(stage: Stage, who: str, step: str) -> None:
    browser, case = stage.browse(who), stage.inside["case"]
    assert f'value="{step}"' not in browser.get("/admin/case/").text
    assert browser.post("/admin/case/action/", {"action": step, "rowid": str(case)}).status_code == 403
    form = {"step": step, "row": f"{case}.1", "text": "催"}
    assert browser.post("/admin/case/bulk/", form).status_code == 403


def test_what_lies_outside_is_not_touched(stage: Stage) -> None:
    outside = stage.outside["case"]
    leader = stage.browse("leader")
    assert leader.post("/admin/case/action/", {"action": "supervise", "rowid": str(outside)}).status_code == 404
    answer = leader.post("/admin/case/bulk/", {"step": "supervise", "row": f"{outside}.1", "text": "请抓紧"})
    with stage.session() as session:
        assert session.get_one(Case, outside).case_no not in answer.text
        assert "supervise" not in {event.step for event in steps.history(session, outside)}


@pytest.mark.parametrize("row", [[], ["1"], ["a.b"], ["1.1", "x"], [f"{n}.1" for n in range(1, 502)]])
def test_nonsense_is_not_there(standing: Stage, row: list[str]) -> None:
    form = {"step": "urge", "row": row, "text": "催"}
    assert standing.browse("office").post("/admin/case/bulk/", form).status_code == 404
    assert standing.browse("office").post("/admin/case/bulk/", form | {"step": "void"}).status_code == 404


def test_a_case_more_costs_the_same_each_time(stage: Stage) -> None:
    with stage.app.app_context():
        engine = stage.panel.db.engine
    sent = []
    for n in (1, 2, 6):
        cases = [steps.new_case(stage, S.ACCEPTED) for _ in range(n)]
        form = tick(stage.browse("office"), "dispatch", cases)
        with counted(engine) as statements:
            handler = {"handler": str(stage.inside["officer"])}
            assert stage.browse("office").post("/admin/case/bulk/", form | handler).status_code == 200
        sent.append(len(statements))
    each = sent[1] - sent[0]
    assert sent[2] - sent[1] == 4 * each
    assert each <= 20
    with stage.session() as session:
        dispatched = sa.select(sa.func.count(Case.id)).where(Case.status == S.DISPATCHED)
        assert session.scalar(dispatched) == 9


def test_what_is_left_empty_each_case_brings_itself_and_the_next_step_follows(stage: Stage) -> None:
    """Its own item and urgency, then its own officer; what has none is told and stays."""
    first, bare = stage.inside["checklistitem"], steps.new_case(stage)
    with stage.session() as session:
        second = factories.another(session, "checklistitem", stage.inside).id
    urgent = steps.new_case(stage, item_id=second, urgency=Urgency.URGENT)
    cases = [steps.new_case(stage, item_id=first), urgent]
    office = stage.browse("office")
    form = tick(office, "accept", [*cases, bare])
    answer = office.post("/admin/case/bulk/", form | {"item": "", "urgency": ""})
    assert answer.status_code == 200
    assert "清单事项" in lines(answer.text)[stage.get("case", bare).case_no]
    assert [stage.get("case", id_).status for id_ in (*cases, bare)] == [S.ACCEPTED, S.ACCEPTED, S.REPORTED]
    assert [stage.get("case", id_).item_id for id_ in cases] == [first, second]
    assert stage.get("case", urgent).urgency is Urgency.URGENT
    # The result offers what usually follows, for those that were done.
    assert "派遣：这 2 件" in answer.text
    assert sorted(re.findall(r'name="rowid" value="(\d+)"', answer.text)) == sorted(map(str, cases))
    form = tick(office, "dispatch", cases)
    assert "这 2 件" not in office.post("/admin/case/bulk/", form | {"handler": "", "note": ""}).text
    assert {stage.get("case", id_).handler_id for id_ in cases} == {stage.inside["officer"]}
