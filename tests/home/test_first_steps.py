"""The first steps of a new office, and what empty lists say comes next."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

import models
from bureau.home.web import first_steps
from bureau.settings import settings
from panel.kinds import today
from panel.security.accounts import User, UserRole
from panel.security.policy import Permission
from seed import reference
from tests import factories
from tests.factories import ROLE_NAMES, District, Stage

LABELS = [
    "单位名称",
    "街道",
    "分队",
    "协同部门",
    "工作日历",
    "两张清单",
    "社区",
    "执法队员",
    "联络员花名册",
    "联居派驻",
    "人员账号",
    "角色授权",
    "第一件案件",
]


@pytest.fixture
def new_office(app: Flask) -> Stage:
    """What `setup` leaves, and an account of each role that takes first steps."""
    stage = Stage(app, District())
    with stage.session() as session:
        reference.load(session)
        for role in ROLE_NAMES:
            factories.account(session, stage.panel, role, role)
    return stage


def steps(page: str) -> dict[str, tuple[bool, str, set[str]]]:
    """The steps of a home page in order: whether done, the words, the addresses of the links."""
    found = {}
    line = r'<li(?: class="(\w+)")?>\s*<span class="mark".*?</span>\s*(.*?)</li>'
    for state, inner in re.findall(line, page, re.S):
        words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", inner)).split())
        found[words.split()[0]] = (state == "done", words, set(re.findall(r'href="([^"]+)"', inner)))
    return found


def test_each_sees_all_steps_in_order_and_links_to_their_own(new_office: Stage) -> None:
    office = steps(new_office.browse("office").get("/").text)
    assert list(office) == LABELS
    assert {label for label, (done, *_rest) in office.items() if done} == {"协同部门", "工作日历", "两张清单"}
    assert "已有 38 项" in office["两张清单"][1]
    assert office["街道"][2] == {"/admin/street/", "/admin/street/import/", "/admin/street/new/"}
    assert office["第一件案件"][2] == {"/admin/case/", "/admin/case/new/"}
    assert "由系统管理员办理" in office["人员账号"][1]
    assert "由安全管理员办理" in office["角色授权"][1]

    administrator = steps(new_office.browse("administrator").get("/").text)
    assert list(administrator) == LABELS
    assert administrator["单位名称"][2] == {"/settings"}
    assert administrator["人员账号"][2] == {"/accounts"}
    assert administrator["街道"][2] == set()
    assert "由内勤办理" in administrator["街道"][1]
    assert "已有" not in administrator["两张清单"][1], "no business data, not even its number"

    security = steps(new_office.browse("security").get("/").text)
    assert {label for label, (_done, _words, links) in security.items() if links} == {"角色授权"}


def test_every_link_of_a_step_opens(new_office: Stage) -> None:
    for role in first_steps.ROLES:
        browser = new_office.browse(role)
        links = {link for _done, _words, links in steps(browser.get("/").text).values() for link in links}
        assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_others_see_none(new_office: Stage) -> None:
    for role in set(ROLE_NAMES) - first_steps.ROLES:
        assert steps(new_office.browse(role).get("/").text) == {}


@pytest.fixture
def working(stage: Stage) -> Stage:
    """A district with a case: of its people three have no account, and a squad has no leader."""
    with stage.session() as session:
        settings.put(session, "unit_name", "某局")
        reference.load(session)
    return stage


def lacks(stage: Stage, role: str = "office") -> dict[str, str]:
    """What the lines of the home page lack, by their names."""
    page = stage.browse(role).get("/").text
    lines = re.findall(r'<div class="setup-words">(.*?)<small>', page, re.S)
    names = [re.sub(r"<[^>]*>", "", re.findall(r"<(?:a|span)[^>]*>(.*?)</", line)[0]) for line in lines]
    said = ["；".join(re.findall(r'class="setup-lack">(.*?)<', line)) for line in lines]
    return dict(zip(names, said, strict=True))


NO_ACCOUNTS, NO_LEADER = "还有 3 名人员没有账号", "2 个分队中 1 个没有分队长"


def test_each_line_counts_what_is_left_and_is_done_when_nothing_is(working: Stage) -> None:
    """Once the office works, only the lines that aren't over are shown."""
    assert lacks(working) == {"人员账号": NO_ACCOUNTS, "角色授权": NO_LEADER}
    with working.session() as session:
        session.add_all([models.Street(name="空街道"), models.Squad(name="空分队")])
        for table in (models.Liaison, models.Assignment):
            ended = sa.update(table).where(table.community_id == working.outside["community"])
            session.execute(ended.values(end_on=today() - timedelta(days=1)))
        session.get_one(models.Community, working.outside["community"]).squad_id = None
        factories.account(session, working.panel, "nobody")
        session.execute(sa.delete(models.ChecklistItem).where(models.ChecklistItem.list_kind == "service"))
    assert lacks(working) == {
        "两张清单": "1 张清单没有生效的事项",
        "社区": "3 个街道中 1 个没有社区；2 个社区中 1 个没有所属分队",
        "执法队员": "3 个分队中 1 个没有队员",
        "联络员花名册": "2 个社区中 1 个没有联络员",
        "联居派驻": "2 个社区中 1 个没有派驻队员",
        "人员账号": "还有 2 名人员没有账号",
        "角色授权": "还有 1 个账号没有角色；3 个分队中 2 个没有分队长",
    }
    administrator = lacks(working, "administrator")
    assert administrator["人员账号"] == "还有 2 名人员没有账号"
    assert administrator["社区"] == "", "no business data, not even its number"


def test_whoever_has_left_and_what_is_closed_is_not_missed(working: Stage) -> None:
    with working.session() as session:
        for table, values in (
            (models.Officer, {"active": False}),
            (models.Liaison, {"end_on": today() - timedelta(days=1)}),
            (models.Assignment, {"end_on": today() - timedelta(days=1)}),
            (models.Community, {"status": models.CommunityStatus.CLOSED}),
        ):
            session.execute(sa.update(table).where(table.id == working.outside[table.__tablename__]).values(values))
    assert lacks(working)["人员账号"] == "还有 1 名人员没有账号"
    assert not {"联络员花名册", "联居派驻", "社区"} & set(lacks(working))


def test_a_line_is_set_aside_and_taken_back(working: Stage) -> None:
    def put(role: str, step: str, aside: str) -> int:
        return working.browse(role).post("/first-steps/aside", {"step": step, "aside": aside}).status_code

    for role in set(ROLE_NAMES) - {"office", "administrator"}:
        assert put(role, "accounts", "1") == 403
        assert working.browse(role).get("/first-steps").status_code == (200 if role in first_steps.ROLES else 403)
    assert put("office", "nothing", "1") == 302
    assert set(lacks(working)) == {"人员账号", "角色授权"}
    assert put("office", "accounts", "1") == put("administrator", "roles", "1") == 302
    home = working.browse("office").get("/").text
    assert steps(home) == {}
    assert "2 项暂不需要" in home
    page = working.browse("office").get("/first-steps").text
    assert list(steps(page)) == LABELS
    assert "暂不需要" in steps(page)["人员账号"][1]
    assert NO_ACCOUNTS in steps(page)["人员账号"][1], "it is said what is lacking all the same"
    assert put("office", "accounts", "0") == 302
    assert lacks(working) == {"人员账号": NO_ACCOUNTS}


def test_they_end_when_the_office_works(working: Stage) -> None:
    """And come back for what is missing: a role."""
    with working.session() as session:
        for table in (models.Liaison, models.Officer):
            for person in session.scalars(sa.select(table).where(table.user_id.is_(None))):
                role = "leader" if table is models.Officer else "liaison"
                person.user_id = factories.account(session, working.panel, f"{role}{person.id}", role).id
    home = working.browse("office").get("/").text
    assert steps(home) == {}
    assert "启用步骤" not in home
    with working.session() as session:
        user = session.execute(sa.select(models.Liaison.user_id).where(models.Liaison.user_id.is_not(None))).scalar()
        session.execute(sa.delete(UserRole).where(UserRole.user_id == user))
    assert lacks(working, "security") == {"角色授权": "还有 1 个账号没有角色"}


def test_an_empty_list_says_what_comes_next(new_office: Stage) -> None:
    """For every role and table: what comes first, who adds it, or where; and never a way that is refused."""
    for role in ("office", "leader", "officer", "liaison", "viewer", "administrator", "security"):
        browser = new_office.browse(role)
        for table, view in new_office.panel.views.items():
            if not permits(new_office, role, view.model):
                continue
            page = browser.get(f"/admin/{table}/").text
            empty = re.search(r'<div class="empty">(.*?)</div>', page, re.S)
            if empty is None:  # what `setup` leaves, and logs
                continue
            words = re.sub(r"<[^>]*>", "", empty[1]).strip()
            assert len(words) > len("还没有记录。"), (role, table, words)
            for link in re.findall(r'href="([^"]+)"', empty[1]):
                assert browser.get(html.unescape(link)).status_code == 200, (role, table, link)


def permits(stage: Stage, role: str, model: type) -> bool:
    return stage.panel.policy.roles[role].permits(Permission.READ, model)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("community", "请先录入：街道"),
        ("liaison", "请先录入：街道、社区"),
        ("street", "请新增第一条，或导入表格"),
        ("referral", "请先录入：街道、社区、案件"),
        ("case", "请先录入：街道、社区"),
    ],
)
def test_what_comes_first_is_named(new_office: Stage, table: str, words: str) -> None:
    page = new_office.browse("office").get(f"/admin/{table}/").text
    empty = re.search(r'<div class="empty">(.*?)</div>', page, re.S)
    assert empty is not None
    assert words in empty[1]


def test_who_adds_it_is_named(new_office: Stage) -> None:
    assert "由内勤新增" in new_office.browse("leader").get("/admin/street/").text
    with new_office.session() as session:
        assert session.execute(sa.select(sa.func.count(User.id))).scalar_one() == len(ROLE_NAMES)
