"""The questions of a preview, its list of people who leave, and the answers that a user posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from panel import ids
from panel.i18n import Message, _, n_
from panel.imports.doubts import ENDINGS
from panel.imports.questions import About
from panel.imports.stored_plan import StoredPlan, StoredQuestion
from panel.web import render
from panel.web.imports.preview_state import answers_of
from panel.web.pages import AnswerRow, Button, Cell, EndingRow, PreviewPage, QuestionBox

#: Questions and people that a page shows at once; further ones follow once these are answered.
SHOWN = 50
#: Rows in doubt from which on all of them can be confirmed by one button.
MANY = 3

Link = Callable[[Mapping[str, Any]], str]


def add(page: PreviewPage, view: Any, plan: StoredPlan, state: Mapping[str, Any], link: Link) -> None:
    """Add the questions, the people who leave and the given answers to the page."""
    page.answer_url = view.get_url(".answer_view")
    page.question_count = len(plan.questions)
    boxes = {question.key: _box(view, page, number, question) for number, question in enumerate(plan.questions)}
    _add_endings(page, plan, boxes)
    rest = list(boxes.values())
    page.questions = rest[:SHOWN]
    page.confirm_all = sum(box.about == About.ROW for box in page.questions) >= MANY
    page.answers = [_answer(view, page, answer, state, link) for answer in plan.answers]
    if confirmed := state.get("confirmed"):
        what = n_("{n} row was answered.", "{n} rows were answered.", len(confirmed))
        page.answers.append(AnswerRow(what, button=Button(_("Ask again"), link({"confirmed": []}))))


def _box(view: Any, page: PreviewPage, number: int, question: StoredQuestion) -> QuestionBox:
    url = view.get_url(".columns_view", token=page.token) if question.about == About.COLUMN else ""
    return QuestionBox(
        name=f"answer.{number}",
        about=question.about,
        text=question.text,
        place=_place(question),
        choices=[(str(index), label) for index, (_answer_, label) in enumerate(question.offers)],
        url=url,
    )


def _place(question: StoredQuestion) -> Message | str:
    if question.row is not None:
        return _("Row {row}", row=question.row)
    return _("Column {column}", column=question.column) if question.column else ""


def _add_endings(page: PreviewPage, plan: StoredPlan, boxes: dict[str, QuestionBox]) -> None:
    """List the people who leave, those in doubt first, with the questions about their rows."""
    page.ending_count = len(plan.endings)
    page.ending_question = boxes.pop(ENDINGS, None)
    for ending in sorted(plan.endings, key=lambda ending: ending.key not in boxes)[:SHOWN]:
        person = Cell(ending.name, url=render.record_url(ending.table, ending.id))
        page.endings.append(
            EndingRow(ending.row, person, ending.place, ending.until, ending.why, boxes.pop(ending.key, None))
        )


def _answer(view: Any, page: PreviewPage, answer: Any, state: Mapping[str, Any], link: Link) -> AnswerRow:
    what = _("{label} “{word}” is read as “{meaning}”.", label=answer.label, word=answer.word, meaning=answer.meaning)
    if answer.remembered:
        values = {"token": page.token, "name": answer.name, "word": answer.word}
        forget = Button(_("Forget"), view.get_url(".forget_view"), post=True, values=values)
        return AnswerRow(what, _("Remembered from an earlier file"), forget)
    replace = answers_of(state, "replace")
    replace.get(answer.name, {}).pop(answer.word, None)
    return AnswerRow(what, "", Button(_("Ask again"), link({"replace": replace})))


def answered(plan: StoredPlan, state: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The state of a preview with the posted answers: the number of an offer for each question. With `all` in the form
    each row in doubt that the page showed and that was not answered is right as it stands, but for rows that end
    somebody's term: each of them needs an answer."""
    replace = answers_of(state, "replace")
    confirmed = set(state.get("confirmed") or ())
    for number, question in enumerate(plan.questions):
        chosen = form.get(f"answer.{number}", "")
        if not chosen and "all" in form and f"shown.{number}" in form and question.about == About.ROW:
            chosen = "0"
        place = ids.number(chosen, len(question.offers))
        if place >= len(question.offers):
            continue
        answer = question.offers[place][0]
        if question.about == About.VALUE:
            name, _colon, word = question.key.partition(":")
            replace.setdefault(name, {})[word] = answer
        elif question.about == About.ROW:
            confirmed.add(answer)
    return {**state, "replace": replace, "confirmed": sorted(confirmed)}
