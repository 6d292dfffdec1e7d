"""A browser for the panels of other schemas: it takes the form's token along, and knows what a form would post."""

from __future__ import annotations

import html
import re
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from panel.web.panel import Panel

PASSWORD = "Record-shop-1"


class Client:
    """A browser that takes the form's token along."""

    def __init__(self, panel: Panel, username: str) -> None:
        self.client = panel.app.test_client()
        assert self.post("/login", username=username, password=PASSWORD).status_code == 302, "the log-in"

    def get(self, url: str, status: int = 200) -> str:
        response = self.client.get(url)
        assert response.status_code == status, (url, response.status_code, response.text[-3000:])
        return response.text if "html" in response.mimetype or "json" in response.mimetype else ""

    def post(self, url: str, /, **data: Any) -> TestResponse:
        pages = (self.client.get(address).text or "" for address in ("/password", "/login"))
        token = next(found for page in pages if (found := re.search(r'name="csrf_token" value="([^"]+)"', page)))
        return self.client.post(url, data={"csrf_token": token[1], **data})

    def form(self, url: str) -> dict[str, Any]:
        """What the form at an address would post as it stands; of boxes a list."""
        page = self.get(url)
        main = re.search(r"<main.*</main>", page, re.S)
        assert main is not None
        found: dict[str, Any] = {}
        for tag in re.findall(r"<input[^>]*>", main[0]):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if (
                name
                and ('type="checkbox"' not in tag or "checked" in tag)
                and ('type="radio"' not in tag or "checked" in tag)
            ):
                text = html.unescape(value[1]) if value else ""
                found[name[1]] = [*found.get(name[1], []), text] if 'type="checkbox"' in tag else text
        for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', main[0], re.S):
            found[name] = html.unescape(text)
        for name, text in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', main[0], re.S):
            chosen = re.search(r'<option value="([^"]*)"[^>]*selected', text)
            found[name] = html.unescape(chosen[1]) if chosen else ""
        return found


def bring(client: Client, table: str, text: str) -> tuple[str, dict[str, Any]]:
    """Preview a file; the page, and what confirming it posts."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.client.get("/password").text)
    assert token
    data = {"csrf_token": token[1], "file": (BytesIO(text.encode()), "some.csv")}
    given = client.client.post(f"/admin/{table}/import/", data=data)
    form = client.form(given.location)
    posted = {name: form[name] for name in ("token", "digest")} if "digest" in form else {}
    return client.get(given.location), posted
