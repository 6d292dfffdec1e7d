"""Letters by kind: what each says, the respondents that a transfer names, what goes with it; never who complained."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa

import models
from models import PartyRole, ReferralKind, ReferralStatus
from panel.kinds import now, today
from panel.security.records import AuditEntry
from tests.factories import Stage
from tests.steps import new_case

COMPLAINANT = {"name": "欧阳文静", "phone": "13712345678", "address": "东栅社区 3 幢 201 室"}
RESPONDENT = {"name": "司徒建国", "phone": "13987654321", "address": "东栅社区 9 幢 502 室"}
WORDS = {
    ReferralKind.TRANSFER: (
        "案件移送函",
        "现随函移送，请依法处理",
        "随函材料：",
        "回执：现收到贵单位案件移送函",
        "移交人",
    ),
    ReferralKind.NOTICE: ("抄告单", "现将有关情况抄告贵单位，请依职责处理", "本抄告单无需回复", "送达人"),
    ReferralKind.JOINT: ("联动协调函", "请贵单位派员协同处置", "参加人员及联系电话", "联合行动日期", "送达人"),
}


def letter(stage: Stage, kind: ReferralKind, **given: Any) -> int:
    """A letter about a case whose complainant stands in every text that somebody could write."""
    id_ = new_case(stage, models.CaseStatus.HANDLING, "officer")
    with stage.session() as session:
        session.execute(sa.delete(models.CaseParty).where(models.CaseParty.case_id == id_))
        case = session.get_one(models.Case, id_)
        told = "欧阳文静（欧阳女士，137 1234 5678）住东栅社区3幢201室，即3-201，反映司徒建国 13987654321 养鸡"
        case.description, case.place, case.title = told, "东栅社区 3 幢 201 室楼下", "欧阳文静投诉"
        session.add(models.CaseParty(case_id=id_, role=PartyRole.COMPLAINANT, **COMPLAINANT))
        session.add(models.CaseParty(case_id=id_, role=PartyRole.RESPONDENT, **RESPONDENT))
        values = {
            "request": f"请联系{told}",
            "joint_members": told,
            "joint_on": today(),
            "other_enclosures": told,
            **given,
        }
        session.add(
            made := models.Referral(
                case_id=id_,
                department_id=stage.inside["department"],
                kind=kind,
                document_no=f"综执〔2026〕{id_}号",
                reply_due_at=now(),
                **values,
            )
        )
        session.flush()
        file = models.Attachment(
            case_id=id_,
            phase=models.AttachmentPhase.BEFORE,
            file_name="欧阳文静13712345678.jpg",
            media_type="image/jpeg",
            size=1,
            sha256=f"{id_:064}",
            added_by="欧阳文静",
        )
        session.add(file)
        session.flush()
        made.enclosures = [file]
        return made.id


def shown(stage: Stage, id_: int, role: str = "office") -> str:
    answer = stage.browse(role).get(f"/admin/referral/slip/?id={id_}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


def names_nobody(page: str) -> None:
    plain = re.sub(r"\s", "", page)
    for secret in ("欧阳文静", "欧阳女士", "13712345678", "东栅社区3幢201室", "3幢201室", "3-201"):
        assert secret not in plain, secret


@pytest.mark.parametrize("kind", ReferralKind)
def test_each_kind_has_its_words_and_never_the_complainant(standing: Stage, kind: ReferralKind) -> None:
    page = shown(standing, letter(standing, kind))
    for words in (*WORDS[kind], "综执〔2026〕", "联系人：", "（盖章）"):
        assert words in page, words
    for other, words in WORDS.items():
        assert other is kind or words[0] not in page
        assert other is kind or words[1] not in page
    names_nobody(page)
    assert "司徒建国" not in page  # masked, in the description as well
    assert ("应反馈时间" in page) == (kind is not ReferralKind.NOTICE)
    assert ("司*" in page) == (kind is ReferralKind.TRANSFER)


@pytest.mark.parametrize("kind", ReferralKind)
def test_a_transfer_names_the_respondent_in_clear_for_a_reason_on_record(standing: Stage, kind: ReferralKind) -> None:
    id_ = letter(standing, kind)
    address, officer = f"/admin/referral/slip/clear/?id={id_}", standing.browse("officer")
    if kind is not ReferralKind.TRANSFER:
        assert address not in shown(standing, id_, "officer")
        assert officer.post(address, {"reason": "移送"}).status_code == 403
        return
    assert address in shown(standing, id_, "officer")
    for role in ("liaison", "viewer"):
        assert address not in shown(standing, id_, role)
        assert standing.browse(role).post(address, {"reason": "看看"}).status_code == 403
    assert officer.post(address, {"reason": " "}).status_code == 422
    answer = officer.post(address, {"reason": "移送办理需要"})
    page = html.unescape(answer.text)
    for words in ("司徒建国，13987654321，东栅社区 9 幢 502 室", "仅供受理部门办理使用"):
        assert words in page
    names_nobody(page)
    with standing.session() as session:
        party = sa.select(models.CaseParty.id).where(
            models.CaseParty.name == RESPONDENT["name"],
            models.CaseParty.case_id == session.get_one(models.Referral, id_).case_id,
        )
        noted = session.scalars(sa.select(AuditEntry).where(AuditEntry.note == "移送办理需要")).all()
        assert [(entry.table_name, entry.record_id) for entry in noted] == [("caseparty", session.scalar(party))]


def test_a_respondent_who_shares_what_is_the_complainants_is_printed_without_it(standing: Stage) -> None:
    id_ = letter(standing, ReferralKind.TRANSFER)
    with standing.session() as session:
        case_id = session.get_one(models.Referral, id_).case_id
        same = {"phone": COMPLAINANT["phone"], "address": COMPLAINANT["address"]}
        session.add(models.CaseParty(case_id=case_id, role=PartyRole.RESPONDENT, name="欧阳大海", **same))
    page = standing.browse("office").post(f"/admin/referral/slip/clear/?id={id_}", {"reason": "移送"}).text
    assert "欧阳大海，（号码略），（地址略）" in html.unescape(page)
    names_nobody(html.unescape(page))


def test_without_a_respondent_the_letter_says_so(standing: Stage) -> None:
    id_ = letter(standing, ReferralKind.TRANSFER, other_enclosures=None)
    with standing.session() as session:
        case_id = session.get_one(models.Referral, id_).case_id
        session.execute(sa.delete(models.CaseParty).where(models.CaseParty.case_id == case_id))
        session.get_one(models.Referral, id_).enclosures = []
    page = shown(standing, id_)
    assert "暂未查明" in page
    assert re.search(r"随函材料：</h2>\s*<p>无。</p>", page)


def test_what_goes_with_it_is_chosen_from_the_case_and_stored(standing: Stage) -> None:
    id_ = letter(standing, ReferralKind.TRANSFER, other_enclosures=None)
    with standing.session() as session:
        referral = session.get_one(models.Referral, id_)
        (file,) = [attachment.id for attachment in referral.enclosures]
        referral.enclosures = []
        elsewhere = models.Attachment(
            case_id=standing.outside["case"],
            phase=models.AttachmentPhase.BEFORE,
            file_name="他案.jpg",
            media_type="image/jpeg",
            size=1,
            sha256="f" * 64,
            added_by="某人",
        )
        session.add(elsewhere)
        session.flush()
        strange = elsewhere.id
    address, browser = f"/admin/referral/enclosures/?id={id_}", standing.browse("officer")
    assert "欧阳文静13712345678.jpg" in html.unescape(browser.get(address).text)  # of the file, for staff
    for role, status in (("viewer", 403), ("liaison", 403)):
        assert standing.browse(role).post(address, {"attachment": str(file)}).status_code == status
    refused = browser.post(address, {"attachment": str(strange)})
    assert refused.status_code == 422
    assert "请重新选择" in html.unescape(refused.text)
    assert browser.post(address, {"attachment": "x"}).status_code == 422
    assert browser.post(address, {"other_enclosures": "字" * 501}).status_code == 422
    chosen = {"attachment": str(file), "other_enclosures": "现场检查笔录 1 份\n\n责令改正通知书 1 份"}
    assert browser.post(address, chosen).status_code == 302
    page = shown(standing, id_)
    for words in (
        "处置前：某居民（号码略）.jpg",
        "现场检查笔录 1 份",
        "责令改正通知书 1 份",
        "随函材料 3 份",
        f"/attachments/{file}",
    ):
        assert words in page, words
    with standing.session() as session:
        session.get_one(models.Attachment, file).removed_at = now()
        session.get_one(models.Attachment, file).removed_reason = "误传"
    page = shown(standing, id_)
    assert "随函材料 2 份" in page
    assert "原选的 1 份附件已从案件中移除" in page


def test_what_went_with_an_answered_letter_stays(standing: Stage) -> None:
    id_ = letter(standing, ReferralKind.TRANSFER)
    with standing.session() as session:
        referral = session.get_one(models.Referral, id_)
        referral.status, referral.replied_at, referral.reply = ReferralStatus.REPLIED, now(), "已办结"
    browser = standing.browse("office")
    assert browser.post(f"/admin/referral/enclosures/?id={id_}", {}).status_code == 422
    assert len(standing_enclosures(standing, id_)) == 1
    assert f"enclosures/?id={id_}" not in browser.get(f"/admin/referral/details/?id={id_}").text


def standing_enclosures(stage: Stage, id_: int) -> list[int]:
    with stage.session() as session:
        return [attachment.id for attachment in session.get_one(models.Referral, id_).enclosures]


def test_no_other_door_sets_what_goes_with_it(standing: Stage) -> None:
    """Neither the generated form nor an import has the column."""
    id_ = letter(standing, ReferralKind.TRANSFER)
    browser = standing.browse("office")
    opened = browser.form(f"/admin/referral/edit/?id={id_}")
    assert not {"enclosures", "other_enclosures"} & opened.keys()
    sent = {**opened, "enclosures": "999", "other_enclosures": "假"}
    assert browser.post(f"/admin/referral/edit/?id={id_}", sent).status_code == 302
    assert standing.get("referral", id_).other_enclosures != "假"
