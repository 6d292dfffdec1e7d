"""Files that leave: as downloads, and as pages made to be printed. Each is in the export log, or isn't delivered.

What a file holds is said by noting(); a download of which nothing is said is logged by its name alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from flask import Flask, Response, g, request, send_file
from sqlalchemy.orm import Session

from panel.exports import requests
from panel.exports.records import ExportFormat
from panel.i18n import pinyin
from panel.security.session import set_actor
from panel.web.context import current_actor, current_panel

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the export log says of a file: the table that it is about, its rows, and in words what was chosen."""

    table: str = ""
    rows: int = 0
    filter: str = ""
    name: str = ""
    format: ExportFormat | None = None


def noting(table: str, rows: int = 0, filter: str = "") -> None:
    """Say of the file that this request delivers what it holds."""
    g.leaving = Leaving(table, rows, filter)


def noting_print(table: str, name: str, filter: str = "") -> None:
    """Say that this request delivers a page to print."""
    g.leaving = Leaving(table, 1, filter, name, ExportFormat.PRINT)


def already_noted() -> None:
    """Say that the file that this request delivers is in the export log already."""
    g.leaving = None


def install(app: Flask) -> None:
    """Log each file before it leaves. If that fails, the request fails, and nothing leaves."""

    @app.after_request
    def log_file(response: Response) -> Response:
        attached = response.headers.get("Content-Disposition", "").startswith("attachment")
        leaving: Leaving | None = g.pop("leaving", Leaving() if attached else None)
        if leaving is None or response.status_code not in (200, 206) or request.method == "HEAD":
            return response
        name = leaving.name or response.headers.get("Content-Disposition", "")
        if encoded := re.search(r"filename\*=UTF-8''([^;]+)", name):
            name = unquote(encoded[1])
        elif plain := re.search(r'filename="?([^";]+)', name):
            name = plain[1]
        try:
            with logging_file() as session:
                requests.note_file(
                    session,
                    name,
                    table_name=leaving.table,
                    row_count=leaving.rows,
                    filter=leaving.filter or None,
                    format=leaving.format,
                )
        except BaseException:
            response.close()  # and the file that it would have been read from
            raise
        return response


def send_download(content: IO[bytes] | Path, name: str, media_type: str | None = XLSX) -> Response:
    """A file as a download. The response closes `content`. What it holds is said by noting() before.

    Its name is sent twice (RFC 6266): as it is, and spelt in ASCII for programs that can't read the other."""
    response = send_file(content, media_type, as_attachment=True, download_name=name)
    named = f"attachment; filename={ascii_name(name)}; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = named
    return response


@contextmanager
def logging_file() -> Iterator[Session]:
    """A short writing transaction of its own for the log entry about a file, for pages that only read. The request's
    transaction is given up first: on SQLite one that has read can't begin to write."""
    panel = current_panel()
    panel.session.rollback()
    with panel.system_session() as session:
        set_actor(session, replace(current_actor(), system=True))
        yield session


def ascii_name(name: str) -> str:
    """A file name in letters, digits, dots and hyphens; Chinese is spelt in pinyin."""
    stem, dot, ending = unicodedata.normalize("NFKC", name).rpartition(".")
    spelt = "".join(pinyin.spelling(character) for character in (stem if dot else ending))
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", spelt).strip("-.")
    return f"{plain or 'file'}{dot}{ending}" if dot else plain or "file"
