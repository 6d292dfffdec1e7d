"""Rows in doubt, and the people whose term a row ends. Each doubt is a question: the user confirms the row as it
stands, chooses another reading of it, or leaves it out.

An answer stands in Options.confirmed: the place of a row ("7", "Sheet!7") or "all", and after a "=" the reading if it
isn't the row as it stands ("7=skip")."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from panel.i18n import Message, _, n_
from panel.imports.plans import WRITTEN, Plan, PlanRow
from panel.imports.questions import ALL_ROWS, About, Offer, Question, row_key

#: The reading of a row that leaves it out: it fails, and the others can be imported.
LEAVE_OUT = "skip"
#: In place of a row: all rows that end somebody's term.
ENDINGS = "endings"
#: A file that ends the terms of so many people, and of more than this share of its rows, is asked about as a whole: a
#: column may be misread. In a shorter file they are seen at a glance.
MANY_ENDINGS, MOST_ENDING = 10, 1 / 3
#: With more rows in doubt the file is asked about as a whole.
MOST_QUESTIONS = 200

_ANSWER = re.compile(r"(.*?)(?:=([a-z]+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ending:
    """A person whose term a row ends: their record, their name and place, the last day, and the reason."""

    sheet: str
    row: int
    table: str
    id: int
    name: str
    place: str
    until: date | None
    why: Message

    @property
    def key(self) -> str:
        return row_key(self.sheet, self.row)


def answers_of(confirmed: Collection[str]) -> dict[str, str]:
    """The answers by the place that they are about: the reading, or "" for a row as it stands."""
    answers = {}
    for text in confirmed:
        if match := _ANSWER.fullmatch(text):
            answers[match[1]] = match[2] or ""
    return answers


def answer(answers: Mapping[str, str], sheet: str, number: int) -> str | None:
    """The answer about a row; None if there is none. One about the row itself counts more than one about all."""
    places = (row_key(sheet, number), str(number), ALL_ROWS)
    return next((answers[place] for place in places if place in answers), None)


def settle(plan: Plan) -> None:
    """Fail the rows in doubt that the user left out, and forget the endings of rows that fail."""
    answers = answers_of(plan.options.confirmed)
    ending = {ending.key for ending in plan.endings} if answers.get(ENDINGS) == LEAVE_OUT else set()
    for row in plan.rows:
        doubted = row.has("doubts") and answer(answers, row.sheet, row.number) == LEAVE_OUT
        if not row.failed and (doubted or (ending and row_key(row.sheet, row.number) in ending)):
            row.fail(_("Left out, as was answered."))
    failed = {row_key(row.sheet, row.number) for row in plan.rows if row.failed} if plan.endings else set()
    plan.endings = [ending for ending in plan.endings if ending.key not in failed]


def ask(plan: Plan) -> None:
    """Add the questions about rows that would be written: one for each, or one for all if there are very many."""
    answers = answers_of(plan.options.confirmed)
    if _too_many(plan) and not {ENDINGS, ALL_ROWS} & answers.keys():
        plan.questions.append(_question_of_endings(plan))
    doubted = [
        row
        for row in plan.rows
        if row.has("doubts") and row.outcome in WRITTEN and answer(answers, row.sheet, row.number) is None
    ]
    if len(doubted) > MOST_QUESTIONS:
        plan.questions.append(_question_of_all(doubted))
    else:
        plan.questions += [_question(row) for row in doubted]
    plan.doubtful = {row_key(row.sheet, row.number) for row in doubted}


def _too_many(plan: Plan) -> bool:
    count = len(plan.endings)
    return count >= MANY_ENDINGS and count > MOST_ENDING * len(plan.rows)


def _question(row: PlanRow) -> Question:
    place = row_key(row.sheet, row.number)
    other = row.readings if row.has("readings") else []
    offers = [
        Offer(place, row.as_it_stands or _("It is right as it stands")),
        *(Offer(f"{place}={reading}", label) for reading, label in other),
        Offer(f"{place}={LEAVE_OUT}", _("Leave this row out")),
    ]
    text = _join(row.doubts)
    return Question(About.ROW, place, text, tuple(offers), sheet=row.sheet, row=row.number)


def _join(messages: Sequence[Message]) -> Message:
    first, *rest = dict.fromkeys(messages)
    for message in rest:
        first = _("{first} {second}", first=first, second=message)
    return first


def _question_of_all(rows: Sequence[PlanRow]) -> Question:
    text = n_(
        "{n} row is in doubt, the first is {row}: {doubt}",
        "{n} rows are in doubt, the first is {row}: {doubt}",
        len(rows),
        row=rows[0].number,
        doubt=_join(rows[0].doubts),
    )
    offers = (
        Offer(ALL_ROWS, _("They are right as they stand")),
        Offer(f"{ALL_ROWS}={LEAVE_OUT}", n_("Leave the row out", "Leave the {n} rows out", len(rows))),
    )
    return Question(About.ROW, ALL_ROWS, text, offers)


def _question_of_endings(plan: Plan) -> Question:
    count = len(plan.endings)
    text = _(
        "{n} of {rows} rows end somebody's term. Is the column of names the right one?", n=count, rows=len(plan.rows)
    )
    offers = (
        Offer(ENDINGS, n_("{n} person leaves", "{n} people leave", count)),
        Offer(f"{ENDINGS}={LEAVE_OUT}", n_("Leave the row out", "Leave the {n} rows out", count)),
    )
    return Question(About.ROW, ENDINGS, text, offers)
