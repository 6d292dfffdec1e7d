"""Cells as markup. A page has hundreds of them: a macro would cost several times as much. Templates call cell() and
cells() of panel/macros.html, which are these."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from panel.i18n import _, listed
from panel.web.pages import Cell, Column, Row

#: Characters of a text in a list, from which on it wraps, and from which on it gets a middling width.
WIDE, MIDDLING = 24, 12
#: What a flag says: as a tag it is none for the corner of a card.
FLAGS = (_("Yes"), _("No"))
_COPY = '<i class="fa fa-files-o" aria-hidden="true"></i>'
_PENCIL = '<i class="fa fa-pencil" aria-hidden="true"></i>'


def cell(c: Cell, url: str | None = None, *, dash: bool = False, clip: bool = False) -> Markup:
    """A value: its light, its text (a tag, a link or plain) and the grey lines below it. `url` makes the text a link,
    `clip` cuts it at two lines, or at one if grey lines follow; `dash` stands for what is empty."""
    return Markup(_cell(c, url, dash, clip))  # noqa: S704 - every part of it is escaped


def _cell(c: Cell, url: str | None, dash: bool, clip: bool) -> str:
    if c.links and not url:
        named = (f'<a href="{escape(to)}">{escape(text)}</a>' if to else str(escape(text)) for text, to in c.links)
        result = listed(named)
    else:
        result = _text(c, url, dash, clip)
        if to := url or c.url:
            outside = ' rel="noopener noreferrer" target="_blank"' if c.outside and not url else ""
            result = f'<a href="{escape(to)}"{outside}>{result}</a>'
    for line in c.below:
        if line:
            result += f'<span class="below">{escape(line)}</span>'
    return result


def _text(c: Cell, url: str | None, dash: bool, clip: bool) -> str:
    if not c.text:
        return "—" if url else '<span class="none">—</span>' if dash else ""
    text = escape(c.text)
    light = f'<span class="light {escape(c.light)}" aria-hidden="true"></span>' if c.light else ""
    if c.tone is not None:
        return f'{light}<span class="tag {escape(c.tone)}">{text}</span>'
    if clip and not light and len(c.text) > (MIDDLING if c.below else WIDE):
        return f'<span class="clip{" one" if c.below else ""}" title="{text}">{text}</span>'
    return f"{light}{text}"


def cells(columns: Sequence[Column]) -> Callable[[Row], Markup]:
    """What writes the cells of a row below these columns. On a phone the row is a card: its first tag (no yes or no)
    stands at the top right, empty cells fall away."""
    labels = [f'<td data-label="{escape(column.label)}"' for column in columns]
    edits = [f' data-edit="{escape(column.inline)}"' if column.inline else "" for column in columns]
    flags = [str(flag) for flag in FLAGS]

    def write(row: Row) -> Markup:
        tags = (c for c in row.cells[1:] if c.text and c.tone is not None and c.text not in flags)
        status = next(tags, None)
        parts = []
        for n, c in enumerate(row.cells):
            edit = edits[n] if row.edit_url else ""
            look = _look(c, columns[n], first=n == 0) + (" status" if c is status else "")
            parts.append(f'{labels[n]}{edit} class="{look[1:]}">' if look else f"{labels[n]}{edit}>")
            parts.append(_cell(c, None if n else row.url, False, True))
            if row.edit_url and n == 0:
                words = escape(_("Edit {name}", name=c.text))
                parts.append(f'<a class="row-edit" href="{escape(row.edit_url)}" aria-label="{words}">{_PENCIL}</a>')
            if row.copy_url and n == 0:
                place, words = " second" if row.edit_url else "", escape(_("Copy {name}", name=c.text))
                parts.append(
                    f'<a class="row-edit{place}" href="{escape(row.copy_url)}" title="{words}" aria-label="{words}">'
                    f"{_COPY}</a>"
                )
            parts.append("</td>\n")
        return Markup("".join(parts))  # noqa: S704 - every part of it is escaped

    return write


def _look(c: Cell, column: Column, *, first: bool) -> str:
    """The classes of a cell, each after a space."""
    length = len(c.text)
    wide = " sized" if column.width else " wide" if column.wide or length > WIDE else ""
    if first:
        return f" first{wide}"
    if not length and not c.below:
        return f"{wide}{' number' if column.number else ''} void"
    middling = MIDDLING < length <= WIDE and c.tone is None and not c.light and not wide and not c.text.isascii()
    return f"{wide}{' mid' if middling else ''}{' number' if column.number else ''}"
