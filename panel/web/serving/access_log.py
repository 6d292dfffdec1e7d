"""The access log: a line of JSON for each request, in a file for each day.

A line says when, which rule of the address map (no ids, no query, no text that somebody typed), by which account's id,
with which status, how many bytes and how long; of the client's address the network alone (/24, of IPv6 /48). Several
processes append to one file: a line is one write."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from flask_login import current_user

from panel.kinds import now, today

log = logging.getLogger(__name__)

#: Prefix of the network that is kept of an address, by version of the protocol.
NETWORK = {4: 24, 6: 48}


class AccessLog:
    """The files of the access log in `folder`, of which those older than `days` are deleted as a new one begins."""

    def __init__(self, folder: Path, days: int) -> None:
        self._folder, self._days = folder, days
        self._day: date | None = None
        self._file = -1

    def write(self, entry: dict[str, Any]) -> None:
        """Append a line. A full disk or a folder that can't be written to never stops a request."""
        try:
            if (day := today()) != self._day:
                self._begin(day)
            os.write(self._file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            log.debug("access log: %s", error)

    def _begin(self, day: date) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = os.open(self._folder / f"access-{day:%Y%m%d}.log", os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        old, self._file, self._day = self._file, new, day
        if old >= 0:
            os.close(old)
        oldest = f"access-{day - timedelta(days=self._days):%Y%m%d}.log"
        for file in self._folder.glob("access-????????.log"):
            if file.name < oldest:
                file.unlink(missing_ok=True)


def network(address: str | None) -> str:
    """The network of an address, for example 10.1.2.0/24; empty for what is none."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, NETWORK[parsed.version]), strict=False))


def install(app: Flask, folder: Path, days: int) -> AccessLog:
    """Write a line for each request that `app` answers."""
    written = AccessLog(folder, days)

    def begin() -> None:
        g.begun = time.perf_counter()

    def end(response: Response) -> Response:
        account = getattr(current_user, "id", None) if "_login_user" in g else None
        entry = {
            "at": now().isoformat(timespec="milliseconds"),
            "method": request.method if request.method in ("GET", "HEAD", "POST", "OPTIONS") else "other",
            "rule": str(request.url_rule or "-"),
            "status": response.status_code,
            "bytes": response.content_length,
            "ms": round((time.perf_counter() - g.get("begun", time.perf_counter())) * 1000, 1),
            "account": account,
            "network": network(request.remote_addr),
        }
        written.write(entry)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    # Flask calls them in reverse: the first in the list is called last.
    app.after_request_funcs.setdefault(None, []).insert(0, end)
    return written
