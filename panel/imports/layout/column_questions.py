"""Questions about the columns of a file, from the doubts about its header."""

from __future__ import annotations

from panel.base import Base
from panel.i18n import Message, _
from panel.imports.layout.headers import Header
from panel.imports.layout.mapping import targets
from panel.imports.questions import About, Offer, Question, column_key, letter
from panel.imports.rules import Rules

NOT_IMPORTED = _("not imported")


def ask(model: type[Base], rules: Rules, header: Header) -> list[Question]:
    """A question for each doubt, whose offers are the likely columns."""
    labels = dict(targets(model, rules))
    return [
        Question(
            about=About.COLUMN,
            key=column_key(header.sheet, doubt.index),
            text=_text(doubt.why, [labels[name] for name in doubt.names if name][:1]),
            offers=tuple(Offer(name, labels[name] if name else NOT_IMPORTED) for name in doubt.names),
            sheet=header.sheet,
            column=letter(doubt.index),
            header=header.title(doubt.index),
        )
        for doubt in header.doubts
    ]


def _text(why: Message, likely: list[Message]) -> Message:
    if not likely:
        return why
    return _("{why} ({field})", why=why, field=likely[0])
