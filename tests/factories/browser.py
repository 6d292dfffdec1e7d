"""A client that knows forms and their tokens, and whoever logs in with it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bench.forms import form_values

PASSWORD = "Test-pass-1"
#: Arguments that say where a page leads back to.
BACK = {"url", "within"}
#: Where lists and their exports stand.
LISTS = re.compile(r"^/admin/[a-z]+/(?=(export/([a-z]+/)?)?$)")


class Browser:
    """A client that takes the form's token along, as a browser does."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._token = ""

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        return self.client.get(url, **kwargs)

    def post(self, url: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        response = self.client.post(url, data={"csrf_token": self.token(), **(data or {})}, **kwargs)
        if url.startswith(("/login", "/logout", "/password")):
            self._token = ""
        return response

    def token(self) -> str:
        """The token of this session; a log-in or log-out begins another one."""
        for address in ("/password", "/login") if not self._token else ():
            if found := re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(address).text):
                self._token = found[1]
                break
        assert self._token, "no token on the page"
        return self._token

    def log_in(self, username: str, password: str = PASSWORD, **values: str) -> TestResponse:
        return self.post("/login", {"username": username, "password": password, **values})

    def seat(self) -> tuple[str, str]:
        """Cookie and token of this session, for another client that goes on with it."""
        token, cookie = self.token(), self.client.get_cookie("session")
        assert cookie is not None
        return cookie.value, token

    def take(self, seat: tuple[str, str]) -> None:
        """Go on with a session in place of a log-in."""
        cookie, self._token = seat
        self.client.set_cookie("session", cookie)

    def menu(self) -> list[str]:
        """The addresses in the side bar of the home page, without how lists were left."""
        side = re.search(r'<nav class="side".*?</nav>', self.get("/").text, re.S)
        assert side is not None, "no side bar"
        return [html.unescape(address) for address in re.findall(r'<a href="([^"?]*)', side[0])]

    def crawl(self, limit: int = 400) -> Iterator[tuple[str, TestResponse]]:
        """Every page that links lead to from home, and with each argument that links give it. Lists and exports are
        alike for all tables once they have arguments; where a page leads back to makes no other page."""
        waiting, seen, tried, pages = ["/"], {"/"}, dict[str, set[str]](), 0
        while waiting:
            address = waiting.pop(0)
            place, _mark, arguments = address.partition("?")
            names = set(re.findall(r"(?:^|&)([^=&]+)=", arguments)) - BACK
            kind = LISTS.sub("/admin/-/", place) if names else place
            if kind in tried and names <= tried[kind]:
                continue
            tried.setdefault(kind, set()).update(names)
            pages += 1
            assert pages <= limit, "more pages than one crawl looks at"
            page = self.get(address)
            yield address, page
            links = re.findall(r'<a\b[^>]*href="([^"]*)"', page.text) if page.mimetype == "text/html" else []
            for link in (html.unescape(found).partition("#")[0] for found in links):
                if link.startswith("/") and link not in seen:
                    seen.add(link)
                    waiting.append(link)

    @staticmethod
    def complaints(page: str) -> str:
        """What a page says is wrong: above the form and at its fields."""
        found = re.findall(r'<div class="(?:error|note danger)[^"]*"[^>]*>(.*?)</div>', page, re.S)
        return html.unescape(" ".join(re.sub(r"<[^>]+>", "", text) for text in found))

    def form(self, url: str) -> dict[str, str]:
        """What the form at an address would post if it were sent as it is."""
        return form_values(self.get(url).text)
