"""What the tests in a browser share. The sites of a process stand behind one address, one after another, so that
style sheets and scripts are read once; and windows are handed on, since a new one costs as much as two pages."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response
from werkzeug.wsgi import ClosingIterator

DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 360, "height": 740}
#: How long something may take, in milliseconds: on a machine with as much else to do, ten times as long as usual.
PATIENCE = 30_000
#: Where a window waits for its next test.
WAITING = "/nobody-is-here"
#: A page is seen once its script has begun, and not a moment sooner: whoever acts on what they see acts on a page that
#: answers, however slowly it comes.
SEEN_WHEN_READY = """(() => {
  const hidden = new CSSStyleSheet();
  hidden.replaceSync("html { visibility: hidden }");
  document.adoptedStyleSheets = [hidden];
  document.addEventListener("DOMContentLoaded", () => { document.adoptedStyleSheets = []; }, true);
})();"""


class Door:
    """What stands behind the address now: a site. It is left when all that it was asked for has been answered."""

    url: str

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._asked = 0
        self._changed = threading.Condition()

    @contextmanager
    def to(self, app: Flask) -> Iterator[None]:
        assert self._app is None, "there is one address for one site at a time"
        self._app = app
        yield
        with self._changed:
            self._app = None
            assert self._changed.wait_for(lambda: not self._asked, 10), "a request isn't answered"

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._changed:
            app = self._app
            if app is None or environ["PATH_INFO"] == WAITING:
                start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
                return []
            self._asked += 1
        try:
            return ClosingIterator(app(environ, start), [self._answered])
        except BaseException:
            self._answered()
            raise

    def _answered(self) -> None:
        with self._changed:
            self._asked -= 1
            self._changed.notify_all()


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


@dataclass(frozen=True)
class Kind:
    """What can't be changed of a window: whether it is a phone's, whether it runs scripts, and whether pages can be
    acted on while they are still coming."""

    phone: bool = False
    script: bool = True
    early: bool = False

    @property
    def size(self) -> Any:
        return PHONE if self.phone else DESKTOP


@dataclass
class Window:
    kind: Kind
    page: Page
    complaints: Complaints

    def leave(self) -> list[str]:
        """Nobody's again. Returns what it has complained of."""
        for other in self.page.context.pages:
            if other is not self.page:
                other.close()
        self.page.unroute_all()
        self.page.goto(WAITING)
        if self.page.viewport_size != self.kind.size:
            self.page.set_viewport_size(self.kind.size)
        self.page.context.clear_cookies()
        found = self.complaints.found[:]
        self.complaints.found.clear()
        return found


class Windows:
    """Those of a browser that nobody has."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._free: dict[Kind, list[Window]] = defaultdict(list)

    def take(self, kind: Kind) -> Window:
        return self._free[kind].pop() if self._free[kind] else self._made(kind)

    def give_back(self, window: Window) -> list[str]:
        found = window.leave()
        self._free[window.kind].append(window)
        return found

    def _made(self, kind: Kind) -> Window:
        context = self._browser.new_context(
            base_url=self._url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport=kind.size,
            is_mobile=kind.phone,
            has_touch=kind.phone,
            java_script_enabled=kind.script,
        )
        context.set_default_timeout(PATIENCE)
        if kind.script and not kind.early:
            context.add_init_script(SEEN_WHEN_READY)
        complaints = Complaints()
        complaints.watch(context)
        return Window(kind, context.new_page(), complaints)
