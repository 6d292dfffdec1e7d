"""Document numbers of referrals: one series for each kind and year, without gaps, at every door."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

import models
from bureau.referrals import numbers
from bureau.settings import settings
from bureau.upkeep import consistency
from models import Case, CaseStatus, Referral, ReferralKind
from panel.kinds import Invalid, now
from tests import steps
from tests.factories import Stage, memory_session

SENT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def sent(stage: Stage, id_: int) -> Referral:
    """The referral of a case that has one."""
    with stage.session() as session:
        return session.scalars(sa.select(Referral).where(Referral.case_id == id_)).one()


def test_each_kind_counts_for_itself_in_each_year() -> None:
    with memory_session() as session:
        given = [
            numbers.next_no(session, kind, at)
            for kind, at in (
                (ReferralKind.TRANSFER, SENT),
                (ReferralKind.NOTICE, SENT),
                (ReferralKind.TRANSFER, SENT),
                (ReferralKind.JOINT, SENT),
                (ReferralKind.TRANSFER, NEW_YEAR),
            )
        ]
    assert given == [
        "综执移〔2026〕1号",
        "综执抄〔2026〕1号",
        "综执移〔2026〕2号",
        "综执协〔2026〕1号",
        "综执移〔2027〕1号",
    ]


def test_no_two_kinds_of_numbers_have_one_prefix() -> None:
    with memory_session() as session:
        for key in settings.PREFIXES:
            others = [settings.get(session, other) for other in settings.PREFIXES if other != key]
            for taken in others:
                with pytest.raises(Invalid):
                    settings.put(session, key, taken)
        settings.put(session, "joint_prefix", "南综执协")
        assert numbers.next_no(session, ReferralKind.JOINT, SENT) == "南综执协〔2026〕1号"


@pytest.mark.parametrize("typed", ["综执移〔2026〕2号", "综执移[2026]2号", "综执移（2026）第2号", "综执移【2026】002"])
def test_a_number_of_the_series_is_counted_however_it_is_typed(typed: str) -> None:
    with memory_session() as session:
        numbers.next_no(session, ReferralKind.TRANSFER, SENT)
        assert numbers.own_no(session, ReferralKind.TRANSFER, typed) == ("综执移〔2026〕2号", None)
        assert numbers.next_no(session, ReferralKind.TRANSFER, SENT) == "综执移〔2026〕3号"


@pytest.mark.parametrize("typed", ["综执移〔2026〕3号", "综执抄〔2026〕1号", "综执移〔2026〕0号"])
def test_a_number_that_would_leave_a_gap_is_refused(typed: str) -> None:
    with memory_session() as session:
        numbers.next_no(session, ReferralKind.TRANSFER, SENT)
        text, problem = numbers.own_no(session, ReferralKind.TRANSFER, typed)
        assert (text, bool(problem)) == (typed, True)
        assert numbers.next_no(session, ReferralKind.TRANSFER, SENT) == "综执移〔2026〕2号"


def test_a_number_of_another_register_is_no_part_of_the_series() -> None:
    with memory_session() as session:
        assert numbers.own_no(session, ReferralKind.TRANSFER, "来文-1") == ("来文-1", None)
        assert numbers.next_no(session, ReferralKind.TRANSFER, SENT) == "综执移〔2026〕1号"


def test_the_series_goes_on_after_what_a_register_brought_in() -> None:
    with memory_session() as session:
        numbers.count_own(
            session, iter(["综执移〔2026〕12号", None, "综执移〔2026〕7号", "联移9号", "综执协〔2025〕3号"])
        )
        assert numbers.next_no(session, ReferralKind.TRANSFER, SENT) == "综执移〔2026〕13号"
        assert numbers.next_no(session, ReferralKind.JOINT, SENT) == "综执协〔2026〕1号"


def test_a_referral_gets_its_number_by_itself_and_the_check_knows(stage: Stage) -> None:
    """Also where a letter of that number stood already before the series began."""
    year = now().year
    with stage.session() as session:
        # As an older version of the panel stored it.
        old = sa.update(Referral).where(Referral.id == stage.inside["referral"])
        session.execute(old.values(document_no=f"综执移〔{year}〕4号"))
    given = []
    for number in (None, "移字9号", None):
        id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
        steps.take(stage, "officer", id_, "refer", document_no=number)
        given.append(sent(stage, id_).document_no)
    assert given[1] == "移字9号"
    assert given[0] == f"综执移〔{year}〕1号"
    assert given[2] == f"综执移〔{year}〕2号"
    with stage.session() as session:
        said = [str(one) for one in consistency._numbers(session)]
    assert [one for one in said if "综执移" in one] == [f"综执移〔{year}〕4号 超出编号计数，以后会重号。"]
    with stage.session() as session:
        numbers.count_own(session, iter([f"综执移〔{year}〕3号"]))
        assert numbers.next_no(session, ReferralKind.TRANSFER, now()) == f"综执移〔{year}〕5号"


def test_a_gap_is_refused_over_http_and_an_empty_field_is_numbered(stage: Stage) -> None:
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
    office = stage.browse("office")
    address = f"/admin/case/step/?id={id_}&step=refer"
    form = {
        "department": str(stage.inside["department"]),
        "kind": "notice",
        "request": "请依职责处理",
        "version": str(stage.get("case", id_).version),
    }
    refused = office.post(address, data={**form, "document_no": f"综执抄〔{now().year}〕40号"})
    assert refused.status_code == 422
    assert f"综执抄〔{now().year}〕1号" in refused.text
    assert office.post(address, data={**form, "document_no": ""}).status_code == 302
    one = sent(stage, id_)
    assert (one.document_no, one.kind) == (f"综执抄〔{now().year}〕1号", ReferralKind.NOTICE)


def test_the_department_that_leads_the_item_is_proposed(stage: Stage) -> None:
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
    with stage.session() as session:
        item = session.get_one(models.ChecklistItem, session.get_one(Case, id_).item_id)
        item.department_id = stage.inside["department"]
    page = stage.browse("office").get(f"/admin/case/step/?id={id_}&step=refer").text
    assert f'value="{stage.inside["department"]}"' in page


def test_a_number_that_is_edited_leaves_no_gap(stage: Stage) -> None:
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
    steps.take(stage, "officer", id_, "refer", document_no="嘉函1号", kind=ReferralKind.TRANSFER)
    referral = sent(stage, id_)
    browser, address = stage.browse("office"), f"/admin/referral/edit/?id={referral.id}"
    year = referral.sent_at.year
    answer = browser.post(address, browser.form(address) | {"document_no": f"综执移〔{year}〕900号"})
    assert "综执移" in browser.complaints(answer.text)
    assert sent(stage, id_).document_no == "嘉函1号"
    browser.post(address, browser.form(address) | {"document_no": f"综执移[{year}]1号"})
    assert sent(stage, id_).document_no == f"综执移〔{year}〕1号"
