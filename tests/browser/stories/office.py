"""A new office as its own people set it up on screen: from what `setup` leaves to the first report of a liaison.

Nothing is done by a command. The stories happen in this office."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from panel.jobs import periodic
from panel.web.system import first_accounts
from tests.browser.clerk import Clerk, Effort
from tests.browser.conftest import Site, Visit, scrolls_sideways
from tests.factories import PASSWORD
from tests.workbooks import table

UNIT = "城南街道综合行政执法队"
#: User names of the people by what they are; those but the first three come from their names.
USERNAMES = {
    "administrator": "zhangwei",
    "security": "lina",
    "office": "zhoumin",
    "liaison": "lixin",
    "officer": "qinling",
    "leader": "guming",
}
ROSTER = table(
    ("街道", "社区", "所属分队", "声功能区", "姓名", "手机", "联居队员"),
    ("城南街道", "柳岸社区", "南湖中队", "2类", "李新", "13805730051", "秦岭"),
    ("城南街道", "菱荷社区", "南湖中队", "2类", "王二妹", "13805730052", "韩江"),
)


@dataclass(frozen=True)
class Cast:
    """Who is who: the people of the stories, where they work, and a colleague and a mediator there."""

    community: str = "柳岸社区"
    street: str = "城南街道"
    liaison: str = "李新"
    officer: str = "秦岭"
    leader: str = "顾明"
    colleague: str = "韩江"
    mediator: str = "许伯"
    volunteer: str = "何婷"


CAST = Cast()


def build(site: Site, visit: Visit, folder: Path) -> Effort:
    """Set the office up. Returns what it takes to the first report; volunteers, who mediate later, come after that."""
    effort = Effort()

    def clerk(page: Page) -> Clerk:
        return Clerk(page, folder, effort)

    administrator = clerk(visit())
    slips = make_first_accounts(administrator, start(site))
    name_unit(administrator)
    office = clerk(visit())
    log_in_first(office, USERNAMES["office"], slips[1])
    enter_people(office)
    passwords = make_accounts(administrator)
    security = clerk(visit())
    log_in_first(security, USERNAMES["security"], slips[0])
    grant_roles(security)
    liaison = clerk(visit(phone=True))
    log_in_first(liaison, USERNAMES["liaison"], passwords["liaison"])
    report(liaison)

    for who in ("officer", "leader"):
        log_in_first(Clerk(visit(), folder), USERNAMES[who], passwords[who])
    add_volunteers(Clerk(office.page, folder))
    finished(office.page)
    with site.app.app_context():
        periodic.tick(site.app.extensions["panel"])  # as the server does every few minutes
    return effort


def start(site: Site) -> str:
    """The code that the server prints when it starts."""
    with site.app.app_context():
        words = str(first_accounts.announce(site.app.extensions["panel"]))
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", words)
    assert found is not None
    return found[0]


def make_first_accounts(clerk: Clerk, code: str) -> list[str]:
    """Whoever minds the server becomes the administrator. Returns the passwords of security and office."""
    page = clerk.page
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/start$"))
    assert not scrolls_sideways(page)
    clerk.type(page.get_by_label("一次性代码"), code)
    names = {"administrator": "章伟", "security": "李娜", "office": "周敏"}
    for role, name in names.items():
        clerk.type(page.locator(f"[name='{role}.name']"), name)
    for field in ("password", "again"):
        clerk.type(page.locator(f"[name='administrator.{field}']"), PASSWORD)
    clerk.button("开设账号")
    expect(page.locator(".first-slips code")).to_have_count(2)  # the page is there only after a moment
    passwords = page.locator(".first-slips code").all_inner_texts()
    clerk.click(page.get_by_role("link", name="进入系统"))
    return passwords


def name_unit(clerk: Clerk) -> None:
    clerk.click(step(clerk.page, "单位名称").get_by_role("link", name="单位名称"))
    clerk.type(clerk.page.get_by_label("单位名称"), UNIT)
    clerk.button("保存")


def step(page: Page, label: str) -> Locator:
    """The line of a first step; nothing on its page is wider than the screen."""
    assert not scrolls_sideways(page)
    return page.locator(".setup li").filter(has=page.locator(".setup-words > :first-child", has_text=label)).first


def log_in_first(clerk: Clerk, username: str, password: str) -> None:
    """By the one-time password of a slip, which is changed at once."""
    page = clerk.page
    page.goto("/login")
    clerk.type(page.get_by_label("账号"), username)
    clerk.type(page.get_by_label("密码"), password)
    clerk.button("登录")
    clerk.type(page.locator("#f-current"), password)
    for name in ("new", "again"):
        clerk.type(page.locator(f"#f-{name}"), PASSWORD)
    clerk.button("修改密码")
    page.wait_for_url(re.compile(r"^[^?]*/$"))


def enter_people(clerk: Clerk) -> None:
    """One roster, twice: as communities with street and squad, then as liaisons with their officers."""
    page = clerk.page
    clerk.click(step(page, "社区").get_by_role("link", name="导入"))
    clerk.send("花名册", ROSTER)
    clerk.click(page.get_by_role("link", name="一并新增"))
    clerk.confirm("导入 2 行")

    home(clerk)
    clerk.click(step(page, "执法队员").get_by_role("link", name="新增"))
    clerk.type(page.get_by_role("textbox", name="姓名"), CAST.leader)
    clerk.choose("分队", "nh", "南湖中队")
    clerk.button("保存")

    home(clerk)
    clerk.click(step(page, "联络员花名册").get_by_role("link", name="导入"))
    clerk.send("花名册", ROSTER)
    for name in (CAST.officer, CAST.colleague):
        clerk.click(page.get_by_label(f"新增执法队员“{name}”"))
    expect(page.locator("main").get_by_role("combobox", name="分队").first).to_have_value("南湖中队")
    clerk.button("新增勾选的")
    clerk.confirm("导入 2 行")


def home(clerk: Clerk) -> None:
    clerk.click(clerk.page.locator(".side").get_by_role("link", name="首页"))


def make_accounts(clerk: Clerk) -> dict[str, str]:
    """An account for everybody in one act. Returns the passwords on the slips."""
    home(clerk)
    clerk.click(step(clerk.page, "人员账号").get_by_role("link", name="人员账号"))
    clerk.button("为所选人员新增账号")
    expect(clerk.page.locator(".slip").first).to_be_visible()
    found = dict(re.findall(r"<dd>([a-z]+)</dd>.*?<dd>([A-Z][a-z]{6}-\d{3})</dd>", clerk.page.content(), re.S))
    return {who: found[name] for who, name in USERNAMES.items() if name in found}


def grant_roles(clerk: Clerk) -> None:
    """The leader is one; the others get what fits them."""
    page = clerk.page
    clerk.click(step(page, "角色授权").get_by_role("link", name="角色授权"))
    clerk.click(page.locator("tr", has_text=CAST.leader).get_by_role("link", name="授予其他角色"))
    page.get_by_label("角色").select_option(label="分队长")
    clerk.effort.clicks += 2
    clerk.button("保存")
    clerk.button("为所选账号授予适合的角色")
    expect(page.get_by_role("main")).to_contain_text("所有账号均已授予角色")


def report(clerk: Clerk) -> None:
    page = clerk.page
    clerk.click(page.get_by_role("main").get_by_role("link", name="上报案件"))
    clerk.type(page.get_by_role("textbox", name="地点"), "柳岸花苑 2 幢楼道")
    clerk.type(page.get_by_role("textbox", name="问题描述"), "楼道里堆着旧家具，挡住了通道")
    clerk.button("上报案件")
    page.wait_for_url("**/admin/case/details/**")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NH-2026-000001")


def add_volunteers(clerk: Clerk) -> None:
    rows = ((CAST.community, CAST.mediator, "是"), (CAST.community, CAST.volunteer, "否"))
    clerk.page.goto("/admin/volunteer/import/")
    clerk.send("志愿者", table(("社区", "姓名", "老娘舅"), *rows))
    clerk.confirm("导入 2 行")


def finished(page: Page) -> None:
    """Nothing of the first steps is left."""
    page.goto("/")
    expect(page.get_by_role("heading", name="优先办理")).to_be_visible()
    expect(page.locator(".setup")).to_have_count(0)
