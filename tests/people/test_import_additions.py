"""Communities and officers that a file names and nobody knows are added from the preview, with what they need."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
import sqlalchemy as sa

import models
from panel.imports.plans import PendingRecord
from panel.security.policy import AccessDenied
from tests.factories import Browser, Stage
from tests.workbooks import Office, errors, outcomes, table

ROSTER = ("街道", "社区", "姓名", "手机", "联居队员")
ROW = ("城东街道", "新庄社区", "李新", "13805730001", "秦新来")


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def street(stage: Stage) -> str:
    return str(stage.inside["street"])


def test_what_could_be_added_is_offered_with_what_the_file_says_of_it(office: Office, stage: Stage) -> None:
    made = office.plan("liaison", table(ROSTER, ROW))
    assert outcomes(made) == {2: "failed"}
    with stage.session() as session:
        assert made.addable["community"] == {
            "新庄社区": {"street": session.scalar(sa.select(models.Street.id).where(models.Street.name == "城东街道"))}
        }


def test_a_missing_officer_is_offered_in_the_squad_of_the_community(office: Office, stage: Stage) -> None:
    with stage.session() as session:
        inside = session.get_one(models.Community, stage.inside["community"])
        row, squad = (inside.street.name, inside.name, "王二", "13805730002", "秦新来"), inside.squad_id
    assert squad is not None
    assert office.plan("liaison", table(ROSTER, row)).addable["officer"] == {"秦新来": {"squad": squad}}


def test_a_community_and_an_officer_come_in_with_their_row(office: Office, stage: Stage) -> None:
    adding = {"community": {"新庄社区": {"street": street(stage)}}, "officer": {"秦新来": {"badge_no": "NH-777"}}}
    made = office.run("liaison", table(ROSTER, ROW), adding=adding)
    assert outcomes(made) == {2: "new"}
    with stage.session() as session:
        liaison = session.scalars(sa.select(models.Liaison).where(models.Liaison.name == "李新")).one()
        assert (liaison.community.name, str(liaison.community.street_id)) == ("新庄社区", street(stage))
        assigned = session.scalars(
            sa.select(models.Assignment).where(models.Assignment.community_id == liaison.community_id)
        ).one()
        assert (assigned.officer.name, assigned.officer.badge_no) == ("秦新来", "NH-777")


def test_what_a_record_needs_must_be_given(office: Office) -> None:
    made = office.plan("liaison", table(ROSTER, ROW), adding={"community": {"新庄社区": {"street": ""}}})
    assert errors(made) == [(2, "社区", "Street must be filled in to add this record.")]


def test_a_reference_outside_ones_reach_is_none(office: Office) -> None:
    made = office.plan("liaison", table(ROSTER, ROW), adding={"community": {"新庄社区": {"street": "999999"}}})
    assert outcomes(made) == {2: "failed"}


def test_two_rows_of_a_new_community_add_it_once(office: Office, stage: Stage) -> None:
    other = ("城东街道", "新庄", "王二", "13805730002", "")
    adding = {"community": {"新庄社区": {"street": street(stage)}}}
    rows = table(ROSTER, ROW, other)
    assert list(office.plan("liaison", rows).addable["community"]) == ["新庄社区"]
    made = office.plan("liaison", rows, adding=adding)
    assert [row.values["community_id"] for row in made.rows] == [PendingRecord("community", "新庄社区")] * 2


def preview(browser: Browser, data: bytes) -> str:
    sent = browser.post("/admin/liaison/import/", {"file": (BytesIO(data), "来件.xlsx")})
    return browser.get(sent.location).text


def test_the_page_adds_what_is_ticked_and_takes_it_back(stage: Stage) -> None:
    browser = stage.browse("office")
    page = preview(browser, table(ROSTER, ROW))
    assert "新增社区“新庄社区”" in page
    given = dict(re.findall(r'name="(token|new\.0\.[a-z_]+)" value="([^"]*)"', page))
    assert given["new.0.street"] == street(stage)
    answer = browser.post("/admin/liaison/import/correct/", {**given, "new.0.add": "1"})
    done = browser.get(answer.location).text
    assert "社区“新庄社区”将一并新增" in done
    assert "导入 1 行" in done


def test_whoever_may_not_add_communities_is_offered_none(stage: Stage) -> None:
    """Who may not import at all is refused whole."""
    with pytest.raises(AccessDenied):
        Office(stage, person="liaison").plan("case", table(("社区", "地点", "问题描述"), ("新庄社区", "1 幢", "堆物")))
