"""Unknown headers: guess, confirm, remember.

Guesses the column that an unknown header means, and stores the mapping that a user confirmed for later files with
the same headers."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.errors import UserError
from panel.fields import Field, all_fields, field_named
from panel.i18n import Message, in_every_locale
from panel.imports.headers import ColumnLabels, Header, normalize
from panel.imports.records import HeaderMap
from panel.imports.rules import ID, RECORD_NO, Rules, parent_references
from panel.kinds import Data, Day, Invalid, Mobile, Moment, now, tidy
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.sheets import Line

#: Lowest similarity (0 to 1) of a header and a label for a guess.
MIN_SIMILARITY = 0.5
#: Rows that are sampled to see what a column holds, and the share of their values that must be of one kind.
SAMPLE_ROWS, MIN_SHARE = 20, 0.8
#: Kinds whose values are distinctive enough to recognise a column without its header.
RECOGNIZABLE = (Mobile, Day, Moment)


@dataclass(frozen=True, slots=True)
class Guess:
    """A header of the file, sample values below it, and the column that it most likely means ("" for none)."""

    label: str
    samples: Sequence[str]
    name: str


class UnmappedError(UserError):
    """Required columns are missing, but the file has unknown headers that the user can map to them."""

    def __init__(self, message: Message, guesses: Sequence[Guess]) -> None:
        super().__init__(message)
        self.guesses = guesses


def targets(model: type[Base], rules: Rules) -> list[tuple[str, Message]]:
    """(name, label) of each column that a header can be mapped to, in the order of the form."""
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data) and (not f.readonly or f.key)]
    columns: list[tuple[str, Message]] = [(f.name, f.label) for f in declared]
    columns += [(f"{reference.name}/{above.name}", above.label) for reference, above in parent_references(model)]
    columns += [(name, labels[-1]) for name, labels in rules.extra_columns().items() if isinstance(labels[-1], Message)]
    return [*columns, (ID, RECORD_NO)]


def fingerprint(labels: Sequence[str]) -> str:
    """A fingerprint of headers: their normalized labels in order."""
    return hashlib.sha256(json.dumps([normalize(label) for label in labels]).encode()).hexdigest()


def recall(session: Session, model: type[Base], labels: Sequence[str]) -> dict[str, str]:
    """The stored mapping, header to column name, for exactly these headers; empty if there is none."""
    table = table_of(HeaderMap)
    statement = select(table.c.meanings).where(
        table.c.table_name == model.__tablename__, table.c.fingerprint == fingerprint(labels)
    )
    meanings = session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()
    return dict(meanings or {})


def remember(session: Session, model: type[Base], labels: Sequence[str], meanings: Mapping[str, str]) -> None:
    """Store the mapping for these headers in place of an earlier one. The caller commits. An empty mapping deletes."""
    table = table_of(HeaderMap)
    criteria = (table.c.table_name == model.__tablename__, table.c.fingerprint == fingerprint(labels))
    connection = session.connection()
    connection.execute(delete(table).where(*criteria))
    if meanings:
        values = {"table_name": model.__tablename__, "fingerprint": fingerprint(labels), "meanings": dict(meanings)}
        connection.execute(insert(table).values(at=now(), actor_name=actor_of(session).name, **values))


def guess(
    model: type[Base],
    rules: Rules,
    header: Header,
    lines: Sequence[Line],
    known: ColumnLabels,
    *,
    is_record_name: Callable[[Field, str], bool] = lambda _reference, _text: False,
) -> list[Guess]:
    """Guess the column of each header: by its known label, else by a similar label, else by the values below it.

    A required reference is guessed when the values are names of stored records; `is_record_name` tells whether a text
    is one. Each column is guessed for one header at most."""
    columns = dict(targets(model, rules))
    taken = set(header.columns.values())
    guesses = []
    for index, label in enumerate(header.labels):
        below = [tidy(line.cells[index]) for line in lines[:SAMPLE_ROWS] if index < len(line.cells)]
        samples = [text for text in below if text]
        if not label:
            continue
        name = header.columns.get(index) or _by_label(label, known, columns, taken)
        name = name or _by_values(model, samples, columns, taken)
        name = name or _by_references(
            [f for f in rules.required() if f.reference and f.name not in taken], samples, is_record_name
        )
        if name in columns:
            taken.add(name)
        guesses.append(Guess(label, samples[:3], name if name in columns else ""))
    return guesses


def _by_label(label: str, known: ColumnLabels, columns: Mapping[str, Message], taken: set[str]) -> str:
    """The unassigned column with the label most similar to this one; a label contained in the other counts more."""
    normalized, best, name = normalize(label), MIN_SIMILARITY, ""
    for spelling, (_weight, meaning) in known.meanings.items():
        if meaning in taken or meaning not in columns:
            continue
        similarity = difflib.SequenceMatcher(None, normalized, spelling).ratio()
        if len(spelling) > 1 and (spelling in normalized or normalized in spelling):
            similarity += 0.4
        if similarity > best:
            best, name = similarity, meaning
    return name


def _by_values(model: type[Base], samples: Sequence[str], columns: Mapping[str, Message], taken: set[str]) -> str:
    for name in columns:
        declared = field_named(model, name)
        if name in taken or declared is None or not samples or not isinstance(declared.kind, RECOGNIZABLE):
            continue
        if sum(_reads(declared, text) for text in samples) >= MIN_SHARE * len(samples):
            return name
    return ""


def _by_references(
    references: Sequence[Field], samples: Sequence[str], is_record_name: Callable[[Field, str], bool]
) -> str:
    for declared in references if samples else ():
        if sum(is_record_name(declared, text) for text in samples) >= MIN_SHARE * len(samples):
            return declared.name
    return ""


def _reads(declared: Field, text: str) -> bool:
    try:
        return declared.kind.parse(text) is not None
    except Invalid:
        return False


def parse_meanings(model: type[Base], rules: Rules, meanings: Mapping[str, str]) -> dict[str, str]:
    """Resolve a mapping given to a command: each column by its name or its label in any language, to its name.

    Raises KeyError with the normalized text that names no column of the table."""
    names = {normalize(text): name for name, label in targets(model, rules) for text in {name, *in_every_locale(label)}}
    return {label: names[normalize(column)] if column else "" for label, column in meanings.items()}
