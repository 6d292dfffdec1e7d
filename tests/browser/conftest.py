"""The panel as it is served, and a real Chromium in front of it. A test fails on any request that leaves the host and
on anything that the browser complains of: a broken script, a missing file, a breach of the content policy."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from seed import demo
from tests.applications import Applications
from tests.browser.windows import PATIENCE, Door, Kind, Window, Windows
from tests.factories import PASSWORD, ROLE_NAMES
from tests.factories import Browser as Client
from tests.servers import served

CASES = 60
#: The names of the system's Chromium, the quickest first.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


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


@pytest.fixture(scope="session")
def door(plain_config: Config) -> Iterator[Door]:
    # Stories move the clock on by days, which isn't silence.
    with served(door := Door(), replace(plain_config, host="127.0.0.1"), channel_timeout=10**9) as port:
        door.url = f"http://127.0.0.1:{port}"
        yield door


@contextmanager
def site_of(door: Door, applications: Applications, config: Config, file: Path) -> Iterator[Site]:
    """The database of a file, served."""
    own = replace(config, instance=file.parent, database_url=f"sqlite:///{file}", host="127.0.0.1")
    with applications.at(own) as app, door.to(app):
        yield Site(app, door.url)


@pytest.fixture
def site(content: Path, plain_config: Config, tmp_path: Path, applications: Applications, door: Door) -> Iterator[Site]:
    """A demo district of the test's own, served."""
    file = tmp_path / "panel.db"
    shutil.copyfile(content, file)
    with site_of(door, applications, plain_config, file) as site:
        yield site


@pytest.fixture(scope="session")
def windows(browser: Browser, door: Door) -> Windows:
    expect.set_options(timeout=PATIENCE)
    return Windows(browser, door.url)


Visit = Callable[..., Page]


@pytest.fixture
def visit(site: Site, windows: Windows) -> Iterator[Visit]:
    with visitors(site, windows) as begin:
        yield begin


@contextmanager
def visitors(site: Site, windows: Windows) -> Iterator[Visit]:
    """visit("office") is that person's own browser, logged in, at the home page, at `at`, or at none where `at` is "".
    `phone` makes it small, `script` can be switched off, and `early` lets one act on pages before their script is
    there. Whoever comes again has logged in again, in the same window."""
    taken: dict[tuple[str, Kind], Window] = {}

    def begin(
        username: str = "", *, at: str = "/", phone: bool = False, script: bool = True, early: bool = False
    ) -> Page:
        kind = Kind(phone, script, early)
        window = taken.get((username, kind)) or windows.take(kind)
        taken[username or str(len(taken)), kind] = window
        if username:
            sit_down(window.page, site, username, at)
        return window.page

    yield begin
    complaints = [found for window in taken.values() for found in windows.give_back(window)]
    assert not complaints


def sit_down(page: Page, site: Site, username: str, at: str = "/") -> None:
    """Begin at an address as somebody who has logged in. They did so past the browser, which has the page of log-in
    tried once (test_menu) and not by everybody."""
    client = Client(site.app)
    client.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0"  # the log of log-ins names it
    assert client.log_in(username).location == "/"
    cookie = client.client.get_cookie("session")
    assert cookie is not None
    page.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.url}])
    if at:
        page.goto(at)


def choose(page: Page, label: str, typed: str, wanted: str) -> None:
    """Look a record up by what one types, and take the one that reads as wanted."""
    page.locator("main").get_by_role("combobox", name=label).fill(typed)
    page.get_by_role("listbox").get_by_role("option", name=wanted).first.click()


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than the screen, once it is whole: a click returns when the answer begins to come, and
    until the style sheets are there a page has other widths."""
    page.wait_for_load_state("load")
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


#: What is written in Latin letters on a Chinese page: the switch of the language, kinds of files, units, brands, a key.
LATIN = {"English", "Excel", "WPS", "CSV", "JSON", "JPEG", "PNG", "WebP", "PDF", "HEIC", "Word", "docx"}
LATIN |= {"Shift", "csv", "xlsx", "xlsm", "xls", "ods", "jpg"}
#: Codes with their digits, accounts, what a browser calls itself, names of settings, and places on a disk.
CODES = re.compile(r"\b[A-Z]{2,5}-?\d[\d-]*\b|Mozilla/.*|\b[A-Z]+(?:_[A-Z]+)+\b|/[A-Za-z0-9_./-]+")


def foreign_words(text: str) -> set[str]:
    """Words of a page that aren't Chinese and have no reason not to be."""
    found = set(re.findall(r"[A-Za-z]{3,}", CODES.sub("", text)))
    return found - LATIN - set(ROLE_NAMES)
