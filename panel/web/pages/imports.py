"""Data of the pages of an import: upload, columns, preview, undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from panel.web.pages.parts import Button, Cell, Change, Chip, Column, Input, Page, Pager, Words


@dataclass(slots=True)
class UploadPage(Page):
    """The page that uploads a file; posts `file`, or `pasted` cells. With a `token` it asks for the `password` of a
    protected file, which is there already. `first` are the empty tables to fill before this one, in order."""

    error: Words | None = None
    cancel_url: str = ""
    token: str = ""
    pasted: str = ""
    first: list[Button] = field(default_factory=list)


@dataclass(slots=True)
class LeftOutRow:
    """A row of the file that is not read, the words of the reason, its text, and the link that takes it in."""

    number: int
    sheet: str
    why: str
    text: str
    take: Button


@dataclass(slots=True)
class LeftOutRows:
    """The rows that are not read, the first of them listed; and the numbers of those taken in, each with a link that
    leaves it out again."""

    count: int = 0
    rows: list[LeftOutRow] = field(default_factory=list)
    taken: list[tuple[str, Button]] = field(default_factory=list)


@dataclass(slots=True)
class ColumnRow:
    """A column of the file: its letter, the labels above its label, samples, the choice of its meaning and why that is
    proposed. `asked`: it is in doubt. `hidden`: the present filter doesn't show it."""

    letter: str
    label: str
    choice: Input
    group: str = ""
    samples: list[str] = field(default_factory=list)
    why: Words = ""
    asked: bool = False
    hidden: bool = False


@dataclass(slots=True)
class ColumnsSection:
    """The columns of sheets with the same header."""

    sheets: str
    rows: list[ColumnRow]


@dataclass(slots=True)
class ColumnsPage(Page):
    """The page that settles what the columns of a file mean; posts the choices of the sections and `header_row`.
    `needed` names the required columns, `notice` says how many columns are in doubt."""

    token: str = ""
    action_url: str = ""
    needed: str = ""
    notice: Words = ""
    submit: Words = ""
    chips: list[Chip] = field(default_factory=list)
    sections: list[ColumnsSection] = field(default_factory=list)
    header_rows: Input | None = None
    left_out: LeftOutRows = field(default_factory=LeftOutRows)
    error: Words | None = None


@dataclass(slots=True)
class UndoRow:
    """A row of an import to undo: what happens to its records, or the reasons why it stays."""

    number: int
    sheet: str
    record: Cell
    effect: Cell = field(default_factory=Cell)
    changes: Sequence[Change] = ()
    besides: list[Words] = field(default_factory=list)
    reasons: list[Cell] = field(default_factory=list)


@dataclass(slots=True)
class UndoPage(Page):
    """The plan of an undo, with the first rows of those that go and that stay. Without `submit` the import can't be
    undone; `notice` says why. `later` says that a job undoes it."""

    notice: Words = ""
    later: Words = ""
    refused: bool = False
    staying: list[UndoRow] = field(default_factory=list)
    staying_count: int = 0
    going: list[UndoRow] = field(default_factory=list)
    going_count: int = 0
    also: list[Cell] = field(default_factory=list)
    action_url: str = ""
    digest: str = ""
    submit: Words | None = None
    cancel_url: str = ""


@dataclass(slots=True)
class PreviewCell:
    """A cell of a preview: the text, the text `before` if it changes, and whether it has an error (`bad`)."""

    text: str
    before: str = ""
    changed: bool = False
    bad: bool = False


@dataclass(slots=True)
class PreviewRow:
    """A row of a preview. `errors` are messages, each with a link that accepts its suggestion; `inputs` correct the
    faulty cells."""

    number: int
    outcome: Cell
    sheet: str = ""
    cells: list[PreviewCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[tuple[str, Button | None]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)


@dataclass(slots=True)
class Choice:
    """A choice of a preview, with its answers as links."""

    label: Words
    answers: list[Chip]


@dataclass(slots=True)
class QuestionBox:
    """A question of a preview. Posts `name` with the number of the chosen answer; a question about a column is answered
    on another page, `url`."""

    name: str
    about: str
    text: str
    place: Words = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def number(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(slots=True)
class AnswerRow:
    """An answer that counts, and the button that takes it back."""

    text: Words
    note: Words = ""
    button: Button | None = None


@dataclass(slots=True)
class EndingRow:
    """A person whose term a row ends, and the question about the row if it is in doubt."""

    number: int
    person: Cell
    place: str
    until: str
    why: str
    question: QuestionBox | None = None


@dataclass(slots=True)
class AdditionRow:
    """A missing record that a preview offers to add: posts `name` if it is ticked, and what its other fields hold."""

    name: str
    table: Words
    record: str
    inputs: list[Input] = field(default_factory=list)


@dataclass(slots=True)
class PreviewPage(Page):
    """The plan of an import. Posting `token` and `digest` to `apply_url` writes it. If it can't be written, `blocked`
    says why instead of `submit` and leads to what has to be done. Answers to the questions are posted to
    `answer_url`, corrected cells and missing records to `correct_url`."""

    token: str = ""
    digest: str = ""
    apply_url: str = ""
    submit: Words | None = None
    blocked: Chip | None = None
    answer_url: str = ""
    correct_url: str = ""
    additions: list[AdditionRow] = field(default_factory=list)
    addition_count: int = 0
    question_count: int = 0
    questions: list[QuestionBox] = field(default_factory=list)
    confirm_all: bool = False
    answers: list[AnswerRow] = field(default_factory=list)
    ending_count: int = 0
    ending_question: QuestionBox | None = None
    endings: list[EndingRow] = field(default_factory=list)
    notice: Words = ""
    notes: list[Words] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[PreviewRow] = field(default_factory=list)
    pager: Pager | None = None
    left_out: LeftOutRows = field(default_factory=LeftOutRows)
