"""The paper that goes with a referral says what is asked of whom by when, and never who complained."""

from __future__ import annotations

import html
import re

import pytest

import models
from bureau.cases.privacy import Person, redact
from bureau.settings import settings
from panel.kinds import now
from panel.security.policy import Permission
from tests.factories import ROLE_NAMES, Stage, granted

PERSON = Person("张三丰", "13712345678", "东栅社区 3 幢 201 室")


def slip(stage: Stage, role: str = "office", id_: int | None = None) -> str:
    answer = stage.browse(role).get(f"/admin/referral/slip/?id={id_ or stage.inside['referral']}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_who_reads_the_referral_prints_its_slip(standing: Stage, role: str) -> None:
    status = 200 if granted(role, Permission.READ, "referral") else 403
    address = f"/admin/referral/slip/?id={standing.inside['referral']}"
    assert standing.browse(role).get(address).status_code == status


@pytest.mark.parametrize(
    ("kind", "words"),
    [("transfer", "现随函移送"), ("notice", "现将有关情况抄告贵单位"), ("joint", "请贵单位派员协同处置")],
)
def test_each_kind_has_its_own_words(standing: Stage, kind: str, words: str) -> None:
    assert words in slip(standing, id_=standing.add("referral", kind=models.ReferralKind(kind)))


@pytest.mark.parametrize("role", ["leader", "officer", "liaison"])
def test_outside_the_area_there_is_none(standing: Stage, role: str) -> None:
    for id_ in (standing.outside["referral"], 999_999, "x"):
        assert standing.browse(role).get(f"/admin/referral/slip/?id={id_}").status_code == 404


def test_it_says_what_is_asked_of_whom_by_when(stage: Stage) -> None:
    with stage.session() as session:
        settings.put(session, "unit_name", "某某区综合行政执法局")
        referral = session.get_one(models.Referral, stage.inside["referral"])
        referral.document_no = "南综执移〔2026〕7号"
        referral.sign_due_at = referral.reply_due_at = now()
        number, status = referral.case.case_no, referral.case.status
    page = slip(stage)
    for words in (
        "某某区综合行政执法局",
        "案件移送函",
        "南综执移〔2026〕7号",
        "公安交警：",
        number,
        "ZF03 饲养家禽",
        "东栅社区 东塔路 3 幢",
        "居民在楼下养鸡",
        "请协助处理",
        "应签收时间",
        "应反馈时间",
        "2026-07-15 10:",
        "2026 年 7 月 15 日",
        "签收人",
        "移交人",
    ):
        assert words in page
    assert status.value not in page


def test_the_item_is_the_one_that_the_case_was_accepted_with(stage: Stage) -> None:
    with stage.session() as session:
        session.get_one(models.ChecklistItem, stage.inside["checklistitem"]).name = "改了名字"
    assert "ZF03 饲养家禽" in slip(stage)


def test_no_party_is_named_wherever_somebody_wrote_it(stage: Stage) -> None:
    with stage.session() as session:
        party = session.get_one(models.CaseParty, stage.inside["caseparty"])
        about = session.get_one(models.Case, stage.inside["case"])
        more = models.CaseParty(case=about, role=models.PartyRole.WITNESS, name="李四光", phone="13900001111")
        session.add(more)
        about.place = f"{party.address}门口"
        about.description = (
            f"{party.name}来电（{party.phone}），住{party.address}，张先生称李 四光也看见了，0573-82711234"
        )
        about.title = party.name
        referral = session.get_one(models.Referral, stage.inside["referral"])
        referral.request = f"请联系{party.name} 137-1234-5678 或 １３７１２３４５６７８，证件 330402199001011234"
        secrets = [party.name, party.phone, party.address, "李四光", "李 四光", "张先生", "137-1234-5678"]
    page = slip(stage)
    for secret in [*secrets, "82711234", "１３７１２３４５６７８", "330402199001011234", "5678"]:
        assert secret is not None
        assert secret not in page
    assert "某居民" in page
    assert "（号码略）" in page
    assert "（地址略）门口" in page


def test_no_other_page_element_names_the_complainant(stage: Stage) -> None:
    """The slip stands by itself: no frame, no history, no title of the case."""
    page = slip(stage)
    assert 'class="side"' not in page
    assert not re.search(r"<script(?![^>]+src=)|<style|style=|\son\w+=", page)


def test_the_referrals_page_leads_to_it(standing: Stage) -> None:
    page = standing.browse("officer").get(f"/admin/referral/details/?id={standing.inside['referral']}").text
    assert f"/admin/referral/slip/?id={standing.inside['referral']}" in page


@pytest.mark.parametrize(
    "number",
    [
        "13712345678",
        "137 1234 5678",
        "137-1234-5678",
        "+86 13712345678",
        "１３７１２３４５６７８",
        "0573-82711234",
        "(0573)82711234",
        "0573 82711234",
        "82711234",
        "8271123",
        "330402199001011234",
        "33040219900101123X",
    ],
)
def test_what_looks_like_a_telephone_is_left_out(number: str) -> None:
    assert redact(f"电话{number}，请回复", []) == "电话（号码略），请回复"


@pytest.mark.parametrize(
    "text", ["东塔路 279 号 3 幢 201 室", "2026-07-15 10:30", "罚款 200000 元", "噪声 52.5 dB", ""]
)
def test_what_is_no_telephone_stays(text: str) -> None:
    assert redact(text, [PERSON]) == text


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("张三丰反映", "某居民反映"),
        ("张 三 丰反映", "某居民反映"),
        ("张先生和张某女士", "某居民和某居民"),
        ("住东栅社区3幢201室", "住（地址略）"),
        ("住3栋201，即3-201", "住（地址略），即（地址略）"),
        ("东塔路279号3幢201室", "东塔路279号3幢201室"),
        ("2026-3-20", "2026-3-20"),
        ("张某、张某某、张某女士", "某居民、某居民、某居民"),
        ("王先生的车", "王先生的车"),
    ],
)
def test_a_party_is_left_out(text: str, without: str) -> None:
    assert redact(text, [PERSON]) == without


def test_nobody_in_particular_leaves_a_text_as_it_is() -> None:
    assert redact(None, [Person()]) == ""
    assert redact("王家花园", [Person("王")]) == "王家花园"
