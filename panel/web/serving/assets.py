"""Style sheets and scripts, answered from memory: `asset("cases.css")` in a template is an address with the hash of the
content, which a browser keeps for a year, and the content is compressed once, at the first request.

`panel.css` is what every page has: Bootstrap out of Flask-Admin, the icons, and the engine's own sheets. Files joined
by `+` in an address are one file, so that a page names one sheet and one script of its own at most."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

import flask_admin
from flask import Flask, Response, abort, request, url_for

from panel.web.serving import icons

#: For files whose address names their content, so that a browser asks for each of them once.
KEPT = "private, max-age=31536000, immutable"
BOOTSTRAP = Path(flask_admin.__file__).parent / "static/bootstrap/bootstrap4/css/bootstrap.min.css"
#: The engine's sheets, in the order in which a later one overrules an earlier one.
SHEETS = (
    "base",
    "frame",
    "controls",
    "tables",
    "forms",
    "import",
    "details",
    "home",
    "rows",
    "phone",
    "thumbs",
    "print",
)
TYPES = {"css": "text/css", "js": "text/javascript"}
_ADDRESS = re.compile(r"(?P<names>[a-z_/+-]+)(?:\.(?P<hash>[0-9a-f]{12}))?\.(?P<ending>css|js)")
_MAP = re.compile(rb"/\*# sourceMappingURL=.*?\*/")


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    ending: str

    @cached_property
    def hash(self) -> str:
        return sha256(self.content).hexdigest()[:12]

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.content, 9, mtime=0)


class Assets:
    """The files of a folder, read when the panel begins; `wanted` are the names of the icons that pages may show."""

    def __init__(self, folder: Path, wanted: Collection[str]) -> None:
        found = (file for ending in TYPES for file in folder.rglob(f"*.{ending}"))
        self._files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}
        sheets = [self._files[f"panel/{name}.css"] for name in SHEETS]
        dark = dark_rules(self._files["panel/dark.css"].decode()).encode()
        parts = [_MAP.sub(b"", BOOTSTRAP.read_bytes()), icons.sheet(wanted).encode(), *sheets, dark]
        self._files["panel.css"] = b"\n".join(parts)
        self._joined = lru_cache(maxsize=64)(self._join)

    def url(self, *names: str) -> str:
        """The address of files of one ending, joined: url("way.css", "photos.css"). KeyError for what isn't there."""
        ending = names[0].rpartition(".")[2]
        stems = "+".join(name.removesuffix(f".{ending}") for name in names)
        asset = self._joined(stems, ending)
        return url_for("static", filename=f"{stems}.{asset.hash}.{ending}")

    def answer(self, filename: str) -> Response:
        """The file of an address. Under the hash of another content, which an open page names after an update, it is
        today's, and isn't kept."""
        if (matched := _ADDRESS.fullmatch(filename)) is None:
            abort(404)
        try:
            asset = self._joined(matched["names"], matched["ending"])
        except KeyError:
            abort(404)
        response = Response(asset.content, content_type=f"{TYPES[asset.ending]}; charset=utf-8")
        response.headers["Cache-Control"] = KEPT if matched["hash"] == asset.hash else "no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        if request.accept_encodings["gzip"]:
            response.set_data(asset.compressed)
            response.headers["Content-Encoding"] = "gzip"
        return response

    def _join(self, stems: str, ending: str) -> Asset:
        return Asset(b"\n".join(self._files[f"{stem}.{ending}"] for stem in stems.split("+")), ending)


def dark_rules(text: str) -> str:
    """The rules of dark.css, each of which begins with `:root`, twice: for whoever chose dark, and for whoever chose
    nothing on a system that is dark. Paper stays white."""
    chosen = text.replace(":root", ":root[data-theme=dark]")
    system = text.replace(":root", ":root:not([data-theme])")
    return f"@media screen {{\n{chosen}}}\n@media screen and (prefers-color-scheme: dark) {{\n{system}}}\n"


def install(app: Flask, wanted: Callable[[], Collection[str]]) -> None:
    """Answer /static/ from memory, and give templates `asset()`. The files are read, and the names of icons asked for,
    when the first of them is needed."""

    @cache
    def assets() -> Assets:
        return Assets(Path(str(app.static_folder)), wanted())

    app.view_functions["static"] = lambda filename: assets().answer(filename)
    app.jinja_env.globals["asset"] = lambda *names: assets().url(*names)
