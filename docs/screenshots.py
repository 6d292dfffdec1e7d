"""Takes the screenshots in docs/images from the demo district: `make images`."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from admin_app import create_app
from bureau.upkeep.web.commands import migrate
from panel.config import Config
from seed import demo

IMAGES = Path(__file__).resolve().parent / "images"
SAMPLES = IMAGES.parent.parent / "tests" / "samples"
PASSWORD = "Picture-1"  # noqa: S105 - of a database that is thrown away
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
SCREEN, PHONE = (1366, 768), (390, 844)


@contextmanager
def district(cases: int = 2400) -> Iterator[str]:
    """The address of a running panel with demo data, of so many cases."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        key = "of no worth"
        app = create_app(
            Config(instance=place, database_url=f"sqlite:///{place / 'panel.db'}", secret_key=key, password_cost=1)
        )
        panel = app.extensions["panel"]
        with app.app_context():
            migrate(panel)
            with panel.system_session() as session:
                demo.build(session, password_hash=panel.passwords.hash(PASSWORD), secret=key, cases=cases)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def take(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


def log_in(page: Page, base: str, username: str) -> None:
    page.goto(f"{base}/login")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("form[data-once] button")
    page.wait_for_url(f"{base}/")


def linked(page: Page, address: str) -> str:
    """The address that the first row of a list links to."""
    page.goto(address)
    target = page.locator("tbody a").first.evaluate("link => link.href")
    return str(target)


def roster(page: Page, base: str) -> None:
    """Take the screenshot of a roster's preview, after the import of its communities."""
    for table, file in (("community", "communities.xls"), ("liaison", "liaison-roster.xlsx")):
        page.goto(f"{base}/admin/{table}/import/")
        page.set_input_files("input[type=file]", SAMPLES / file)
        page.locator("main form button").last.click()
        page.wait_for_url("**/preview/**")
        if table == "community":
            page.get_by_role("link", name="一并新增").click()
            page.locator("button.go").first.click()
            page.wait_for_url("**/importbatch/**")
    page.screenshot(path=IMAGES / "import.png")


def browser_file() -> str | None:
    """The browser of the system; None for that of the driver."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with district() as base, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_file(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SCREEN[0], "height": SCREEN[1]}, locale="zh-CN")
        log_in(page, base, "office")
        take(page, f"{base}/", "home")
        take(page, f"{base}/admin/case/?is=open", "list")
        take(page, linked(page, f"{base}/admin/case/?status=handling"), "case")
        take(page, linked(page, f"{base}/admin/community/").replace("details", "edit"), "form")
        take(page, f"{base}/ledgers", "ledger")
        take(page, f"{base}/figures?by=street", "figures")
        roster(page, base)
        phone = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN")
        log_in(phone, base, "officer")
        take(phone, f"{base}/", "phone")
        take(phone, f"{base}/report", "report")
        browser.close()


if __name__ == "__main__":
    main()
