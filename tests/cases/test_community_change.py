"""A case that belongs to another community gets the people of that one, through every door."""

from __future__ import annotations

import html
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import events
from models import CaseStatus as S
from panel.notify.records import Notice
from tests import factories, steps
from tests.factories import Stage
from tests.workbooks import Office, table


@pytest.fixture
def places(growing: Stage) -> dict[str, int]:
    """Communities with people of their own: "near" of the squad inside, "far" of the other one, "empty" with nobody."""
    with growing.session() as session:
        known = session.scalars(
            sa.select(models.Community).where(models.Community.name.in_(("近社区", "远社区", "空社区")))
        )
        found = {{"近社区": "near", "远社区": "far", "空社区": "empty"}[one.name]: one.id for one in known}
        if found:
            return found
        for name, key, side in (
            ("近社区", "near", growing.inside),
            ("远社区", "far", growing.outside),
            ("空社区", "empty", growing.inside),
        ):
            place = models.Community(name=name, street_id=growing.inside["street"], squad_id=side["squad"])
            session.add(place)
            session.flush()
            found[key] = place.id
            if key == "empty":
                continue
            users = [
                factories.account(session, growing.panel, f"{key}-{role}", role) for role in ("officer", "liaison")
            ]
            officer = models.Officer(name=factories.person(users[0].id), squad_id=side["squad"], user_id=users[0].id)
            session.add(officer)
            session.flush()
            started = date(2025, 1, 1)
            session.add(models.Assignment(community_id=place.id, officer_id=officer.id, start_on=started))
            session.add(
                models.Liaison(
                    name=factories.person(users[1].id), community_id=place.id, start_on=started, user_id=users[1].id
                )
            )
        return found


def people(stage: Stage, place: int) -> tuple[int | None, int | None]:
    """The liaison and the officer of a community."""
    with stage.session() as session:
        return (
            session.scalar(sa.select(models.Liaison.id).where(models.Liaison.community_id == place)),
            session.scalar(sa.select(models.Assignment.officer_id).where(models.Assignment.community_id == place)),
        )


def correct(stage: Stage, role: str, id_: int, place: int, **more: str) -> Any:
    """Post the form of the step."""
    case = stage.get("case", id_)
    typed = {"community": str(place), "reason": "地点在另一社区", "version": str(case.version), "handler": "", **more}
    return stage.browse(role).post(f"/admin/case/step/?id={id_}&step=change_community", typed)


def test_the_people_of_the_new_community_follow_and_are_told(growing: Stage, places: dict[str, int]) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    assert correct(growing, "officer", id_, places["near"]).status_code == 403
    assert correct(growing, "office", id_, places["near"], reason="").status_code == 422
    assert correct(growing, "office", id_, places["near"]).status_code == 302
    case = growing.get("case", id_)
    assert (case.community_id, case.liaison_id, case.lead_officer_id) == (
        places["near"],
        *people(growing, places["near"]),
    )
    assert case.handler_id == growing.inside["officer"], "of the same squad"
    with growing.session() as session:
        event = steps.history(session, id_)[-1]
        assert (event.step, event.opinion) == ("change_community", "地点在另一社区")
        assert event.payload["community_before"] == growing.inside["community"]
        assert event.payload["community"] == places["near"]
        assert events.verify(steps.history(session, id_)) is None
        told = sa.select(models.Liaison.user_id, Notice.kind).join(Notice, Notice.owner_id == models.Liaison.user_id)
        kinds = session.execute(told.where(Notice.record_id == id_, models.Liaison.community_id == places["near"]))
        assert [kind for _user, kind in kinds] == ["moved"]
    assert growing.browse("near-liaison").get(f"/admin/case/details/?id={id_}").status_code == 200
    assert growing.browse("liaison").get(f"/admin/case/details/?id={id_}").status_code == 404
    shown = html.unescape(growing.browse("office").get(f"/admin/case/details/?id={id_}").text)
    assert "东栅社区" in shown, "the timeline shows the community before"


def test_a_handler_of_another_squad_must_be_replaced(growing: Stage, places: dict[str, int]) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    answer = correct(growing, "office", id_, places["far"])
    assert answer.status_code == 422
    assert "城西分队" in html.unescape(answer.text)
    assert growing.get("case", id_).community_id == growing.inside["community"]
    handler = people(growing, places["far"])[1]
    assert correct(growing, "office", id_, places["far"], handler=str(handler)).status_code == 302
    case = growing.get("case", id_)
    assert (case.handler_id, case.lead_officer_id) == (handler, handler)
    assert growing.browse("far-officer").get(f"/admin/case/details/?id={id_}").status_code == 200
    assert growing.browse("leader").get(f"/admin/case/details/?id={id_}").status_code == 404


@pytest.mark.parametrize(
    ("place", "words"), [("inside", "已属于该社区"), ("closed", "已停用"), ("nowhere", "请从列表中选择")]
)
def test_a_community_that_can_not_be(growing: Stage, places: dict[str, int], place: str, words: str) -> None:
    with growing.session() as session:
        closed = session.get_one(models.Community, places["empty"])
        closed.status = models.CommunityStatus.CLOSED
    ids = {"inside": growing.inside["community"], "closed": places["empty"], "nowhere": 999_999}
    answer = correct(growing, "office", steps.new_case(growing, S.HANDLING, "officer"), ids[place])
    with growing.session() as session:
        session.get_one(models.Community, places["empty"]).status = models.CommunityStatus.ACTIVE
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)


def test_where_nobody_is_the_handler_leads(growing: Stage, places: dict[str, int]) -> None:
    id_ = steps.new_case(growing, S.HANDLING, "officer")
    assert correct(growing, "leader", id_, places["empty"]).status_code == 302
    case = growing.get("case", id_)
    assert (case.liaison_id, case.lead_officer_id) == (None, growing.inside["officer"])


def test_before_acceptance_the_form_takes_the_people_along(growing: Stage, places: dict[str, int]) -> None:
    id_ = steps.new_case(growing, S.REPORTED)
    assert correct(growing, "office", id_, places["near"]).status_code in (302, 422)
    assert growing.get("case", id_).community_id == growing.inside["community"], "the step is for accepted cases"
    office, address = growing.browse("office"), f"/admin/case/edit/?id={id_}"
    for place in ("near", "empty"):
        answer = office.post(address, {**office.form(address), "community": str(places[place])})
        assert answer.status_code == 302
        case = growing.get("case", id_)
        assert (case.liaison_id, case.lead_officer_id) == people(growing, places[place]), place
    chosen = growing.inside["second_officer"]
    opened = {**office.form(address), "community": str(places["near"]), "lead_officer": str(chosen)}
    assert office.post(address, opened).status_code == 302
    case = growing.get("case", id_)
    assert (case.liaison_id, case.lead_officer_id) == (people(growing, places["near"])[0], chosen), "chosen by hand"


def test_before_acceptance_an_import_takes_the_people_along(growing: Stage, places: dict[str, int]) -> None:
    id_ = steps.new_case(growing, S.REPORTED)
    case = growing.get("case", id_)
    header = ("案件编号", "社区", "问题描述")
    Office(growing).run("case", table(header, (case.case_no, "近社区", case.description)))
    moved = growing.get("case", id_)
    assert (moved.community_id, moved.liaison_id, moved.lead_officer_id) == (
        places["near"],
        *people(growing, places["near"]),
    )


def test_many_cases_are_reassigned_in_one_act(growing: Stage) -> None:
    """Each tells its result; one is the person's already, one is closed."""
    with growing.session() as session:
        handler = steps.colleague(session, growing)
    cases = [steps.new_case(growing, S.HANDLING, "officer") for _n in range(3)]
    cases += [steps.new_case(growing, S.SUSPENDED, "officer"), steps.new_case(growing, S.HANDLED, "officer")]
    refused = [steps.new_case(growing, S.HANDLING, "nobody"), steps.new_case(growing, S.CLOSED, "officer")]
    rows = [f"{id_}.{growing.get('case', id_).version}" for id_ in (*cases, *refused)]
    form = {"step": "reassign", "row": rows, "handler": str(handler), "reason": "原承办人调离"}
    assert growing.browse("officer").post("/admin/case/bulk/", form).status_code == 403
    assert growing.browse("leader").post("/admin/case/bulk/", {**form, "reason": ""}).status_code == 422
    answer = growing.browse("leader").post("/admin/case/bulk/", form)
    assert answer.status_code == 200
    assert "成功 5 件，失败 2 件" in html.unescape(answer.text)
    for id_ in cases:
        assert growing.get("case", id_).handler_id == handler
        with growing.session() as session:
            event = steps.history(session, id_)[-1]
            assert (event.step, event.opinion) == ("reassign", "原承办人调离")
            assert event.payload["handler_before"] == growing.inside["officer"]
    assert growing.get("case", refused[1]).handler_id == growing.inside["officer"]
