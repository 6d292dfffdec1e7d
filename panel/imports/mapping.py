"""Headers that nobody has told us: what each most likely means, what somebody said by hand, and remembering that for
files with the same headers."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.errors import UserError
from panel.fields import Field, all_fields, field_named
from panel.i18n import Message, in_every_locale
from panel.imports.headers import ColumnLabels, Header, normal
from panel.imports.matching import UNSCOPED
from panel.imports.rules import ID, RECORD_NO, Rules, placing
from panel.kinds import Data, Day, Invalid, Mobile, Moment, now, tidy
from panel.security.policy import table_of
from panel.security.records import HeaderMap
from panel.security.session import actor_of
from panel.sheets import Line

#: How alike a header and a label must be for a guess.
NEAR = 0.5
#: Rows that are looked at for what a column holds, and how many of their values must be of a kind.
LOOKED_AT, OF_A_KIND = 20, 0.8
#: Kinds whose values tell a column without its header.
TELLING = (Mobile, Day, Moment)


@dataclass(frozen=True, slots=True)
class Guess:
    """A header of the file, values below it, and the column it most likely means ("" for none)."""

    label: str
    samples: Sequence[str]
    name: str


class UnmappedError(UserError):
    """Columns that the table needs are missing, but the file has headers that could be told by hand."""

    def __init__(self, message: Message, guesses: Sequence[Guess]) -> None:
        super().__init__(message)
        self.guesses = guesses


def targets(model: type[Base], rules: Rules) -> list[tuple[str, Message]]:
    """The columns that a header may be said to mean: name and label, as people fill them in."""
    typed = [f for f in all_fields(model) if not isinstance(f.kind, Data) and (not f.readonly or f.key)]
    found: list[tuple[str, Message]] = [(f.name, f.label) for f in typed]
    found += [(f"{reference.name}/{above.name}", above.label) for reference, above in placing(model)]
    found += [(name, labels[-1]) for name, labels in rules.extra().items() if isinstance(labels[-1], Message)]
    return [*found, (ID, RECORD_NO)]


def print_of(labels: Sequence[str]) -> str:
    """The fingerprint of headers: their words in their order."""
    return hashlib.sha256(json.dumps([normal(label) for label in labels]).encode()).hexdigest()


def recall(session: Session, model: type[Base], labels: Sequence[str]) -> dict[str, str]:
    """What somebody said of these very headers; nothing where nobody did."""
    table = table_of(HeaderMap)
    statement = select(table.c.meanings).where(
        table.c.table_name == model.__tablename__, table.c.fingerprint == print_of(labels)
    )
    found = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    return dict(found or {})


def remember(session: Session, model: type[Base], labels: Sequence[str], meanings: Mapping[str, str]) -> None:
    """Keep what somebody said of these headers, in the session's transaction; what was said before goes."""
    table = table_of(HeaderMap)
    same = (table.c.table_name == model.__tablename__, table.c.fingerprint == print_of(labels))
    connection = session.connection()
    connection.execute(delete(table).where(*same))
    if meanings:
        values = {"table_name": model.__tablename__, "fingerprint": print_of(labels), "meanings": dict(meanings)}
        connection.execute(insert(table).values(at=now(), actor_name=actor_of(session).name, **values))


def guesses(
    model: type[Base],
    rules: Rules,
    header: Header,
    lines: Sequence[Line],
    known: ColumnLabels,
    *,
    calls: Callable[[Field, str], bool] = lambda _reference, _text: False,
) -> list[Guess]:
    """Each header with what it most likely means: what it is known for; else by its words; else by what stands below
    it, for a required reference names of what is stored (`calls` tells whether a text is one). A column is guessed
    once."""
    wanted = dict(targets(model, rules))
    taken = set(header.columns.values())
    found = []
    for index, label in enumerate(header.labels):
        below = [tidy(line.cells[index]) for line in lines[:LOOKED_AT] if index < len(line.cells)]
        samples = [text for text in below if text]
        if not label:
            continue
        name = header.columns.get(index) or _by_words(label, known, wanted, taken)
        name = name or _by_values(model, samples, wanted, taken)
        name = name or _by_names([f for f in rules.required() if f.reference and f.name not in taken], samples, calls)
        if name in wanted:
            taken.add(name)
        found.append(Guess(label, samples[:3], name if name in wanted else ""))
    return found


def _by_words(label: str, known: ColumnLabels, wanted: Mapping[str, Message], taken: set[str]) -> str:
    """The free column whose labels are most like this one, or stand in it."""
    asked, best, name = normal(label), NEAR, ""
    for spelling, (_weight, meaning) in known.meanings.items():
        if meaning in taken or meaning not in wanted:
            continue
        alike = difflib.SequenceMatcher(None, asked, spelling).ratio()
        if len(spelling) > 1 and (spelling in asked or asked in spelling):
            alike += 0.4
        if alike > best:
            best, name = alike, meaning
    return name


def _by_values(model: type[Base], samples: Sequence[str], wanted: Mapping[str, Message], taken: set[str]) -> str:
    for name in wanted:
        declared = field_named(model, name)
        if name in taken or declared is None or not samples or not isinstance(declared.kind, TELLING):
            continue
        if sum(_reads(declared, text) for text in samples) >= OF_A_KIND * len(samples):
            return name
    return ""


def _by_names(references: Sequence[Field], samples: Sequence[str], calls: Callable[[Field, str], bool]) -> str:
    for declared in references if samples else ():
        if sum(calls(declared, text) for text in samples) >= OF_A_KIND * len(samples):
            return declared.name
    return ""


def _reads(declared: Field, text: str) -> bool:
    try:
        return declared.kind.parse(text) is not None
    except Invalid:
        return False


def by_words(model: type[Base], rules: Rules, said: Mapping[str, str]) -> dict[str, str]:
    """What a command was told, header to column: the column by its name or label in any language. Raises KeyError with
    what is no column of the table."""
    names = {normal(text): name for name, label in targets(model, rules) for text in {name, *in_every_locale(label)}}
    return {label: names[normal(column)] if column else "" for label, column in said.items()}
