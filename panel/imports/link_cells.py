"""Resolve cells that name several records (甲、乙): the names become ids; a name without a record is an error.

The cell replaces all links that the actor sees. Links to records outside the actor's scope stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from panel.fields import Field, links
from panel.imports.cells import note_empty
from panel.imports.matching import Finder
from panel.imports.plans import Part, PlanRow
from panel.imports.rules import OUTSIDE
from panel.kinds import Word, tidy, word_of
from panel.security.policy import Permission, model_of
from panel.security.session import permitted
from panel.store import links as stored_links

if TYPE_CHECKING:
    from panel.imports.references import Resolver

#: Separators between names. A line break is one too, so this is applied before tidy() removes it.
_MARKS = re.compile(r"\s*([、,，;；/|\n]+)\s*")
#: The most separators that may be part of one name.
MARKS_OF_A_NAME = 3


def split(text: str, known: Callable[[str], bool]) -> list[str]:
    """Split a text into names. A name may contain separators: the longest known one is taken."""
    parts = _MARKS.split(text)
    names, at = [], 0
    while at < len(parts):
        last = min(len(parts), at + 1 + 2 * MARKS_OF_A_NAME)
        ends = (end for end in range(last, at + 1, -2) if known("".join(parts[at:end])))
        end = next(ends, at + 1)
        names.append(tidy("".join(parts[at:end])))
        at = end + 1
    return list(dict.fromkeys(filter(None, names)))


def texts(part: Part, name: str) -> set[str]:
    """All texts between separators in a column, to load the names that they may be."""
    return {tidy(text) for row in part.rows for text in _MARKS.split(_text(part, row, name))}


def _text(part: Part, row: PlanRow, name: str) -> str:
    index = part.lookups.get(name)
    raw = row.cells[index] if index is not None and not (row.has("texts") and name in row.texts) else None
    return raw if type(raw) is str else part.text(row, name)


def resolve(resolver: Resolver) -> None:
    """Look up every name of every cell."""
    for declared in links(resolver.plan.model):
        for part in resolver.plan.parts:
            for row in part.rows:
                text = part.text(row, declared.name)
                if text and word_of(text) is Word.NOTHING and not resolver.finder(declared).names.get(text):
                    note_empty(row, declared, text)
                elif text:
                    _resolve(resolver, part, row, declared)


def _resolve(resolver: Resolver, part: Part, row: PlanRow, declared: Field) -> None:
    finder = resolver.finder(declared)
    names = split(_text(part, row, declared.name), lambda name: finder.key(name) in finder.names)
    ids: list[int] = []
    for name in names:
        if name in resolver.not_visible:
            continue
        match = finder.find(name, part.sheet)
        if isinstance(match, int):
            ids.append(match)
        elif match.ambiguous:
            row.ambiguous[f"{declared.name}/{name}"] = match.message
        else:
            text = match.suggestion and "、".join(match.suggestion if n == name else n for n in names)
            resolver.plan.fail(row, declared.name, match.message, text)
    row.values[declared.attr] = tuple(sorted(set(ids)))


def check_targets(resolver: Resolver) -> None:
    """Check links once each row's existing record is known.

    A name of several records means the one that is linked already. Stored links to records outside the actor's scope
    are kept; new ones are refused."""
    session, plan = resolver.session, resolver.plan
    for declared in links(plan.model):
        rows = [row for row in plan.rows if declared.attr in row.values]
        stored = stored_links.read(session, plan.model, declared, {row.id for row in rows if row.id is not None})
        for row in rows:
            before = stored.get(row.id, ()) if row.id is not None else ()
            if row.id is not None:
                row.stored = {**row.stored, declared.attr: before}
            _settle_ambiguous(resolver, row, declared, before)
        target = model_of(declared.target or "")
        pointed = {id_ for row in rows for id_ in (*_ids(row, declared), *(row.stored.get(declared.attr) or ()))}
        reach = permitted(session, target, Permission.CHOOSE, pointed)
        for row in rows:
            before = row.stored.get(declared.attr) or ()
            if any(id_ not in reach for id_ in set(_ids(row, declared)).difference(before)):
                plan.fail(row, declared.name, OUTSIDE)
            hidden = {id_ for id_ in before if id_ not in reach}
            row.values[declared.attr] = tuple(sorted(hidden.union(_ids(row, declared))))


def _ids(row: PlanRow, declared: Field) -> Sequence[int]:
    """The linked ids of a row; none if an empty cell clears them."""
    value: Any = row.values[declared.attr]
    return value or ()


def _settle_ambiguous(resolver: Resolver, row: PlanRow, declared: Field, before: Sequence[int]) -> None:
    finder: Finder = resolver.finder(declared)
    for place, message in list(row.ambiguous.items()) if row.has("ambiguous") else ():
        name, _slash, text = place.partition("/")
        if name != declared.name:
            continue
        matches = [id_ for id_ in before if finder.has_name(text, id_)]
        if len(matches) == 1:
            row.values[declared.attr] = tuple(sorted({*_ids(row, declared), *matches}))
        else:
            resolver.plan.fail(row, declared.name, message)
