"""Where the webhook may send to: a list that the operator of the server sets (WEBHOOK_HOSTS), not the administrator on
screen. So nobody makes the panel ask its own machine, or whatever else only it can reach."""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler

from panel.i18n import Message, _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotAllowed(OSError):  # noqa: N818 - the word that a message keeps
    """The address isn't on the list."""


def refused(url: str, allow: str) -> Message | None:
    """Why nothing may be sent to a URL, as far as it shows without looking its name up; None if something may. Names
    are looked up when something is sent."""
    host = (urlsplit(url).hostname or "").lower()
    try:
        address: Address | None = ipaddress.ip_address(host)
    except ValueError:
        address = None
    by_name = _named(host, allow) or (address is None and host != "localhost" and bool(_networks(allow)))
    if by_name or (address is not None and _inside(address, allow)):
        return None
    return _(
        "Nothing may be sent to {host}. Allowed: {allowed}. The operator of the server changes that by WEBHOOK_HOSTS.",
        host=host[:100],
        allowed=allow or _("nothing"),
    )


def handlers(allow: str) -> tuple[HTTPHandler, HTTPSHandler]:
    """Handlers for urllib that connect to allowed addresses alone. The address that was checked is the one that is
    connected to, so that a name can't change in between."""

    def connect(
        place: tuple[str, int], timeout: Any = None, source_address: tuple[str, int] | None = None
    ) -> socket.socket:
        host, port = place
        for _family, _type, _proto, _name, found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if _named(host.lower(), allow) or _inside(ipaddress.ip_address(str(found[0]).split("%")[0]), allow):
                return socket.create_connection((str(found[0]), port), timeout, source_address)
        raise NotAllowed(host)

    class Plain(HTTPConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class Encrypted(HTTPSConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class PlainHandler(HTTPHandler):
        def http_open(self, req: Any) -> Any:
            return self.do_open(Plain, req)

    class EncryptedHandler(HTTPSHandler):
        def https_open(self, req: Any) -> Any:
            return self.do_open(Encrypted, req, context=self._context)  # type: ignore[attr-defined]

    return PlainHandler(), EncryptedHandler()


def _named(host: str, allow: str) -> bool:
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in _parts(allow))


def _inside(address: Address, allow: str) -> bool:
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain.version == network.version and plain in network for network in _networks(allow))


@cache
def _parts(allow: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in allow.split(",") if part.strip())


@cache
def _networks(allow: str) -> tuple[Network, ...]:
    """The networks of the list; an address is a network of one."""
    found = []
    for part in _parts(allow):
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            continue  # a name
    return tuple(found)
