"""No answer tells a private value to somebody who may not see it: not by order, filter or search, not while it is
typed, and not in a preview. What compares tells after saving, counts for each account, and is noted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

import models
from bureau.cases import repeats
from bureau.settings import settings
from panel.errors import UserError
from panel.fields import Personal, all_fields, fields
from panel.i18n import using_locale
from panel.security.comparisons import MOST, REFUSED, Comparison
from panel.security.policy import MANAGE, READ, Permission
from tests.factories import MODELS, Stage, pairs
from tests.workbooks import Office, errors, outcomes, table

RIGHT, WRONG, OTHER = "13712345678", "13712345679", "13612345678"
#: Addresses that would answer about a value, had they a meaning.
GUESSES = (
    "{field}={value}",
    "{field}.empty=1",
    "{field}.empty=0",
    "{field}={value}&{field}.or=1&{field}.in=today&columns={field}",
    "sort={field}",
    "sort=-{field}",
)
#: Role, table and private column, wherever the role reads the table.
PRIVATE = [
    (role, table, field.name)
    for role, table in pairs()
    for field in fields(MODELS[table])
    if field.personal is Personal.PRIVATE
]


@pytest.mark.parametrize(("role", "table", "field"), PRIVATE)
def test_lists_answer_right_and_wrong_guesses_alike(standing: Stage, role: str, table: str, field: str) -> None:
    record: Any = standing.get(table, standing.inside[table])
    value = str(getattr(record, field) or "张三")
    browser = standing.browse(role)

    def rows(arguments: str) -> list[str]:
        page = browser.get(f"/admin/{table}/?{arguments}").text
        return sorted(part.partition("&")[0] for part in page.split(f"/admin/{table}/details/?id=")[1:])

    for arguments in GUESSES:
        filled = arguments.format(field=field, value=value)
        assert rows(filled) == rows(""), filled
    assert rows(f"q={value}") == rows("q=查无此人") or value in browser.get(f"/admin/{table}/").text


@pytest.mark.parametrize("role", ["office", "officer", "liaison"])
def test_a_telephone_is_not_compared_while_it_is_typed(standing: Stage, role: str) -> None:
    browser = standing.browse(role)
    typed = browser.form("/report") | {"description": "楼道里堆放杂物", "anonymous": "0"}
    typed |= {} if role == "liaison" else {"community": str(standing.inside["community"])}
    answers = [browser.post("/report/known", typed | {"phone": phone}).json for phone in (RIGHT, WRONG)]
    assert answers[0] == answers[1]


def _reported(stage: Stage, phone: str) -> int:
    """A new case with a complainant whom the officer adds."""
    id_ = stage.add("case", source="patrol", status=models.CaseStatus.REPORTED, description="楼上漏水")
    given = {"case": str(id_), "role": "complainant", "anonymous": "0", "name": "王五", "phone": phone}
    answer = stage.browse("officer").post("/admin/caseparty/new/", given)
    assert answer.status_code == 302, answer.text
    return id_


def test_after_saving_so_many_a_day_are_compared(stage: Stage) -> None:
    """An officer stores the telephone of a complainant outside the area: told as a number of cases, once; counted and
    noted each time. The office, which may see them all, isn't counted."""
    with stage.session() as session:
        settings.put(session, "compare_limit", 1)

    def told(id_: int, who: str) -> int:
        with stage.acting(who) as session:
            return repeats.of_case(session, session.get_one(models.Case, id_)).elsewhere

    stage.put("caseparty", stage.outside["caseparty"], phone_hash="x")
    first, second = _reported(stage, RIGHT), _reported(stage, RIGHT)
    with stage.session() as session:
        answered = session.execute(sa.select(Comparison.answered).order_by(Comparison.id)).scalars().all()
        hashes = sa.select(models.CaseParty.phone_hash).where(models.CaseParty.case_id == first)
        secret = session.execute(hashes).scalar_one()
        noted = sa.text("select count(*) from auditentry where note like '%比对%'")
        assert session.connection().execute(noted).scalar() == len(answered)
    assert answered == [True, False]
    stage.put("caseparty", stage.outside["caseparty"], phone_hash=secret)
    assert told(first, "officer") == 1
    assert told(second, "officer") == 0


def test_a_preview_says_the_same_of_every_guess(stage: Stage) -> None:
    """Of parties: whether a row is there already is decided when it is written."""
    case = stage.get("case", stage.inside["case"])
    party = [case.case_no, "投诉人", "否", "张三"]
    file = table(
        ["案件", "案件人员身份", "匿名", "姓名", "联系电话", "住址"],
        *([*party, phone, "东栅社区 3 幢 201 室"] for phone in (RIGHT, WRONG)),
    )
    office = Office(stage, "office")
    assert outcomes(office.plan("caseparty", file)) == {2: "new", 3: "new"}
    assert outcomes(office.run("caseparty", file)) == {2: "unchanged", 3: "new"}
    assert outcomes(office.plan("caseparty", file)) == {2: "new", 3: "new"}
    assert outcomes(office.run("caseparty", file)) == {2: "unchanged", 3: "unchanged"}


@pytest.mark.parametrize("door", ["form", "import"])
def test_a_refused_number_tells_nothing_of_its_record_and_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """Of a case outside one's area. After so many refusals a free number is refused as well, in the same words."""
    taken, free = "12345-77", "12345-78"
    stage.put("case", stage.outside["case"], hotline_no=taken)
    role = stage.panel.policy.roles["leader"]
    grants = {**role.grants, models.Case: MANAGE}
    monkeypatch.setitem(stage.panel.policy.roles, "leader", replace(role, grants=grants))
    hidden = stage.get("case", stage.outside["case"])
    mine = stage.get("case", stage.inside["case"])
    leader, file = stage.browse("leader"), Office(stage, "leader")

    def tried(number: str) -> str:
        """What is told about a number; nothing if it was saved."""
        if door == "form":
            url = f"/admin/case/edit/?id={mine.id}"
            answer = leader.post(url, leader.form(url) | {"hotline_no": number})
            told = re.findall(r'"(?:note danger|error)[^>]*>([^<]+)', answer.text)
            return " ".join(told) if answer.status_code == 422 else ""
        row = (mine.case_no, "东栅社区", mine.description, number)
        data = table(("案件编号", "社区", "问题描述", "工单编号"), row)
        assert outcomes(file.plan("case", data)) == {2: "changed"}, "a preview says the same of both"
        try:
            file.run("case", data)
        except UserError as error:
            with using_locale("zh_Hans_CN"):
                return str(error.message)
        return ""

    def counted() -> int:
        with stage.session() as session:
            return session.execute(sa.select(sa.func.count(Comparison.id))).scalar_one()

    first = tried(taken)
    assert "唯一" in first
    assert counted() == 1
    assert not any(word in first for word in (hidden.case_no, taken, "已有"))
    with stage.session() as session:
        noted = sa.text("select count(*) from auditentry where note like '%唯一%' and actor_name <> ''")
        assert session.connection().execute(noted).scalar() == 1
        me = session.execute(sa.select(Comparison.owner_id)).scalar_one()
        rows = [{"owner_id": me, "table_name": "case", "record_id": REFUSED, "answered": True}] * (MOST - 1)
        session.execute(sa.insert(Comparison), rows)
    assert str(MOST) in tried(taken)
    assert tried(taken) == tried(free) != ""
    assert counted() == MOST
    assert stage.get("case", mine.id).hotline_no == mine.hotline_no


@pytest.mark.parametrize(("right", "wrong"), [("张三", "李四"), (RIGHT, WRONG)], ids=["name", "telephone"])
def test_complainants_of_a_case_import_are_not_compared_for_who_may_not_see_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    """Neither in a preview nor when the file is written; the masks that everybody reads still are. With the right to
    see them, a preview compares."""
    role = stage.panel.policy.roles["leader"]
    case = stage.get("case", stage.inside["case"])
    with stage.session() as session:
        party = session.get_one(models.CaseParty, stage.inside["caseparty"])
        party.name, party.phone, party.anonymous = "张三", RIGHT, False
        masked = "张*" if right == "张三" else fields(models.CaseParty)[4].kind.mask(RIGHT)
    header = ("案件编号", "社区", "问题描述", "投诉人" if right == "张三" else "联系电话")

    def told(value: str, *, reveals: bool) -> list[Any]:
        parties = models.CaseParty, READ | {Permission.REVEAL} if reveals else READ
        grants = {**role.grants, models.Case: MANAGE, parties[0]: parties[1]}
        monkeypatch.setitem(stage.panel.policy.roles, "leader", replace(role, grants=grants))
        data = table(header, (case.case_no, "东栅社区", case.description, value))
        with using_locale("zh_Hans_CN"):
            plan = Office(stage, "leader").plan("case", data)
            return [outcomes(plan), errors(plan)]

    hidden = told(right, reveals=False)
    assert hidden == told(wrong, reveals=False)
    assert hidden[0] == {2: "failed"}
    assert told(masked, reveals=False)[0] == {2: "unchanged"}
    assert told(right, reveals=True) != told(wrong, reveals=True)


@pytest.mark.parametrize("value", ["张三", RIGHT, "东栅社区 3 幢 201 室"])
def test_no_look_up_finds_by_a_private_value(standing: Stage, value: str) -> None:
    """Of every reference to a table with private columns, by every role that may ask for it."""
    with standing.session() as session:
        for table in ("caseparty", "mediation", "surveyentry"):
            record: Any = session.get_one(MODELS[table], standing.inside[table])
            for field in fields(MODELS[table]):
                if field.personal is Personal.PRIVATE:
                    kind = type(field.kind).__name__
                    wanted = {"PersonName": "张三", "Phone": RIGHT, "Place": "东栅社区 3 幢 201 室"}[kind]
                    setattr(record, field.attr, wanted)
    asked = 0
    for role, table in pairs():
        for field in all_fields(MODELS[table]):
            target = MODELS.get(field.target or "")
            if target is None or not any(f.personal is Personal.PRIVATE for f in fields(target)):
                continue
            url = f"/admin/{table}/ajax/lookup/?name={field.name}&query="
            answer = standing.browse(role).get(url + value)
            if answer.status_code == 200:
                asked += 1
                assert answer.json == standing.browse(role).get(url + "查无此人").json == []
                assert value not in standing.browse(role).get(url).text
    assert asked


def test_a_conflict_says_the_same_of_every_guess(stage: Stage) -> None:
    """Somebody else has changed a telephone meanwhile: the notice shows its mask, whatever number was typed."""
    url = f"/admin/caseparty/edit/?id={stage.inside['caseparty']}"
    stage.put("caseparty", stage.inside["caseparty"], role=models.PartyRole.RESPONDENT)
    officer, office = stage.browse("officer"), stage.browse("office")
    opened = officer.form(url)
    assert office.post(url, office.form(url) | {"phone": OTHER}).status_code == 302
    told = []
    for guess in (OTHER, WRONG):
        answer = officer.post(url, opened | {"phone": guess})
        assert answer.status_code == 409
        told.append(re.findall(r'<div class="theirs".*?</div>', answer.text, re.S))
        assert f'value="{guess}"' in answer.text, "what was typed is kept"
    assert told[0] == told[1] != []
    assert OTHER not in str(told)


def test_the_page_before_an_undo_shows_masks_alone(stage: Stage) -> None:
    """Of the values before the import, of those that it wrote, and of those that somebody has stored since."""
    case = stage.get("case", stage.inside["case"])
    header = ["记录号", "案件", "案件人员身份", "匿名", "姓名", "联系电话"]
    stage.put("caseparty", stage.inside["caseparty"], phone=WRONG, role=models.PartyRole.RESPONDENT)
    row = [stage.inside["caseparty"], case.case_no, "被投诉人", "否", "张三丰", RIGHT]
    office = Office(stage, "office")
    assert outcomes(office.run("caseparty", table(header, row))) == {2: "changed"}
    page = stage.browse("office").get(f"/admin/importbatch/undo/?id={office.ran[-1]}")
    assert page.status_code == 200
    assert [value for value in (RIGHT, WRONG, "张三丰") if value in page.text] == []
    stage.put("caseparty", stage.inside["caseparty"], phone=OTHER, version=9)
    page = stage.browse("office").get(f"/admin/importbatch/undo/?id={office.ran[-1]}")
    assert [value for value in (RIGHT, WRONG, OTHER, "张三丰") if value in page.text] == []
