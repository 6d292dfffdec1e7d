"""The panel as it is served, and a real Chromium in front of it. A test fails on any request that leaves the host and
on anything that the browser complains of: a broken script, a missing file, a breach of the content policy."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response
from sqlalchemy.orm import Session

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from seed import demo
from tests.applications import Applications
from tests.factories import PASSWORD, ROLE_NAMES
from tests.factories import Browser as Client
from tests.servers import served

CASES = 60
DESKTOP = {"width": 1366, "height": 768}
#: The names of the system's Chromium, the quickest first.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium where there is one, else Playwright's own; it finds no other host than this one."""
    arguments = [
        "--disable-background-networking",
        "--disable-gpu",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    return {**browser_type_launch_args, "args": arguments, **({"executable_path": found} if found else {})}


def filled(config: Config, folder: Path, fill: Callable[[Session, Any], None]) -> Path:
    """A migrated database, filled."""
    file = folder / "panel.db"
    app = create_app(replace(config, database_url=f"sqlite:///{file}"))
    with app.app_context():
        panel = app.extensions["panel"]
        migrate(panel)
        with panel.system_session() as session:
            fill(session, panel)
        panel.db.engine.dispose()
    return file


@pytest.fixture(scope="session")
def content(plain_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that a site begins with: the demo district. A file of tests may begin with another one."""

    def fill(session: Session, panel: Any) -> None:
        hashed = panel.passwords.hash(PASSWORD)
        demo.build(session, cases=CASES, password_hash=hashed, secret=plain_config.secret_key)

    return filled(plain_config, tmp_path_factory.mktemp("demo"), fill)


@dataclass
class Site:
    """The panel behind an address of this host."""

    app: Flask
    url: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The database, past the screen."""
        with self.app.app_context(), self.app.extensions["panel"].system_session() as session:
            session.expire_on_commit = False
            yield session


@contextmanager
def site_of(applications: Applications, config: Config, file: Path) -> Iterator[Site]:
    """The database of a file, served."""
    own = replace(config, instance=file.parent, database_url=f"sqlite:///{file}", host="127.0.0.1")
    with applications.at(own) as app, served(app, own) as port:
        yield Site(app, f"http://127.0.0.1:{port}")


@pytest.fixture
def site(content: Path, plain_config: Config, tmp_path: Path, applications: Applications) -> Iterator[Site]:
    """A demo district of the test's own, served."""
    file = tmp_path / "panel.db"
    shutil.copyfile(content, file)
    with site_of(applications, plain_config, file) as site:
        yield site


@dataclass
class Complaints:
    """What a page must not do. An answer that refuses a form (4xx on the page itself) is none."""

    found: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._sent)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.found.append(f"script: {error.error}"))

    def _sent(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and urlsplit(request.url).hostname != "127.0.0.1":
            self.found.append(f"left the host: {request.url}")

    def _answered(self, response: Response) -> None:
        # A form on the row of a list is refused inside the page.
        refused = response.request.resource_type == "document" or urlsplit(response.url).path.endswith("/row/")
        if response.status >= 500 or (response.status >= 400 and not refused):
            self.found.append(f"{response.status}: {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.found.append(f"console: {message.text}")


Visit = Callable[..., Page]


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Visit]:
    with visitors(site, browser) as begin:
        yield begin


@contextmanager
def visitors(site: Site, browser: Browser) -> Iterator[Visit]:
    """visit("office") is that person's own browser, logged in; `phone` makes it small, `script` can be switched off."""
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    def begin(username: str = "", *, phone: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            base_url=site.url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            has_touch=phone,
            java_script_enabled=script,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        complaints.watch(context)
        page = context.new_page()
        if username:
            sit_down(page, site, username)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert not complaints.found


def sit_down(page: Page, site: Site, username: str) -> None:
    """Begin on the home page of somebody who has logged in. They did so past the browser, which has the page of log-in
    tried once (test_menu) and not by everybody."""
    client = Client(site.app)
    client.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0"  # the log of log-ins names it
    assert client.log_in(username).location == "/"
    page.context.add_cookies([{"name": "session", "value": client.seat()[0], "url": site.url}])
    page.goto("/")


def choose(page: Page, label: str, typed: str, wanted: str) -> None:
    """Look a record up by what one types, and take the one that reads as wanted."""
    page.locator("main").get_by_role("combobox", name=label).fill(typed)
    page.get_by_role("listbox").get_by_role("option", name=wanted).first.click()


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than the screen, once it is whole: a click returns when the answer begins to come, and
    until the style sheets are there a page has other widths."""
    page.wait_for_load_state("load")
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


#: What is written in Latin letters on a Chinese page: the switch of the language, kinds of files, units, brands.
LATIN = {"English", "Excel", "WPS", "CSV", "JSON", "JPEG", "PNG", "WebP", "PDF", "HEIC", "Word", "docx"}
LATIN |= {"csv", "xlsx", "xlsm", "xls", "ods", "jpg"}
#: Codes with their digits, accounts, what a browser calls itself, names of settings, and places on a disk.
CODES = re.compile(r"\b[A-Z]{2,5}-?\d[\d-]*\b|Mozilla/.*|\b[A-Z]+(?:_[A-Z]+)+\b|/[A-Za-z0-9_./-]+")
EVERY_WORD = """() => document.body.innerText + [...document.querySelectorAll('[title],[aria-label],[placeholder]')]
  .map((one) => [one.title, one.ariaLabel, one.placeholder].join(' ')).join(' ')"""


def foreign_words(page: Page) -> set[str]:
    """Words of a page that aren't Chinese and have no reason not to be."""
    found = set(re.findall(r"[A-Za-z]{3,}", CODES.sub("", page.evaluate(EVERY_WORD))))
    return found - LATIN - set(ROLE_NAMES)
