"""The columns of a book for the page on which they are settled: sheets with the same header make one section."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.i18n import Message
from panel.imports.layout import headers
from panel.imports.layout.headers import Doubt
from panel.imports.layout.layout import Layout, ReadHeader
from panel.imports.layout.mapping import targets
from panel.imports.layout.samples import shown
from panel.imports.questions import LeftOut, column_key, letter
from panel.imports.rules import CLOCK
from panel.sheets import Book

#: Values of a column that the page shows.
SAMPLES = 3
#: Rows near the top that are offered as the header.
OFFERED_ROWS = 15


@dataclass(slots=True)
class SectionColumn:
    """A column of the file. `name` is the column of the table that it is read as, "" for none; `doubt` is what is asked
    about it; `why` explains what isn't plain."""

    index: int
    label: str
    group: str
    samples: list[str]
    name: str
    doubt: Doubt | None = None
    why: Message | None = None


@dataclass(slots=True)
class Section:
    """The columns of one header. `rows` are its row numbers, `header_rows` those of every row that may be it."""

    sheets: list[str]
    rows: list[int]
    columns: list[SectionColumn]
    header_rows: list[list[int]]
    left_out: list[LeftOut] = field(default_factory=list)
    count: int = 0

    def keys(self, index: int, *, alone: bool) -> list[str]:
        """The keys of Options.columns for a column; `alone`: the book has no other section."""
        return [letter(index)] if alone else [column_key(sheet, index) for sheet in self.sheets]


def sections_of(layout: Layout, book: Book) -> list[Section]:
    """The sections of the sheets that have a header of the table; of the widest sheet if none has one. Empty if no row
    looks like a header."""
    read = [header for sheet in book.sheets if (header := layout.header_of(sheet)) is not None]
    fitting = [one for one in read if layout.fits(one.header)]
    chosen = fitting or sorted(read, key=lambda one: len(one.header.labels))[-1:]
    sections: dict[str, Section] = {}
    for one in chosen:
        if (section := sections.get(one.header.fingerprint)) is None:
            if not fitting:
                one.header.doubts += layout.proposals(one, layout.missing(one.header))
            section = sections[one.header.fingerprint] = _section(layout, one)
        section.sheets.append(one.sheet.name)
        part, rows = layout.part_of(one)
        section.count += len(part.rows)
        section.left_out += rows.left_out
    return list(sections.values())


def _section(layout: Layout, read: ReadHeader) -> Section:
    header = read.header
    doubts = {doubt.index: doubt for doubt in header.doubts}
    offered = {name for name, _label in targets(layout.model, layout.rules)}
    names = dict(header.columns)
    for half in header.halves:
        names |= {index: header.columns[main] for main, index in half.items()}
    # A clock beside a day is shown as the moment that both are.
    names = {index: name.removesuffix(CLOCK) for index, name in names.items()}
    columns = [
        SectionColumn(
            index,
            label,
            " › ".join(header.groups[index]),
            [shown(value) for value in read.values[index][:SAMPLES]],
            names.get(index, "") if names.get(index) in offered else "",
            doubts.get(index),
            header.why.get(index),
        )
        for index, label in enumerate(header.labels)
        if label or read.values[index]
    ]
    candidates = headers.candidates(read.sheet, layout.known)[:OFFERED_ROWS]
    rows = [candidate.rows for candidate in candidates]
    return Section([], header.rows, columns, rows if header.rows in rows else [header.rows, *rows])
