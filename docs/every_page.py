"""Takes a picture of every kind of page, to be looked at one by one: `make screenshots`. The folder is ignored by git;
the few pictures of the README are those of docs/screenshots.py."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from docs.screenshots import browser_file, district, linked, log_in
from panel.web.login.look import COOKIE

FOLDER = Path(__file__).resolve().parent.parent / "bench" / "out" / "pages"
#: Width and height in pixels, and the theme, by the end of a picture's name.
SIZES = {
    "1366": (1366, 768, "light"),
    "1920": (1920, 1080, "light"),
    "390": (390, 844, "light"),
    "dark": (1366, 768, "dark"),
}
#: Cases of the demo district: as many as fill the pages.
CASES = 300
#: An address that there is not: the page of an error.
NOWHERE = "/nothing"
#: Addresses by account and by the name of the picture.
PAGES = {
    "office": {
        "home": "/",
        "list": "/admin/case/?is=open",
        "list-filtered": "/admin/case/?status=handling&q=东栅",
        "people": "/admin/liaison/",
        "details": "/admin/community/details/?id=1",
        "form": "/admin/community/edit/?id=1",
        "new": "/admin/liaison/new/",
        "upload": "/admin/liaison/import/",
        "export": "/admin/case/export/",
        "referrals": "/admin/referral/",
        "mediations": "/admin/mediation/",
        "ledger": "/ledgers",
        "figures": "/figures?by=street",
        "registers": "/registers",
        "briefing": "/briefing",
        "hotline": "/hotline",
        "checklists": "/lists",
        "calendar": "/calendar",
        "rota": "/duty/rota",
        "week": "/duty/week",
        "handover": "/handover",
        "first-steps": "/first-steps",
        "find": "/find/?q=东栅",
        "notices": "/notices/",
        "jobs": "/jobs/",
        "help": "/help/",
        "roles": "/roles",
        "password": "/password",
        "missing": NOWHERE,
    },
    "leader": {"leader-home": "/", "approvals": "/approvals"},
    "officer": {"officer-home": "/", "report": "/report", "duty": "/duty", "mine": "/admin/case/"},
    "liaison": {"liaison-home": "/"},
    "administrator": {
        "accounts": "/admin/user/",
        "accounts-missing": "/accounts",
        "archives": "/archives",
        "backups": "/backups",
        "settings": "/settings",
        "administrator-jobs": "/jobs/",
    },
    "auditor": {
        "audit": "/admin/auditentry/",
        "log-ins": "/admin/loginlog/",
        "exports": "/admin/exportlog/",
    },
}


def seat(browser: Browser, base: str, size: str) -> Page:
    """A page of its own with the size, and the theme as the menu of one's name would choose it."""
    width, height, theme = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": COOKIE, "value": f"{theme}.", "url": base}])
    return context.new_page()


def take(page: Page, base: str, name: str, address: str) -> None:
    """A page that doesn't open is told, and the others are taken all the same."""
    answer = page.goto(base + address)
    status = answer.status if answer else 0
    if status != (404 if address == NOWHERE else 200):
        sys.stderr.write(f"{name}: {address} answers {status}\n")
        return
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with district(CASES) as base, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_file(), args=["--no-sandbox"])
        for size in SIZES:
            guest = seat(browser, base, size)
            take(guest, base, f"login-{size}", "/login")
            for account, pages in PAGES.items():
                page = seat(browser, base, size)
                log_in(page, base, account)
                for name, address in pages.items():
                    take(page, base, f"{name}-{size}", address)
                if account == "office":
                    case = linked(page, f"{base}/admin/case/?is=open").removeprefix(base)
                    take(page, base, f"case-{size}", case)
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
