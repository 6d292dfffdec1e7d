"""Duplicates are merged until they are handled; what hangs on the merged one moves to the master, or ends."""

from __future__ import annotations

import html

import pytest
import sqlalchemy as sa

from bureau.cases import events
from bureau.cases.errors import StepNotAllowed
from models import (
    Case,
    CaseStatus,
    ChangeStatus,
    DeadlineChange,
    Mediation,
    MediationStatus,
    Referral,
    ReferralStatus,
)
from tests import steps
from tests.factories import Stage

S = CaseStatus


def referrals(stage: Stage, id_: int) -> list[Referral]:
    with stage.session() as session:
        return list(session.scalars(sa.select(Referral).where(Referral.case_id == id_).order_by(Referral.id)))


def test_a_referred_case_gives_its_referral_to_the_master(stage: Stage) -> None:
    master = steps.new_case(stage, S.DISPATCHED, "officer")
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    (paper,) = referrals(stage, id_)
    assert steps.take(stage, "office", id_, "merge", master=master).status is S.MERGED
    assert referrals(stage, id_) == []
    (moved,) = referrals(stage, master)
    assert (moved.id, moved.status) == (paper.id, ReferralStatus.SENT)
    with stage.session() as session:
        found = steps.history(session, master)
        assert (found[-1].step, found[-1].to_status) == ("take_over", S.REFERRED)
        assert str(paper.document_no) in str(found[-1].opinion)
        assert events.verify(found) is None
        assert session.get_one(Case, master).status is S.REFERRED
    page = stage.browse("office").get(f"/admin/case/details/?id={master}").text
    assert "接收移送" in page
    assert steps.take(stage, "office", master, "reply").status is S.HANDLING


@pytest.mark.parametrize("status", [S.REPORTED, S.MEDIATING, S.SUSPENDED, S.HANDLED, S.REFERRED])
def test_a_master_that_cannot_take_it_leaves_it_withdrawn(stage: Stage, status: CaseStatus) -> None:
    """One that waits for the same department, or that can't be referred now."""
    master = steps.new_case(stage, status, "officer")
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    before = referrals(stage, master)
    steps.take(stage, "office", id_, "merge", master=master)
    assert [one.status for one in referrals(stage, id_)] == [ReferralStatus.WITHDRAWN]
    assert [one.id for one in referrals(stage, master)] == [one.id for one in before]
    assert stage.get("case", master).status is status


def test_mediation_and_request_end_with_the_case(stage: Stage) -> None:
    master = steps.new_case(stage, S.HANDLING, "officer")
    id_ = steps.new_case(stage, S.MEDIATING, "officer")
    steps.take(stage, "officer", id_, "extend", days=1)
    form = f"/admin/case/step/?id={id_}&step=merge&master={master}"
    said = html.unescape(stage.browse("office").get(form).text)
    assert "终止（未达成协议）" in said
    assert "待审批的申请（延期）失效" in said
    steps.take(stage, "office", id_, "merge", master=master)
    with stage.session() as session:
        mediation = session.scalars(sa.select(Mediation).where(Mediation.case_id == id_)).one()
        request = session.scalars(sa.select(DeadlineChange).where(DeadlineChange.case_id == id_)).one()
    assert (mediation.status, request.status) == (MediationStatus.FAILED, ChangeStatus.REFUSED)


def test_a_voided_case_withdraws_its_referrals_and_says_so(stage: Stage) -> None:
    id_ = steps.new_case(stage, S.REFERRED, "officer")
    (paper,) = referrals(stage, id_)
    said = html.unescape(stage.browse("leader").get(f"/admin/case/step/?id={id_}&step=void").text)
    assert f"未反馈的移送 {paper.document_no}" in said
    steps.take(stage, "leader", id_, "void")
    assert [one.status for one in referrals(stage, id_)] == [ReferralStatus.WITHDRAWN]
    late = stage.browse("office").get("/admin/referral/?is=waiting").text
    assert str(paper.document_no) not in late


def test_what_is_handled_is_merged_no_more(stage: Stage) -> None:
    master = steps.new_case(stage, S.HANDLING, "officer")
    for status in (S.HANDLED, S.VERIFIED):
        id_ = steps.new_case(stage, status, "officer")
        office = stage.browse("office")
        assert "step=merge" not in office.get(f"/admin/case/details/?id={id_}").text
        with pytest.raises(StepNotAllowed):
            steps.take(stage, "office", id_, "merge", master=master)
    id_ = steps.new_case(stage, S.HANDLING, "officer")
    answer = stage.browse("office").post(
        f"/admin/case/step/?id={id_}&step=merge",
        data={"master": str(master), "reason": "同一件事", "version": str(stage.get("case", id_).version)},
    )
    assert answer.status_code == 302
    assert stage.get("case", id_).status is S.MERGED
