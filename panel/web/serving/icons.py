"""The icons of the pages: the drawings that Flask-Admin brings along (Font Awesome 4.7), those that are used, as masks
in the style sheet. A font of all 675 would be 77 KB."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from urllib.parse import quote

import flask_admin

_FOLDER = Path(flask_admin.__file__).parent / "static/bootstrap/bootstrap4"
#: Units of a drawing: its height, and how much of it stands above the line.
_HEIGHT, _ABOVE = 1792, 1536
#: Names in templates: of a tag's class, or asked of the macro icon().
_NAMED = re.compile(r"\bfa-([a-z0-9-]*[a-z0-9])|\bicon\(\"([a-z0-9-]+)\"")
#: Icons that neither a template nor a screen nor a link of the side bar names: buttons, chosen in the code.
BUTTONS = frozenset(
    [
        "archive",
        "ban",
        "binoculars",
        "book",
        "bullhorn",
        "calendar",
        "caret-down",
        "caret-up",
        "check",
        "columns",
        "compress",
        "download",
        "exchange",
        "eye",
        "files-o",
        "gavel",
        "key",
        "list",
        "list-ul",
        "lock",
        "map-marker",
        "paperclip",
        "pencil",
        "plus",
        "print",
        "random",
        "refresh",
        "reply",
        "sign-out",
        "sliders",
        "sort",
        "times",
        "undo",
        "upload",
    ]
)
#: An icon without a drawing is nothing, not a black square.
_RULES = """
.fa {
  --icon: linear-gradient(transparent, transparent);
  display: inline-block; width: 1em; height: 1em; line-height: 1; vertical-align: -.143em; background: currentColor;
  -webkit-mask: var(--icon) center / contain no-repeat; mask: var(--icon) center / contain no-repeat;
  -webkit-print-color-adjust: exact; print-color-adjust: exact;
}
@media (forced-colors: active) { .fa { background: CanvasText; } }
"""


def in_templates(folders: Iterable[Path]) -> set[str]:
    """The icons that templates name."""
    texts = (file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.html"))
    return {one or other for text in texts for one, other in _NAMED.findall(text)}


def sheet(names: Collection[str]) -> str:
    """The style sheet of these icons. LookupError for one that there is no drawing of."""
    drawn = _drawings()
    if missing := sorted(set(names) - set(drawn)):
        raise LookupError(f"no icon {', '.join(missing)} in Font Awesome 4.7")
    return _RULES + "\n".join(_rule(name, *drawn[name]) for name in sorted(names))


def _rule(name: str, width: int, path: str) -> str:
    box = f"0 -{_ABOVE} {width} {_HEIGHT}"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{box}'><path transform='scale(1 -1)' d='{path}'/></svg>"
    image = quote(svg, safe=" '=:/,()")
    return f'.fa-{name} {{ width: {width / _HEIGHT:.3g}em; --icon: url("data:image/svg+xml,{image}"); }}'


@cache
def _drawings() -> dict[str, tuple[int, str]]:
    """Width and path of each icon by name."""
    font = (_FOLDER / "fonts/fontawesome-webfont.svg").read_text(encoding="utf-8")
    found = re.findall(r'<glyph [^>]*?unicode="&#x([0-9a-f]+);"([^>]*?)d="([^"]+)"', font)
    default = re.search(r'<font id="FontAwesome" horiz-adv-x="(\d+)"', font)
    assert default is not None
    glyphs = {}
    for code, between, path in found:
        width = re.search(r'horiz-adv-x="(\d+)"', between)
        glyphs[code] = (int((width or default)[1]), " ".join(path.split()))
    styles = (_FOLDER / "css/font-awesome.min.css").read_text(encoding="utf-8")
    drawn: dict[str, tuple[int, str]] = {}
    for selectors, code in re.findall(r'([^{}]*:before)\{content:"\\([0-9a-f]+)"\}', styles):
        if code in glyphs:
            drawn |= dict.fromkeys(re.findall(r"\.fa-([a-z0-9-]+):before", selectors), glyphs[code])
    return drawn
