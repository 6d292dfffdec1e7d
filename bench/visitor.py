"""An HTTP client with log-in, cookies and forms, which reads the messages that an answer announces."""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from bench.forms import form_values
from bench.site import PASSWORD, Account, Server

#: Seconds to wait for an answer; longer than the panel waits for its database.
TIMEOUT = 60


class Gone(Exception):  # noqa: N818 - what became of the server
    """No complete answer: the request may have been processed or not."""


class Fault(Exception):  # noqa: N818 - what the panel did
    """An answer that the panel should never give."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `flashed` are the categories of the messages on the next page: success, warning, danger."""

    status: int
    text: str
    location: str = ""
    flashed: tuple[str, ...] = ()


@dataclass
class Visitor:
    """The client of an account. It logs in once, keeps its cookies when servers restart, and uses several servers in
    turn."""

    account: Account
    servers: list[Server] = field(default_factory=list)
    asked: int = 0
    #: Number of complete answers by status.
    statuses: dict[int, int] = field(default_factory=dict)
    _cookies: dict[str, str] = field(default_factory=dict)
    _token: str = ""

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    @property
    def logged_in(self) -> bool:
        return bool(self._token)

    def log_in(self) -> None:
        """Log in with new cookies."""
        self._cookies.clear()
        page = self.get("/login")
        values = {"username": self.account.name, "password": PASSWORD}
        self.post("/login", {**values, "csrf_token": form_values(page.text)["csrf_token"]})
        self._token = form_values(self.get("/password").text)["csrf_token"]

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, values: Mapping[str, str], file: tuple[str, bytes] | None = None) -> Answer:
        """Post a form with the CSRF token."""
        form = {"csrf_token": self._token, **values}
        body, kind = (urlencode(form).encode(), "application/x-www-form-urlencoded")
        if file is not None:
            body, kind = _multipart(form, *file)
        return self._ask("POST", path, body, {"Content-Type": kind})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        server = self.servers[self.asked % len(self.servers)]
        self.asked += 1
        connection = HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            connection.request(method, path, body, {**headers, "Cookie": cookies})
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException) as error:
            raise Gone(str(error)) from error
        finally:
            connection.close()
        flashes: tuple[str, ...] = ()
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
                if name == "session":
                    flashes = _told(morsel.value)
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        answer = Answer(response.status, text, response.headers.get("Location", ""), flashes)
        if answer.status >= 500 or answer.status in (400, 401, 405, 413, 429) or "/login?" in answer.location:
            raise Fault(f"{self.account.name}: {method} {path}: {answer.status} {answer.location}")
        return answer


def _told(cookie: str) -> tuple[str, ...]:
    """The categories of the messages in a session cookie; its signature is not checked."""
    compressed = cookie.startswith(".")
    payload = cookie.removeprefix(".").partition(".")[0]
    data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    values = json.loads(zlib.decompress(data) if compressed else data)
    return tuple(flash[" t"][0] for flash in values.get("_flashes", []))


def _multipart(values: Mapping[str, str], name: str, data: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in values.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts += [f"{head}Content-Type: text/csv\r\n\r\n".encode(), data, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
