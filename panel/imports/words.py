"""Words of a file that name no choice and no record: each is asked about once for the file, and the answer is
remembered for the table.

An answer is the text to read in place of the word in every row (Options.replace)."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from panel.base import UNSCOPED, Base
from panel.fields import Field, all_fields
from panel.i18n import Message, _, n_
from panel.imports.matching import Finder
from panel.imports.plans import Plan, PlanRow
from panel.imports.questions import About, Offer, Question, letter
from panel.imports.records import WordMap
from panel.imports.rules import Registry
from panel.kinds import Choice, Flag, Kind, now, tidy
from panel.security.policy import model_of, table_of
from panel.security.session import actor_of

#: The answer that leaves the rows with a word out: they fail, and the other rows can be imported.
LEAVE_OUT = "#skip"
#: A column with more unknown words than this isn't a list of words, and a longer text is none: their rows fail.
MOST_WORDS, LONGEST = 20, 30
#: Records that are offered in place of a word, the most similar first.
MOST_OFFERS = 60
#: Longer answers are not remembered.
LONGEST_MEANING = 200


@dataclass(slots=True)
class UnknownWord:
    """A word of a column that names nothing known, what may be meant by it, and the rows that fail because of it."""

    declared: Field
    word: str
    offers: Sequence[Offer] = ()
    rows: list[PlanRow] = field(default_factory=list)


def note(plan: Plan, row: PlanRow, declared: Field, offers: Callable[[str], Sequence[Offer]]) -> None:
    """Note that the cell of a row names nothing known. `offers` makes the possible answers for a new word."""
    index = plan.part_of(row).index_of(declared.name)
    word = tidy(row.cells[index]) if index is not None else ""
    if not word or len(word) > LONGEST:
        return
    words = plan.unknown.setdefault(declared.name, {})
    if word not in words:
        known_already = len(words) > MOST_WORDS
        words[word] = UnknownWord(declared, word, () if known_already else offers(word))
    words[word].rows.append(row)


def is_closed_list(kind: Kind) -> bool:
    """Whether the values of a kind are a closed list, so that every value can be offered."""
    return isinstance(kind, Choice | Flag)


def choice_offers(kind: Kind, _word: str) -> list[Offer]:
    if isinstance(kind, Choice):
        return [Offer(str(choice.value), choice.label) for choice in kind.choices]
    return [Offer("是", _("yes")), Offer("否", _("no"))]


def meaning_label(declared: Field | None, meaning: str) -> Message | str:
    """How an answer reads on a page."""
    if meaning == LEAVE_OUT:
        return _("left out")
    if not meaning:
        return _("empty")
    offers = choice_offers(declared.kind, "") if declared is not None and is_closed_list(declared.kind) else []
    return next((offer.label for offer in offers if offer.answer == meaning), meaning)


def record_offers(finder: Finder, word: str, *, may_add: bool) -> list[Offer]:
    """The records that a word may mean, the most similar first, and to add one of this name."""
    spellings: dict[int, list[str]] = defaultdict(list)
    for key, ids in finder.names.items():
        for id_ in ids:
            if finder.reach is None or id_ in finder.reach:
                spellings[id_].append(key)
    matcher = difflib.SequenceMatcher(b=finder.key(word))

    def likeness(id_: int) -> float:
        best = 0.0
        for spelling in spellings[id_]:
            matcher.set_seq1(spelling)
            best = max(best, matcher.ratio())
        return best

    offers: dict[str, Offer] = {}
    for id_ in sorted(spellings, key=lambda id_: (-likeness(id_), id_)):
        answer = finder.primary_names[id_]
        offers.setdefault(answer, Offer(answer, finder.label(id_)))
        if len(offers) == MOST_OFFERS:
            break
    added = [Offer(word, _("Add “{value}” as a new {label}", value=word, label=finder.model.__label__))]
    return [*offers.values(), *(added if may_add else [])]


def ask(plan: Plan, required: Collection[Field]) -> None:
    """Add a question for each unknown word without an answer, if rows fail because of unknown words alone."""
    open_words = [
        unknown
        for name, words in plan.unknown.items()
        if len(words) <= MOST_WORDS
        for unknown in words.values()
        if plan.replaced.get(name, {}).get(unknown.word) != LEAVE_OUT
    ]
    columns: dict[int, set[int | None]] = defaultdict(set)
    for unknown in open_words:
        for row in unknown.rows:
            columns[id(row)].add(plan.part_of(row).index_of(unknown.declared.name))
    for unknown in open_words:
        rows = [row for row in unknown.rows if all(error.index in columns[id(row)] for error in row.errors)]
        if rows:
            plan.questions.append(_question(plan, unknown, rows, can_be_empty=unknown.declared not in required))


def _question(plan: Plan, unknown: UnknownWord, rows: Sequence[PlanRow], *, can_be_empty: bool) -> Question:
    first = rows[0]
    part = plan.part_of(first)
    index = part.index_of(unknown.declared.name)
    assert index is not None
    answers = [*unknown.offers]
    if can_be_empty:
        answers.append(Offer("", _("Leave the cell empty")))
    answers.append(Offer(LEAVE_OUT, n_("Leave the row out", "Leave the {n} rows out", len(rows))))
    return Question(
        About.VALUE,
        f"{unknown.declared.name}:{unknown.word}",
        _meaning(unknown, first, len(rows)),
        tuple(answers),
        sheet=part.sheet,
        row=first.number if len(rows) == 1 else None,
        column=letter(index),
        header=part.labels[index],
    )


def _meaning(unknown: UnknownWord, first: PlanRow, count: int) -> Message:
    label, word = unknown.declared.label, unknown.word
    if count == 1:
        return _("{label} “{value}”: what does it mean?", label=label, value=word)
    return _(
        "{label} “{value}”: what does it mean? ({n} rows, the first is {row})",
        label=label,
        value=word,
        n=count,
        row=first.number,
    )


def recall(session: Session, model: type[Base]) -> dict[str, dict[str, str]]:
    """The remembered answers for a table, by column name and word."""
    table = table_of(WordMap)
    statement = select(table.c.column_name, table.c.word, table.c.meaning).where(
        table.c.table_name == model.__tablename__
    )
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for name, word, meaning in session.execute(statement, execution_options=UNSCOPED):
        answers[name][word] = meaning
    return dict(answers)


def merged(
    remembered: Mapping[str, Mapping[str, str]], given: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """What to read in place of words: the remembered answers, and those given now, which count more."""
    return {name: {**remembered.get(name, {}), **given.get(name, {})} for name in {*remembered, *given}}


def remember(session: Session, plan: Plan, registry: Registry) -> None:
    """Store the answers given to the questions about words, in place of earlier ones. The caller commits."""
    for declared in all_fields(plan.model):
        name = declared.name
        answers = plan.options.replace.get(name, {})
        for word, meaning in answers.items() if _is_asked(declared, registry) else ():
            if (name, word) in plan.used_words and meaning not in {word, LEAVE_OUT} and len(meaning) <= LONGEST_MEANING:
                forget(session, plan.model, name, word)
                values = {"table_name": plan.model.__tablename__, "column_name": name, "word": word}
                values |= {"meaning": meaning, "actor_name": actor_of(session).name}
                session.connection().execute(insert(table_of(WordMap)).values(at=now(), **values))


def _is_asked(declared: Field, registry: Registry) -> bool:
    """Whether unknown words of a column are asked about, and not only corrected in a file."""
    if declared.reference is None:
        return is_closed_list(declared.kind)
    return type(registry.finder_of(model_of(declared.reference.table))).asks is not Finder.asks


def forget(session: Session, model: type[Base], name: str, word: str) -> None:
    """Delete a remembered answer. The caller commits."""
    table = table_of(WordMap)
    criteria = (table.c.table_name == model.__tablename__, table.c.column_name == name, table.c.word == word)
    session.connection().execute(delete(table).where(*criteria))
