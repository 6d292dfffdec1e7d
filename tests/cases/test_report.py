"""The short report: who may use it, what it presets, what it stores, what it suggests."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import events
from bureau.checklists.suggest import LIMIT, suggest
from panel.kinds import today
from tests.factories import Browser, Stage, form_values

ROOT = Path(__file__).resolve().parents[2]
TOLD = {
    "place": "东塔路 3 幢楼下",
    "description": "居民在楼下养鸡，清晨打鸣扰民",
    "urgency": "normal",
    "anonymous": "1",
    "asked": "1",
}


def report(browser: Browser, **given: str) -> Any:
    return browser.post("/report", {**TOLD, **given})


def newest(stage: Stage) -> models.Case:
    with stage.session() as session:
        return session.execute(sa.select(models.Case).order_by(models.Case.id.desc()).limit(1)).scalar_one()


def parties(stage: Stage, case: models.Case) -> list[models.CaseParty]:
    with stage.session() as session:
        statement = sa.select(models.CaseParty).where(models.CaseParty.case_id == case.id)
        return list(session.execute(statement).scalars())


@pytest.mark.framed
@pytest.mark.parametrize(
    ("role", "status"),
    [("office", 200), ("officer", 200), ("liaison", 200), ("leader", 403), ("viewer", 403), ("auditor", 403)],
)
def test_those_who_report_have_the_form(standing: Stage, role: str, status: int) -> None:
    browser = standing.browse(role)
    assert browser.get("/report").status_code == status
    assert browser.get("/report/suggest?q=养鸡").status_code == status
    assert ("/report" in browser.menu()) is (status == 200)


@pytest.mark.framed
@pytest.mark.parametrize("role", ["officer", "liaison"])
def test_it_stands_right_below_home(standing: Stage, role: str) -> None:
    assert standing.browse(role).menu()[:2] == ["/", "/report"]


@pytest.mark.parametrize(("role", "source"), [("liaison", models.Source.LIAISON), ("officer", models.Source.PATROL)])
def test_community_and_source_are_filled_in(stage: Stage, role: str, source: models.Source) -> None:
    """Both are the reporter's own; another community is refused, not replaced."""
    browser = stage.browse(role)
    assert "东栅社区" in browser.get("/report").text
    outside = {"community": str(stage.outside["community"])}
    if role == "officer":
        assert report(browser, source="12345").status_code == 422, "work orders come to the office"
    assert report(browser, **outside).status_code == 422
    answer = report(browser, **({} if role == "officer" else {"source": "12345"}))
    case = newest(stage)
    assert answer.headers["Location"] == f"/admin/case/details/?id={case.id}"
    assert (case.community_id, case.source) == (stage.inside["community"], source)
    assert (case.status, case.place) == (models.CaseStatus.REPORTED, TOLD["place"])
    assert (case.liaison_id, case.lead_officer_id) == (stage.inside["liaison"], stage.inside["officer"])
    assert case.title == "居民在楼下养鸡"
    assert f"已上报：{case.case_no}" in browser.get(answer.headers["Location"]).text
    with stage.session() as session:
        told = session.execute(sa.select(models.CaseEvent).where(models.CaseEvent.case_id == case.id)).scalars().all()
        assert [(event.step, event.actor_id) for event in told] == [("report", stage.district.users[role])]
        assert events.verify(told) is None
    assert parties(stage, case) == []


def test_the_office_says_whose_community_and_from_where(stage: Stage) -> None:
    browser = stage.browse("office")
    assert report(browser).status_code == 422
    answer = report(browser, community=str(stage.outside["community"]), source="12345")
    assert answer.status_code == 302
    assert (newest(stage).community_id, newest(stage).source) == (stage.outside["community"], models.Source.HOTLINE)


def test_an_officer_of_two_communities_chooses_between_them(stage: Stage) -> None:
    with stage.session() as session:
        session.delete(session.get_one(models.Assignment, stage.outside["assignment"]))
        session.flush()
        ids = {"community_id": stage.outside["community"], "officer_id": stage.inside["officer"]}
        session.add(models.Assignment(**ids, start_on=today()))
    browser = stage.browse("officer")
    assert "东栅社区" in browser.get("/report").text
    assert "西马桥社区" in browser.get("/report").text
    assert report(browser).status_code == 422
    assert report(browser, community=str(stage.outside["community"])).status_code == 302
    assert newest(stage).community_id == stage.outside["community"]


def test_nobody_reports_for_another_area_or_a_closed_community(stage: Stage) -> None:
    with stage.session() as session:
        other = models.Community(name="旧社区", street_id=stage.inside["street"], status=models.CommunityStatus.CLOSED)
        session.add(other)
        session.flush()
        closed = other.id
    before = stage.count("case")
    assert report(stage.browse("office"), community=str(closed), source="resident").status_code == 422
    with stage.session() as session:
        session.get_one(models.Assignment, stage.inside["assignment"]).end_on = today() - timedelta(1)
        session.get_one(models.Liaison, stage.inside["liaison"]).user_id = None
    browser = stage.browse("officer")
    assert "今天没有派驻给您的社区" in browser.get("/report").text
    assert "账号尚未关联社区" in stage.browse("liaison").get("/report").text
    assert report(browser, community=str(stage.inside["community"])).status_code == 422
    assert stage.count("case") == before


# The complainant.


def test_a_complainant_who_gives_a_name_is_kept(stage: Stage) -> None:
    browser = stage.browse("liaison")
    assert report(browser, anonymous="0", name="陈某某", phone="138 0573 0001").status_code == 302
    (party,) = parties(stage, newest(stage))
    assert (party.name, party.phone) == ("陈某某", "13805730001")
    assert (party.role, party.anonymous) == (models.PartyRole.COMPLAINANT, False)


def test_of_an_anonymous_one_nothing_is_kept(stage: Stage) -> None:
    browser, given = stage.browse("office"), {"community": str(stage.inside["community"]), "source": "resident"}
    assert report(browser, **given, name="陈某某", phone="13805730001").status_code == 302
    (party,) = parties(stage, newest(stage))
    assert (party.anonymous, party.name, party.phone, party.phone_hash) == (True, None, None, None)


# What is wrong stands at its field, and nothing is lost.


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"place": ""}, "place"),
        ({"description": " "}, "description"),
        ({"anonymous": "0"}, "name"),
        ({"anonymous": "0", "name": "陈某某", "phone": "1380573"}, "phone"),
        ({"urgency": "soon"}, "urgency"),
        ({"item": "999999"}, "item"),
        ({"item": "a"}, "item"),
    ],
)
def test_what_is_wrong_stands_at_its_field(standing: Stage, given: dict[str, str], field: str) -> None:
    before = standing.count("case"), standing.count("caseparty")
    browser = standing.browse("liaison")
    answer = report(browser, **given)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    kept = form_values(answer.text)
    for name, text in {**TOLD, **given}.items():
        if name in ("place", "description", "name", "phone"):
            assert kept[name].strip() == text.strip()
    assert (standing.count("case"), standing.count("caseparty")) == before


def test_a_case_and_its_complainant_are_written_together_or_not_at_all(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_args: Any, **_values: Any) -> None:
        raise RuntimeError("no party")

    before = stage.count("case"), stage.count("caseevent")
    browser = stage.browse("liaison")
    browser.token()
    monkeypatch.setattr("bureau.cases.web.report_form.CaseParty", break_down)
    assert report(browser, anonymous="0", name="陈某某").status_code == 500
    monkeypatch.undo()
    assert (stage.count("case"), stage.count("caseevent")) == before
    assert report(browser).status_code == 302
    numbers = {case_no[-6:] for case_no in _numbers(stage)}
    assert numbers == {f"{n:06}" for n in range(1, len(numbers) + 1)}


def _numbers(stage: Stage) -> list[str]:
    with stage.session() as session:
        return list(session.execute(sa.select(models.Case.case_no)).scalars())


# Suggestions.


@dataclass
class Item:
    code: str
    name: str
    category: str | None
    other_words: str


def table(name: str) -> list[dict[str, str]]:
    with (ROOT / "seed" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


ITEMS = [Item(row["code"], row["name"], row["category"] or None, row["other_words"]) for row in table("checklist.csv")]


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("楼下有人养鸡，天没亮就打鸣", "ZF03"),
        ("狗", "ZF04"),
        ("小区里有辆僵尸车，好几个月没动了", "FW03"),
        ("有人用地锁占了公共车位", "FW04"),
        ("电瓶车停在楼道里充电", "FW06"),
        ("水果店把货架摆到店外面，人行道走不了", "ZF13"),
        ("半夜工地还在打桩", "ZF22"),
        ("饭店油烟直排，窗户都不敢开", "ZF20"),
        ("楼上漏水，天花板都湿了，协商不成", "FW15"),
    ],
)
def test_everyday_words_find_their_item(description: str, code: str) -> None:
    assert code in [item.code for item in suggest(description, ITEMS)]


def test_nine_descriptions_of_ten_find_their_item_among_three() -> None:
    stories = table("stories.csv")
    hits = sum(row["code"] in [item.code for item in suggest(row["description"], ITEMS)] for row in stories)
    assert hits / len(stories) > 0.9


@pytest.mark.parametrize("nothing", ["", "。", "12345", "hello there", "你好"])
def test_what_is_like_no_item_suggests_none(nothing: str) -> None:
    assert suggest(nothing, ITEMS) == []


def test_suggestions_are_few_and_always_the_same() -> None:
    text = "小区楼道堆放杂物，电瓶车充电，狗叫噪声，违建，垃圾"
    found = suggest(text, ITEMS)
    assert len(found) == LIMIT
    assert suggest(text, ITEMS[::-1]) == found
    assert suggest(text, []) == []


def test_suggestions_while_one_types(standing: Stage) -> None:
    browser = standing.browse("liaison")
    found = browser.get("/report/suggest?q=楼下养鸡").json
    assert found == [{"id": standing.inside["checklistitem"], "name": "饲养家禽", "note": "执法清单 · 3 个工作日"}]
    assert browser.get("/report/suggest").json == []
    assert browser.get("/report/suggest?q=" + "鸡" * 5000).status_code == 200
    assert standing.visitor().get("/report/suggest?q=鸡").status_code == 302


def test_without_a_script_the_form_asks_once(stage: Stage) -> None:
    browser, before = stage.browse("liaison"), stage.count("case")
    answer = report(browser, asked="")
    assert (answer.status_code, stage.count("case")) == (200, before)
    assert "饲养家禽" in answer.text
    given = form_values(answer.text)
    assert given["asked"] == "1"
    assert browser.post("/report", given).status_code == 302
    assert newest(stage).item_id is None


def test_what_is_like_no_item_is_not_asked_about(stage: Stage) -> None:
    assert report(stage.browse("liaison"), asked="", description="路面结冰").status_code == 302


def test_an_item_chosen_is_noted_but_not_accepted(stage: Stage) -> None:
    item = stage.inside["checklistitem"]
    browser = stage.browse("liaison")
    assert form_values(browser.get(f"/report?item={item}").text)["item"] == str(item)
    assert report(browser, item=str(item)).status_code == 302
    case = newest(stage)
    assert (case.item_id, case.status) == (item, models.CaseStatus.REPORTED)
    assert (case.list_kind, case.item_snapshot, case.accepted_at, case.due_at) == (None, None, None, None)


def test_a_number_that_is_no_item_is_left_out(standing: Stage) -> None:
    for nonsense in ("999999", "x", "-1", "1" * 40):
        assert standing.browse("liaison").get(f"/report?item={nonsense}").status_code == 200
