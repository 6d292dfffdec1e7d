"""The papers of a mediation: their words, their numbers, who sees the parties in clear."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from bureau.mediation.agreements import FollowUpResult
from bureau.mediation.mediation import Ending
from bureau.settings import settings
from models import AgreementForm, Attending, Mediation
from panel.kinds import Invalid, today
from tests.factories import Stage
from tests.mediation.test_mediation import A, B, begun, only, take

FORMS = {
    AgreementForm.COMMITTEE: (
        "人民调解协议书",
        "自各方当事人签名（盖章或按指印）、调解员签名并加盖人民调解委员会印章之日起生效",
        "人民调解委员会留存一份",
        "东栅社区人民调解委员会（盖章）",
    ),
    AgreementForm.WRITTEN: ("和解协议", "在我单位协调下自愿达成", "自双方签字之日起生效", "一式三份"),
    AgreementForm.ORAL: ("口头调解协议登记表", "自双方达成协议之日起生效，由调解员记录在案"),
}


def ended(stage: Stage, form: AgreementForm = AgreementForm.WRITTEN) -> Mediation:
    """A mediation in two sessions, one with party A alone, that ended with an agreement of this form."""
    id_ = begun(stage)
    take(stage, id_, "session", attending=Attending.ONE, minutes=f"{A}陈述诉求")
    take(stage, id_, "session", minutes="双方同意移机")
    take(
        stage,
        id_,
        "end_mediation",
        ending=Ending.AGREED,
        agreement=f"{B}将外机移至南侧",
        agreement_form=form,
        perform_by=today() + timedelta(7),
    )
    return only(stage, id_)


def paper(stage: Stage, id_: int, name: str, role: str = "officer") -> str:
    answer = stage.browse(role).get(f"/admin/mediation/paper/?paper={name}&id={id_}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize("form", AgreementForm)
def test_an_agreement_has_the_words_of_its_form_and_no_other(stage: Stage, form: AgreementForm) -> None:
    with stage.session() as session:
        settings.put(session, "unit_name", "某某区综合行政执法局")
    page = paper(stage, ended(stage, form).id, "agreement")
    for words in (*FORMS[form], "乙方将外机移至南侧", "履行期限"):
        assert words in page, words
    for other, words in FORMS.items():
        assert other is form or f"<h1>{words[0]}</h1>" not in page
        assert other is form or words[1] not in page
    assert A not in page
    assert B not in page
    assert ("某某区综合行政执法局" in page) == (form is not AgreementForm.COMMITTEE)
    assert ("（盖章）" in page) == (form is AgreementForm.COMMITTEE)


def test_each_written_form_has_numbers_of_its_own_without_gaps(stage: Stage) -> None:
    forms = (AgreementForm.COMMITTEE, AgreementForm.WRITTEN, AgreementForm.ORAL, AgreementForm.COMMITTEE)
    made = [ended(stage, form) for form in forms]
    assert [one.agreement_no for one in made] == ["人调协〔2026〕1号", "综执和〔2026〕1号", None, "人调协〔2026〕2号"]
    assert "人调协〔2026〕2号" in paper(stage, made[3].id, "agreement")
    with stage.session() as session, pytest.raises(Invalid):
        settings.put(session, "settlement_prefix", "人调协")


def test_the_committee_is_that_of_the_setting_if_there_is_one(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "committee_name", "南湖区矛调中心人民调解委员会")
    page = paper(stage, ended(stage, AgreementForm.COMMITTEE).id, "agreement")
    assert "南湖区矛调中心人民调解委员会（盖章）" in page
    assert "东栅社区人民调解委员会" not in page


def test_the_notice_of_rights_is_the_offices_text(stage: Stage) -> None:
    made = only(stage, begun(stage))
    page = paper(stage, made.id, "rights")
    for words in ("权利义务告知书", "接受调解、拒绝调解或者要求终止调解", "如实陈述纠纷事实", "告知人", "甲方（签名）"):
        assert words in page, words
    form = stage.browse("office").form("/settings")
    answer = stage.browse("office").post("/settings", {**form, "mediation_rights": "第一段\n\n第二段"})
    assert answer.status_code == 302
    page = paper(stage, made.id, "rights")
    assert re.search(r'<p class="text">第一段</p>\s*<p class="text">第二段</p>', page)
    assert "如实陈述纠纷事实" not in page


def test_each_session_has_its_record(stage: Stage) -> None:
    made = ended(stage)
    first, second = paper(stage, made.id, "session-1"), paper(stage, made.id, "session-2")
    assert "调解笔录（第 1 场）" in first
    assert "甲方陈述诉求" in first
    assert "乙方（签名）" not in first  # who wasn't there doesn't sign
    for words in ("调解笔录（第 2 场）", "双方同意移机", "确认无误", "甲方（签名）", "乙方（签名）", "记录人（签名）"):
        assert words in second, words
    for missing in ("session-3", "session-x", "follow_up", "nothing", ""):
        address = f"/admin/mediation/paper/?paper={missing}&id={made.id}"
        assert stage.browse("officer").get(address).status_code == 404


def test_the_follow_up_is_a_record_and_the_file_lists_every_paper(stage: Stage) -> None:
    made = ended(stage)
    take(stage, made.case_id, "perform", performance=FollowUpResult.PERFORMED, follow_up="外机已移位")
    page = paper(stage, made.id, "follow_up")
    for words in ("回访记录", "外机已移位", "已履行", "综执和〔2026〕1号", "被回访人（签名）"):
        assert words in page, words
    whole = paper(stage, made.id, "file")
    assert re.findall(r"<h1>(.*?)</h1>", whole) == [
        "卷内目录",
        "调解当事人权利义务告知书",
        "调解笔录（第 1 场）",
        "调解笔录（第 2 场）",
        "和解协议",
        "回访记录",
    ]
    listed = re.search(r"<tbody>(.*?)</tbody>", whole, re.S)
    assert listed is not None
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", listed[1], re.S)]
    assert [row[0] for row in cells] == ["1", "2", "3", "4", "5"]
    assert cells[3][1:4] == ["综执和〔2026〕1号", "和解协议", today().isoformat()]
    assert "页次" in whole


@pytest.mark.parametrize("name", ["rights", "session-1", "agreement", "file"])
def test_a_paper_names_the_parties_for_a_reason_on_record(stage: Stage, name: str) -> None:
    made = ended(stage)
    address = f"/admin/mediation/reveal/?id={made.id}&as={name}"
    page = html.unescape(stage.browse("officer").post(address, {"reason": "双方签字"}).text)
    assert A in page
    assert B in page
    masked = paper(stage, made.id, name)
    assert A not in masked
    assert B not in masked
    assert stage.browse("liaison").post(address, {"reason": "看看"}).status_code == 403


def test_the_page_of_a_mediation_leads_to_its_papers(stage: Stage) -> None:
    made = ended(stage)
    page = html.unescape(stage.browse("officer").get(f"/admin/mediation/details/?id={made.id}").text)
    for name in ("rights", "session-1", "session-2", "agreement", "file"):
        assert f"paper={name}" in page
    assert "paper=follow_up" not in page
