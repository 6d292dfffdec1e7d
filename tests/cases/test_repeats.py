"""Likely repeats: by place and item, by who complains, by similar words; shown within one's area only; merged."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import repeats
from bureau.cases.errors import InvalidValues
from bureau.cases.records import merged_told
from bureau.settings import settings
from models import Case, CaseStatus, Feedback
from panel.kinds import PersonName, now
from tests import steps
from tests.factories import Stage, counted

pytestmark = pytest.mark.database

S = CaseStatus
FAR = {"place": "西塔路 9 号", "description": "夜里有人唱歌，声音很大"}


def new(stage: Stage, status: CaseStatus = S.REPORTED, phone: str | None = None, **given: Any) -> int:
    id_ = steps.new_case(stage, status, "officer", **{**FAR, **given})
    with stage.session() as session:
        party = session.scalars(sa.select(models.CaseParty).where(models.CaseParty.case_id == id_)).one()
        party.phone = phone or f"1380000{id_:04}"
    return id_


def found(stage: Stage, id_: int, account: str = "office") -> repeats.LikelyRepeats:
    with steps.acting(stage, account) as session:
        case = session.execute(sa.select(Case).where(Case.id == id_)).scalar_one()
        return repeats.of_case(session, case)


def why(stage: Stage, id_: int, other: int, account: str = "office") -> list[str]:
    return [str(reason) for one in found(stage, id_, account).repeats if one.id == other for reason in one.reasons]


def test_the_same_place_and_item(stage: Stage) -> None:
    item = stage.inside["checklistitem"]
    first = new(stage, S.HANDLING, place="西塔路9号")
    again = new(stage, item_id=item, description="店门口又摆了东西")
    elsewhere = new(stage, item_id=item, place="西塔路 10 号", description="店门口又摆了东西")
    assert why(stage, again, first) == [str(repeats.SAME_PLACE)]
    assert why(stage, elsewhere, first) == []


def test_similar_words_in_the_community(stage: Stage) -> None:
    first = new(stage, description="4幢2单元楼道里堆放杂物，影响居民通行", place="4 幢")
    again = new(stage, description="楼道堆放杂物，影响通行", place="")
    assert str(repeats.SIMILAR_DESCRIPTION) in why(stage, again, first)
    with stage.session() as session:
        session.get_one(Case, first).community_id = stage.outside["community"]
    assert why(stage, again, first) == []


def test_the_same_complainant_wherever_it_is(stage: Stage) -> None:
    first = new(stage, phone="13911112222")
    with stage.session() as session:
        session.get_one(Case, first).community_id = stage.outside["community"]
    again = new(stage, phone="13911112222", place="别处", description="另一件事")
    assert why(stage, again, first) == [str(repeats.SAME_CALLER)]


def test_the_window_is_a_setting(stage: Stage) -> None:
    item, long_ago = stage.inside["checklistitem"], now() - timedelta(days=100)
    closed = new(stage, S.CLOSED)
    with stage.session() as session:
        case = session.get_one(Case, closed)
        case.reported_at = case.accepted_at = case.closed_at = long_ago
    again = new(stage, item_id=item)
    assert why(stage, again, closed) == []
    with stage.session() as session:
        settings.put(session, "repeat_days", 120)
    assert why(stage, again, closed)


def test_what_was_no_case_is_not_repeated(stage: Stage) -> None:
    item = stage.inside["checklistitem"]
    others = [new(stage, status, item_id=item) for status in (S.REJECTED, S.VOIDED, S.MERGED)]
    again = new(stage, item_id=item)
    assert not any(why(stage, again, other) for other in others)


def test_outside_ones_area_there_is_a_number_and_nothing_more(stage: Stage) -> None:
    first = new(stage, phone="13911112222", place="不可见处", description="外区的描述文字", title="外区的标题")
    with stage.session() as session:
        case = session.get_one(Case, first)
        case.community_id, case.lead_officer_id, case.handler_id = stage.outside["community"], None, None
        number = case.case_no
    again = new(stage, phone="13911112222", place="别处", description="另一件事")
    assert why(stage, again, first, "office")
    for account in ("officer", "leader"):
        told = found(stage, again, account)
        assert first not in {one.id for one in told.repeats}
        assert told.elsewhere == 1
        page = html.unescape(stage.browse(account).get(f"/admin/case/details/?id={again}").text)
        assert not any(word in page for word in (number, "外区的标题", "外区的描述文字"))
        assert str(repeats.SIMILAR_DESCRIPTION) not in page or number not in page


def test_it_is_shown_while_one_reports(stage: Stage) -> None:
    """By what was typed so far; inside one's area with the number, outside it as a count."""
    near = new(stage, S.HANDLING, description="4幢2单元楼道里堆放杂物，影响居民通行", place="4 幢")
    far = new(stage, phone="13911112222", description="外区的描述文字", title="外区的标题")
    with stage.session() as session:
        case = session.get_one(Case, far)
        case.community_id, case.lead_officer_id, case.handler_id = stage.outside["community"], None, None
        hidden = case.case_no
    number = stage.get("case", near).case_no
    typed = {"place": "4幢", "description": "楼道堆放杂物，影响通行", "anonymous": "0", "phone": "139 1111 2222"}

    def known(who: str, **given: str) -> Any:
        browser = stage.browse(who)
        own = {} if who == "liaison" else {"community": str(stage.inside["community"])}
        return browser.post("/report/known", {**browser.form("/report"), **typed, **own, **given})

    for who in ("liaison", "officer"):
        answer = known(who)
        assert [one["number"] for one in answer.json["cases"]] == [number]
        assert answer.json["elsewhere"] == "", "a number typed is compared with none that one can't see"
        assert hidden not in answer.text
        assert "外区" not in answer.text
    assert {one["number"] for one in known("office").json["cases"]} == {number}
    assert known("liaison", phone="139", description="外墙渗水，屋内返潮").json == {"cases": [], "elsewhere": ""}
    assert known("office", community="999999").json == {"cases": [], "elsewhere": ""}
    assert stage.browse("viewer").post("/report/known", typed).status_code in (400, 403)


def test_a_telephone_that_is_typed_is_compared_with_none(stage: Stage) -> None:
    """The hint would answer whose number it is, without a case and without a record of the question."""
    new(stage, S.HANDLING, phone="13911112222", description="外墙渗水，屋内返潮")
    typed = {"place": "别处", "description": "另外的一件事情", "anonymous": "0", "name": "某人"}
    for who in ("liaison", "officer", "office"):
        given = {"community": str(stage.inside["community"]), **typed, "phone": "13911112222"}
        assert stage.browse(who).post("/report/known", given).json["cases"] == []


def test_without_a_script_the_report_shows_what_is_known_before_it_is_sent(stage: Stage) -> None:
    number = stage.get("case", new(stage, S.HANDLING)).case_no
    browser = stage.browse("liaison")
    before = stage.count("case")
    given = {**browser.form("/report"), **FAR, "urgency": "normal", "anonymous": "1", "asked": ""}
    shown = browser.post("/report", given)
    assert (shown.status_code, stage.count("case")) == (200, before)
    assert number in shown.text
    assert browser.post("/report", {**given, "asked": "1"}).status_code == 302


def test_it_is_shown_at_intake_and_leads_to_the_merge(stage: Stage) -> None:
    first = new(stage, S.HANDLING, item_id=stage.inside["checklistitem"])
    again = new(stage, item_id=stage.inside["checklistitem"])
    with stage.session() as session:
        number = session.get_one(Case, first).case_no
    for address in (f"/admin/case/details/?id={again}", f"/admin/case/step/?id={again}&step=accept"):
        page = html.unescape(stage.browse("office").get(address).text)
        assert number in page
        assert f"step=merge&master={first}" in page
    form = stage.browse("office").form(f"/admin/case/step/?id={again}&step=merge&master={first}")
    assert form["master"] == str(first)
    answer = stage.browse("office").post(
        f"/admin/case/step/?id={again}&step=merge", form | {"reason": "与在办案件为同一事项"}
    )
    assert answer.status_code == 302
    made = stage.get("case", again)
    assert (made.status, made.master_id) == (S.MERGED, first)
    with stage.session() as session:
        merged = session.get_one(Case, again).case_no
    assert merged in stage.browse("office").get(f"/admin/case/details/?id={first}").text


def test_the_statements_do_not_grow_with_the_cases(stage: Stage) -> None:
    again, sent = new(stage, item_id=stage.inside["checklistitem"]), []
    for _more in (0, 15):
        for _n in range(_more):
            new(stage, item_id=stage.inside["checklistitem"])
        with steps.acting(stage, "leader") as session:
            case = session.execute(sa.select(Case).where(Case.id == again)).scalar_one()
            with counted(session.get_bind()) as statements:
                told = repeats.of_case(session, case, 90)
        sent.append(len(statements))
    assert sent == [1, 1]
    assert len(told.repeats) == repeats.SHOWN


def test_a_case_is_merged_into_an_open_one_and_takes_its_own_along(stage: Stage) -> None:
    first, second, third = (new(stage) for _ in range(3))
    steps.take(stage, "office", third, "merge", master=second)
    for master in (third, second, stage.inside["case"]):
        if master == stage.inside["case"]:
            with stage.session() as session:
                steps.place(session, stage, session.get_one(Case, master), S.CLOSED, "officer")
        with pytest.raises(InvalidValues) as lacking:
            steps.take(stage, "office", second, "merge", master=master)
        assert list(lacking.value.problems) == ["master"]
    merged = steps.take(stage, "office", second, "merge", master=first)
    assert (merged.status, merged.master_id) == (S.MERGED, first)
    assert merged.closed_at is not None
    assert stage.get("case", third).master_id == first


def test_the_reporters_of_merged_cases_are_told_when_the_master_closes(stage: Stage) -> None:
    master = steps.new_case(stage, S.VERIFIED, "leader")
    with stage.session() as session:
        handled = session.get_one(Case, master)
        handled.handled_at = now() - timedelta(hours=1)
    merged = [new(stage), new(stage)]
    with stage.session() as session:
        party = session.scalars(sa.select(models.CaseParty).where(models.CaseParty.case_id == merged[1])).one()
        party.anonymous, party.name, party.phone = True, None, None
    for id_ in merged:
        steps.take(stage, "office", id_, "merge", master=master)
    with stage.session() as session:
        (first,) = session.scalars(sa.select(models.CaseParty.id).where(models.CaseParty.case_id == merged[0]))
        second = models.CaseParty(case_id=merged[0], name="欧阳文静", role="complainant")
        session.add(second)
        session.flush()
        second_id = second.id
    for missing in ("merged_content", f"told_{first}_content", f"told_{second_id}_satisfaction"):
        with pytest.raises(InvalidValues) as lacking:
            steps.take(stage, "office", master, "close", **{missing: None})
        assert list(lacking.value.problems) == [missing]
    browser, address = stage.browse("office"), f"/admin/case/step/?id={master}&step=close"
    form = browser.form(address)
    assert {name.rpartition("_")[0] for name in form if name.startswith("told_")} == {
        f"told_{first}",
        f"told_{second_id}",
    }
    assert PersonName().mask("欧阳文静") in html.unescape(browser.get(address).text)
    typed = form | {"liaison_content": "已告知", "complainant_content": "已告知", "satisfaction": "satisfied"}
    typed |= {"merged_content": "已告知", f"told_{first}_content": "已当面告知", f"told_{first}_channel": "visit"}
    typed |= {f"told_{first}_satisfaction": "unsatisfied", f"told_{second_id}_satisfaction": "unreached"}
    early = browser.post(address, typed | {f"told_{first}_at": "2026-01-01T08:00"})
    assert early.status_code == 422
    assert "已当面告知" in early.text
    assert "办理" in browser.complaints(early.text) or "处置" in browser.complaints(early.text)
    assert browser.post(address, typed).status_code == 302
    assert stage.get("case", master).status is S.CLOSED
    with stage.session() as session:
        rows = sa.select(Feedback.channel, Feedback.satisfaction, Feedback.content).where(
            Feedback.case_id == merged[0], Feedback.target == models.FeedbackTarget.COMPLAINANT
        )
        assert [tuple(map(str, row)) for row in session.execute(rows.order_by(Feedback.id))] == [
            ("visit", "unsatisfied", "已当面告知"),
            ("phone", "unreached", "未联系上"),
        ]
        told = session.execute(sa.select(Feedback.case_id, Feedback.target).where(Feedback.case_id.in_(merged))).all()
        assert sorted((id_, str(target)) for id_, target in told) == [
            (merged[0], "complainant"),
            (merged[0], "complainant"),
            (merged[0], "liaison"),
            (merged[1], "liaison"),
        ]
        assert not merged_told.due(session, session.get_one(Case, master))
        assert "已当面告知" not in str(steps.history(session, master)[-1].payload)


@pytest.mark.parametrize(("step", "who", "status"), [("void", "leader", S.HANDLING), ("reject", "office", S.REPORTED)])
def test_a_master_ends_only_when_the_reporters_of_merged_cases_are_told(
    stage: Stage, step: str, who: str, status: CaseStatus
) -> None:
    master, merged = new(stage, status), new(stage)
    steps.take(stage, "office", merged, "merge", master=master)
    with pytest.raises(InvalidValues) as lacking:
        steps.take(stage, who, master, step, merged_content=None)
    assert list(lacking.value.problems) == ["merged_content"]
    steps.take(stage, who, master, step, merged_content="已告知：不属本局职责")
    with stage.session() as session:
        told = session.scalars(sa.select(Feedback.content).where(Feedback.case_id == merged)).all()
    assert set(told) == {"已告知：不属本局职责", "已告知并案的投诉人"}
