"""Files that leave as downloads."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import IO
from urllib.parse import quote

from flask import Response, send_file

from panel.i18n import pinyin

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_download(content: IO[bytes] | Path, name: str, media_type: str | None = XLSX) -> Response:
    """A file as a download. The response closes `content`.

    Its name is sent twice (RFC 6266): as it is, and spelt in ASCII for programs that can't read the other."""
    response = send_file(content, media_type, as_attachment=True, download_name=name)
    named = f"attachment; filename={ascii_name(name)}; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = named
    return response


def ascii_name(name: str) -> str:
    """A file name in letters, digits, dots and hyphens; Chinese is spelt in pinyin."""
    stem, dot, ending = unicodedata.normalize("NFKC", name).rpartition(".")
    spelt = "".join(pinyin.spelling(character) for character in (stem if dot else ending))
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", spelt).strip("-.")
    return f"{plain or 'file'}{dot}{ending}" if dot else plain or "file"
