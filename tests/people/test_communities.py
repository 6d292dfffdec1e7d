"""Renamed and merged communities: what moves, what stays, and that the past doesn't change."""

from __future__ import annotations

import html
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.calendar.month import Month
from bureau.calendar.periods import Span
from bureau.cases.steps import Recipient
from bureau.cases.steps.registry import HANDED_OVER
from bureau.figures import sums
from bureau.figures.groups import Grouping, ReportQuery
from bureau.ledger import rows
from bureau.notices import notices
from models import Basis, CommunityStatus, VisitStatus
from models import CaseStatus as S
from panel.errors import UserError
from panel.kinds import now, today
from tests import factories, steps
from tests.factories import Stage
from tests.workbooks import Office, errors, outcomes, table

REASON = "嘉民发〔2026〕8号"


def community(stage: Stage, name: str, **given: Any) -> int:
    """The id of another community of the squad inside."""
    with stage.session() as session:
        placed = {"street_id": stage.inside["street"], "squad_id": stage.inside["squad"], **given}
        made = models.Community(name=name, **placed)
        session.add(made)
        session.flush()
        return int(made.id)


def liaison(stage: Stage, place: int, name: str, account: str = "") -> int:
    with stage.session() as session:
        user = factories.account(session, stage.panel, account, "liaison").id if account else None
        made = models.Liaison(name=name, community_id=place, start_on=date(2025, 1, 1), user_id=user)
        session.add(made)
        session.flush()
        return int(made.id)


def assign(stage: Stage, place: int, officer: int, start: date = date(2025, 1, 1), end: date | None = None) -> int:
    with stage.session() as session:
        made = models.Assignment(community_id=place, officer_id=officer, start_on=start, end_on=end)
        session.add(made)
        session.flush()
        return int(made.id)


def merge(stage: Stage, old: int, kept: int, role: str = "office", **more: str) -> Any:
    """Post the page of the merger."""
    return stage.browse(role).post(f"/communities/merge?community={old}", {"into": str(kept), "reason": REASON, **more})


def current(stage: Stage, model: Any, place: int) -> list[Any]:
    """The active terms of a community today."""
    with stage.session() as session:
        statement = sa.select(model).where(
            model.community_id == place,
            model.start_on <= today(),
            sa.or_(model.end_on.is_(None), model.end_on >= today()),
        )
        return list(session.scalars(statement))


@pytest.mark.parametrize("typed", ["", "东栅村、老东栅"])
def test_a_renamed_community_is_found_by_its_old_name(stage: Stage, typed: str) -> None:
    office, id_ = stage.browse("office"), stage.inside["community"]
    opened = office.form(f"/admin/community/edit/?id={id_}")
    answer = office.post(
        f"/admin/community/edit/?id={id_}", {**opened, "name": "东升社区", "alias_names": typed}, follow_redirects=True
    )
    assert "东栅社区" in html.unescape(answer.text), "the page says that the old name is kept"
    stored = stage.get("community", id_)
    assert (stored.name, stored.alias_names) == ("东升社区", "、".join(filter(None, [typed, "东栅社区"])))
    plan = Office(stage).plan("liaison", table(("社区", "姓名"), ("东栅社区居委会", "新来者")))
    assert [row.values["community_id"] for row in plan.rows] == [id_]


def test_who_merges_communities(stage: Stage) -> None:
    old, kept = community(stage, "甲一社区"), community(stage, "甲二社区")
    for role in ("leader", "officer", "liaison", "viewer", "administrator"):
        assert stage.browse(role).get(f"/communities/merge?community={stage.inside['community']}").status_code == 403
        assert merge(stage, old, kept, role).status_code == 403
    page = stage.browse("office").get(f"/admin/community/details/?id={old}").text
    assert f"/communities/merge?community={old}" in html.unescape(page)
    assert merge(stage, old, kept).status_code == 302
    assert stage.get("community", old).status is CommunityStatus.CLOSED


def test_a_merger_that_contradicts_itself_is_refused_and_writes_nothing(stage: Stage) -> None:
    kept, closed = community(stage, "乙一社区"), community(stage, "乙二社区", status=CommunityStatus.CLOSED)
    old = community(stage, "乙三社区")
    liaisons = [liaison(stage, old, "甲联络"), liaison(stage, kept, "乙联络")]
    assign(stage, old, stage.inside["officer"])
    assign(stage, kept, stage.inside["second_officer"])
    for into, more, words in (
        (old, {}, "自身"),
        (closed, {}, "停用"),
        (kept, {}, "必填"),
        (kept, {"liaison": str(liaisons[0])}, "必填"),
        (kept, {"liaison": "999999", "assignment": "1"}, "两个社区都有联络员"),
        (kept, {"reason": ""}, "必填"),
    ):
        answer = merge(stage, old, into, **more)
        assert answer.status_code == 422, more
        assert words in html.unescape(answer.text), more
    assert merge(stage, closed, kept).status_code == 422
    assert stage.get("community", old).status is CommunityStatus.ACTIVE
    assert [stage.get("liaison", id_).end_on for id_ in liaisons] == [None, None]


@pytest.mark.parametrize("stays", ["old", "kept"])
def test_what_moves_and_what_stays(stage: Stage, stays: str) -> None:
    old, kept = community(stage, "丙一社区", alias_names="老丙"), community(stage, "丙二社区")
    people = {
        "old": (liaison(stage, old, "丙甲", "bingjia"), assign(stage, old, stage.inside["officer"])),
        "kept": (liaison(stage, kept, "丙乙", "bingyi"), assign(stage, kept, stage.inside["second_officer"])),
    }
    assign(stage, old, stage.outside["officer"], today() + timedelta(30), today() + timedelta(60))
    monday = today() + timedelta(days=7 - today().weekday())
    with stage.session() as session:
        later = models.Visit(planned_on=monday, community_id=old)
        before = models.Visit(
            planned_on=monday - timedelta(70), community_id=old, status=VisitStatus.DONE, arrived_at=now()
        )
        rows_ = [
            models.SurveyEntry(community_id=place, kind=models.SurveyKind.SHOP, address=address)
            for place, address in ((old, "一号"), (old, "二号"), (kept, "二号"))
        ]
        volunteer = models.Volunteer(name="丙阿姨", community_id=old)
        session.add_all([later, before, *rows_, volunteer])
        session.flush()
        ids = [later.id, before.id, *(row.id for row in rows_), volunteer.id]
    open_case = steps.new_case(stage, S.HANDLING, "nobody", community_id=old, lead_officer_id=None)
    over = steps.new_case(stage, S.CLOSED, "nobody", community_id=old, lead_officer_id=None)
    left = people["kept" if stays == "old" else "old"][0]
    place = kept if stays == "old" else old
    merged = [stage.add("case", liaison_id=left, community_id=place) for _ in range(2)]
    for id_, master in zip(merged, (open_case, over), strict=True):
        stage.put("case", id_, status=S.MERGED, master_id=master)
    chosen = people[stays]
    shown = html.unescape(stage.browse("office").get(f"/communities/merge?community={old}&into={kept}").text)
    assert f"1 件未结、{1 if stays == 'old' else 3} 件已结" in shown
    assert merge(stage, old, kept, liaison=str(chosen[0]), assignment=str(chosen[1])).status_code == 302
    gone, stored = stage.get("community", old), stage.get("community", kept)
    assert (gone.status, gone.merged_into_id, gone.merged_on) == (CommunityStatus.CLOSED, kept, today())
    assert stored.alias_names == "丙一社区、老丙"
    assert [one.name for one in current(stage, models.Liaison, kept)] == ["丙甲" if stays == "old" else "丙乙"]
    officer = stage.inside["officer" if stays == "old" else "second_officer"]
    assert [one.officer_id for one in current(stage, models.Assignment, kept)] == [officer]
    assert not current(stage, models.Liaison, old)
    told = current(stage, models.Liaison, kept)[0].id
    assert [stage.get("case", id_).liaison_id for id_ in merged] == [told, left], "told of what is still open"
    assert not current(stage, models.Assignment, old)
    visits = [stage.get("visit", id_) for id_ in ids[:2]]
    assert [(one.community_id, one.status) for one in visits] == [(old, VisitStatus.EXEMPT), (old, VisitStatus.DONE)]
    survey = [stage.get("surveyentry", id_).community_id for id_ in ids[2:5]]
    assert survey == [kept, old, kept], "what both have stays"
    assert stage.get("volunteer", ids[5]).community_id == kept
    account = "bingjia" if stays == "old" else "bingyi"
    for id_ in (open_case, over):
        assert stage.get("case", id_).community_id == old
        assert stage.browse(account).get(f"/admin/case/details/?id={id_}").status_code == 200
        where = "officer" if stays == "old" else "leader"
        assert stage.browse(where).get(f"/admin/case/details/?id={id_}").status_code == 200
    page = html.unescape(stage.browse("office").get(f"/admin/case/details/?id={open_case}").text)
    assert "丙一社区已并入丙二社区" in page
    with stage.session() as session:
        case = session.get_one(models.Case, open_case)
        user = sa.select(models.Liaison.user_id).where(
            models.Liaison.community_id == kept, models.Liaison.end_on.is_(None)
        )
        assert notices.recipients(session, case, (Recipient.LIAISON,)) == [session.scalars(user).one()]
        noted = "SELECT count(*) FROM auditentry WHERE table_name = 'community' AND action = 'event'"
        assert session.connection().execute(sa.text(noted)).scalar() == 2


def test_a_community_of_another_squad_goes_to_the_leader_of_the_kept_one(stage: Stage) -> None:
    old = community(stage, "丁一社区", squad_id=stage.outside["squad"])
    id_ = steps.new_case(stage, S.ACCEPTED, community_id=old, lead_officer_id=None)
    address = f"/admin/case/step/?id={id_}&step=void"
    assert stage.browse("leader").get(address).status_code == 404
    assert merge(stage, old, stage.inside["community"]).status_code == 302
    assert stage.browse("leader").get(address).status_code == 200


def test_files_that_name_the_old_community_match_the_kept_one(stage: Stage) -> None:
    old, kept = community(stage, "戊一社区"), community(stage, "戊二社区")
    assert merge(stage, old, kept).status_code == 302
    office = Office(stage)
    plan = office.plan("liaison", table(("社区", "姓名"), ("戊一居委会", "新来者")))
    assert [row.values["community_id"] for row in plan.rows] == [kept]
    header = ("街道", "社区", "户数")
    changed = office.plan("community", table(header, ("城东街道", "戊一社区", 900)))
    assert [place for _row, place, _why in errors(changed)] == ["社区"]
    same = office.plan("community", table(header[:2], ("城东街道", "戊一社区")))
    assert outcomes(same) == {2: "unchanged"}


def test_a_case_is_not_given_to_a_community_that_was_merged(stage: Stage) -> None:
    old, kept = community(stage, "己一社区"), community(stage, "己二社区")
    assert merge(stage, old, kept).status_code == 302
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    typed = {"community": str(old), "handler": "", "reason": "地点有误", "version": str(stage.get("case", id_).version)}
    answer = stage.browse("office").post(f"/admin/case/step/?id={id_}&step=change_community", typed)
    assert answer.status_code == 422
    assert "己一社区已并入己二社区" in html.unescape(answer.text)


def test_a_merged_community_is_not_brought_back(stage: Stage) -> None:
    old, kept = community(stage, "庚一社区"), community(stage, "庚二社区")
    assert merge(stage, old, kept).status_code == 302
    office = stage.browse("office")
    opened = office.form(f"/admin/community/edit/?id={old}")
    answer = office.post(f"/admin/community/edit/?id={old}", {**opened, "status": "active"})
    assert answer.status_code == 422
    third = community(stage, "庚三社区")
    assert merge(stage, kept, third).status_code == 302
    assert stage.get("community", old).merged_into_id == third, "what was merged before follows"


def test_figures_and_ledgers_of_the_past_do_not_change(stage: Stage) -> None:
    old, kept = community(stage, "辛一社区"), community(stage, "辛二社区")
    accepted = now() - timedelta(days=40)
    for status in (S.HANDLING, S.CLOSED):
        steps.new_case(
            stage, status, "officer", community_id=old, accepted_at=accepted, reported_at=accepted - timedelta(hours=1)
        )
    past = Month.of(accepted.date())
    span = Span(past.start.date(), (past.end - timedelta(days=1)).date())

    def state() -> tuple[Any, Any]:
        with stage.session() as session:
            table_ = sums.table(session, ReportQuery(span), Grouping.COMMUNITY)
            figures = [(str(line.label), line.values) for line in (*table_.lines, table_.total)]
            printed = [row.cells() for basis in Basis for row in rows.rows(session, past, basis)]
            return figures, printed

    before = state()
    assert before[1]
    assert merge(stage, old, kept).status_code == 302
    assert state() == before


def test_a_merger_moves_what_awaits_feedback_with_an_event(stage: Stage) -> None:
    """A case merged into an open one holds its liaison up; the merger gives it on as a handover does."""
    old, kept = community(stage, "辛一社区"), community(stage, "辛二社区")
    goes, stays = liaison(stage, old, "辛甲"), liaison(stage, kept, "辛乙")
    master = steps.new_case(stage, S.HANDLING, "nobody", community_id=old, liaison_id=goes, lead_officer_id=None)
    double = steps.new_case(stage, S.DISPATCHED, "nobody", community_id=old, liaison_id=goes, lead_officer_id=None)
    steps.take(stage, "office", double, "merge", master=master)
    waiting = steps.new_case(stage, S.HANDLING, "nobody", community_id=old, liaison_id=None, lead_officer_id=None)
    assert merge(stage, old, kept, liaison=str(stays)).status_code == 302
    for id_ in (master, double, waiting):
        assert stage.get("case", id_).liaison_id == stays
        with stage.session() as session:
            last = steps.history(session, id_)[-1]
            assert (last.step, last.payload["liaison_id"][1]) == (HANDED_OVER, stays)


def test_a_community_on_which_something_hangs_is_not_closed(stage: Stage) -> None:
    place = community(stage, "壬一社区")
    holder, term = liaison(stage, place, "壬甲"), assign(stage, place, stage.inside["officer"])
    case = steps.new_case(stage, S.HANDLING, "nobody", community_id=place, liaison_id=holder, lead_officer_id=None)
    office, address = stage.browse("office"), f"/admin/community/edit/?id={place}"
    closed = office.form(address) | {"status": "closed"}
    answer = office.post(address, closed)
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert "未结案件 1" in page
    assert f"/communities/merge?community={place}" in page
    assert stage.get("community", place).status is CommunityStatus.ACTIVE
    roster = table(("街道", "社区", "状态"), (stage.get("street", stage.inside["street"]).name, "壬一社区", "已撤并"))
    with pytest.raises(UserError, match="壬一社区"):
        Office(stage).run("community", roster)
    with stage.session() as session:
        elsewhere = {"community_id": stage.inside["community"], "liaison_id": stage.inside["liaison"]}
        session.execute(sa.update(models.Case).where(models.Case.id == case).values(elsewhere))
        session.get_one(models.Liaison, holder).end_on = today() - timedelta(1)
        session.get_one(models.Assignment, term).end_on = today() - timedelta(1)
    assert office.post(address, office.form(address) | {"status": "closed"}).status_code == 302
    assert stage.get("community", place).status is CommunityStatus.CLOSED


def test_who_and_what_has_ended_is_not_chosen_in_a_form(stage: Stage) -> None:
    """A closed community and an officer out of service: neither offered nor taken, but kept where they stand."""
    office, place = stage.browse("office"), community(stage, "癸一社区", status=CommunityStatus.CLOSED)
    with stage.session() as session:
        out = models.Officer(name="孙卫国", squad_id=stage.inside["squad"], active=False)
        session.add(out)
        session.flush()
        retired = out.id
    lookup = "/admin/liaison/ajax/lookup/?name=community&query=癸一"
    assert "癸一社区" not in office.get(lookup).text
    assert "癸一社区" in office.get(lookup + "&every=1").text
    for address, values, sentence in (
        ("/admin/liaison/new/", {"name": "癸甲", "community": str(place), "start_on": "2026-01-01"}, "已停用"),
        ("/admin/assignment/new/", {"community": str(place), "officer": str(stage.inside["officer"])}, "已停用"),
        ("/admin/assignment/new/", {"community": str(stage.inside["community"]), "officer": str(retired)}, "已不在岗"),
        (f"/admin/case/edit/?id={stage.inside['case']}", {"lead_officer": str(retired)}, "已不在岗"),
    ):
        answer = office.post(address, office.form(address) | values)
        assert answer.status_code == 422, address
        assert sentence in html.unescape(answer.text), address
    kept = community(stage, "癸二社区")
    person = liaison(stage, kept, "癸乙")
    address = f"/admin/liaison/edit/?id={person}"
    opened = office.form(address)
    with stage.session() as session:
        ended = sa.update(models.Community).where(models.Community.id == kept)
        session.execute(ended.values(status=CommunityStatus.CLOSED))
    assert office.post(address, opened | {"note": "已核对"}).status_code == 302
