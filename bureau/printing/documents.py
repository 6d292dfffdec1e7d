"""Papers to print: documents made of blocks, which templates/printing/paper.html lays out on A4. Pure data; texts are
translated and masked already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from panel.i18n import Message

Words = str | Message


@dataclass(slots=True)
class Fact:
    """A label with a text. `wide` takes the whole width, `tall` leaves room below a short text."""

    label: Words
    text: str
    wide: bool = True
    tall: bool = False


@dataclass(slots=True)
class Facts:
    """A ruled table of facts; those that aren't wide stand two in a row."""

    block: ClassVar[str] = "facts"
    facts: list[Fact] = field(default_factory=list)
    caption: Words = ""

    @property
    def lines(self) -> list[list[Fact]]:
        """The facts by row: one that is wide, or up to two others."""
        rows: list[list[Fact]] = []
        for fact in self.facts:
            if fact.wide or not rows or rows[-1][0].wide or len(rows[-1]) == 2:
                rows.append([fact])
            else:
                rows[-1].append(fact)
        return rows


@dataclass(slots=True)
class Grid:
    """A ruled table with a head."""

    block: ClassVar[str] = "grid"
    head: Sequence[Words]
    rows: list[list[str]]
    caption: Words = ""
    #: Widths of the columns in millimetres; 0 shares what is left.
    widths: Sequence[int] = ()


@dataclass(slots=True)
class Paragraphs:
    """Running text, indented as in official papers. `heading` stands bold above it."""

    block: ClassVar[str] = "paragraphs"
    texts: Sequence[Words]
    heading: Words = ""


@dataclass(slots=True)
class Lines:
    """Numbered lines under a heading, such as what is enclosed."""

    block: ClassVar[str] = "lines"
    heading: Words
    texts: Sequence[str]
    empty: Words = ""


@dataclass(slots=True)
class Signatures:
    """Lines to sign on, with the label before each."""

    block: ClassVar[str] = "signatures"
    labels: Sequence[Words]
    caption: Words = ""
    stacked: bool = False


@dataclass(slots=True)
class Seal:
    """Who seals the paper, None for nobody, and its day, at the right."""

    block: ClassVar[str] = "seal"
    who: Words | None
    day: str = ""


@dataclass(slots=True)
class Picture:
    url: str
    caption: str


@dataclass(slots=True)
class Pictures:
    """Pictures, two beside each other, each with a caption."""

    block: ClassVar[str] = "pictures"
    pictures: list[Picture]
    caption: Words = ""


Block = Facts | Grid | Paragraphs | Lines | Signatures | Seal | Pictures


@dataclass(slots=True)
class Document:
    """A paper, which begins on a page of its own. `to` is its addressee, `date` its day in a table of contents. A
    `cover` has its title in the middle of the page."""

    title: Words
    number: str = ""
    unit: str = ""
    to: str = ""
    blocks: list[Block] = field(default_factory=list)
    date: str = ""
    cover: bool = False


def contents(documents: Sequence[Document], title: Words, head: Sequence[Words]) -> Document:
    """The table of contents of a file (卷内目录). The page is left empty: archives number the sheets by hand."""
    rows = [
        [str(number), document.number, str(document.title), document.date, "", ""]
        for number, document in enumerate(documents, 1)
    ]
    return Document(title, blocks=[Grid(head, rows, widths=(12, 40, 0, 26, 16, 22))])
