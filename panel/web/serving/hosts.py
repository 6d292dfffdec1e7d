"""The names under which the panel answers. A request for another name is refused: its page would be one that somebody
else's domain shows as its own (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import cache
from typing import Any

from flask import Flask, g, request

from panel.i18n import Message, _
from panel.web.errors import error_page

#: A host as a browser sends it: a name or an address, and a port.
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?")


def allowed(host: str, named: str = "") -> bool:
    """Whether the panel answers under this host. `named` is the setting HOSTS: names separated by commas,
    `.example.cn` for a domain with all its names, `*` for whatever is asked. Addresses, names without a dot and the
    machine's own name are always answered, since no other site can have them."""
    matched = _HOST.fullmatch(host)
    if matched is None:
        return False
    name = matched["name"].strip("[]").rstrip(".").lower()
    return _is_own(name) or any(
        one == "*" or name == one.lstrip(".") or (one.startswith(".") and name.endswith(one)) for one in _split(named)
    )


@cache
def _split(named: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in named.split(",") if part.strip())


def _is_own(name: str) -> bool:
    if "." not in name and ":" not in name:
        return bool(name)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == _machine()
    return True


@cache
def _machine() -> str:
    return socket.gethostname().rstrip(".").lower()


def sentence(host: str) -> Message:
    return _(
        "This system doesn't answer under the name “{host}”. Open it by the address you were given; if this is the "
        "right one, the administrator adds it to HOSTS in the environment of the server and restarts it.",
        host=host[:100],
    )


def install(app: Flask) -> None:
    @app.before_request
    def known() -> Any:
        if allowed(host := request.host, app.config.get("HOSTS", "")):
            return None
        g.frame = None  # no links to pages of this name
        return error_page(400, sentence(host))
