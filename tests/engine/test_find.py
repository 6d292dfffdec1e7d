"""The search above every page finds records, pages and acts: what the reader may see and do, and nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

import models
from tests.conftest import Staged
from tests.factories import ROLE_NAMES, Stage
from tests.factories.district import case


@pytest.fixture(scope="module")
def town(staged: Staged) -> Iterator[Stage]:
    with staged() as stage:
        with stage.session() as session:
            for side, place in ((stage.inside, "望河花苑3幢"), (stage.outside, "望河新村9幢")):
                made = case(session, session.get_one(models.Community, side["community"]))
                made.place = place
            party = session.get_one(models.CaseParty, stage.inside["caseparty"])
            party.name, party.phone, party.anonymous = "欧阳望舒", "13805731234", False
        yield stage


def found(stage: Stage, role: str, words: str) -> str:
    answer = stage.browse(role).get(f"/find/?{urlencode({'q': words, 'part': 1})}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


def lines(answer: str) -> list[str]:
    return [re.sub(r"<[^>]+>|\s", "", line) for line in re.findall(r"<a .*?</a>", answer, re.S)]


def test_records_are_found_inside_the_area_of_the_reader(town: Stage) -> None:
    assert "望河花苑3幢" in found(town, "office", "望河")
    assert "望河新村9幢" in found(town, "office", "望河")
    assert "望河花苑3幢" in found(town, "liaison", "望河")
    assert "望河新村9幢" not in found(town, "liaison", "望河")


@pytest.mark.parametrize("role", ROLE_NAMES)
@pytest.mark.parametrize("words", ["欧阳望舒", "13805731234", "1234"])
def test_no_private_value_is_found(town: Stage, role: str, words: str) -> None:
    assert "欧阳" not in found(town, role, words)
    assert not re.search(r"/admin/case(party)?/details", found(town, role, words))


def test_pages_and_acts_are_found_by_their_names_other_words_and_initials(town: Stage) -> None:
    assert "导入社区联络员联络员花名册" in lines(found(town, "office", "花名册"))
    assert any(line.startswith("执法统计") or line.startswith("统计") for line in lines(found(town, "office", "统计")))
    assert any("月度台账" in line for line in lines(found(town, "office", "ydtz")))
    assert not any("导入" in line for line in lines(found(town, "viewer", "花名册")))
    assert not any("账号" in line for line in lines(found(town, "liaison", "账号")))


def test_the_only_record_opens_at_once_and_the_last_ones_are_offered(town: Stage) -> None:
    browser = town.browse("office")
    answer = browser.get(f"/find/?{urlencode({'q': '望河花苑3幢'})}")
    assert answer.status_code == 302
    assert "/admin/case/details/" in answer.location
    number = re.search(r"[A-Z]+-\d{4}-\d{6}", browser.get(answer.location).text)
    assert number is not None
    opened = browser.get("/find/?part=1").text
    assert opened.index(number[0]) == min(m.start() for m in re.finditer(r"[A-Z]+-\d{4}-\d{6}", opened))


def test_what_finds_nothing_says_what_to_try(town: Stage) -> None:
    page = town.browse("office").get(f"/find/?{urlencode({'q': '没有这样的词'})}").text
    assert "没有找到" in page
    assert "编号末几位" in page
    assert town.visitor().get("/find/?q=望河").status_code == 302
