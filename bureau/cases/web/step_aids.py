"""Aids of a step's form: likely repeats, suggested items, the consequences of a chosen item, phrases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for
from sqlalchemy import select

from bureau.calendar import deadlines
from bureau.calendar.web.office import calendar, values
from bureau.cases import repeats
from bureau.cases.repeats import LikelyRepeats, Repeat
from bureau.cases.steps import Step
from bureau.cases.steps.intake import MERGE
from bureau.cases.web import leaving
from bureau.cases.web.reopenings import begun
from bureau.checklists import items as checklist
from bureau.checklists.suggest import suggest
from models import Case, ChecklistItem, LimitUnit, ListKind, Phrase, PhraseUse, Urgency
from panel.i18n import Message, _, listed, n_
from panel.kinds import Day, Moment, now, today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.lookups import visible
from panel.web.pages import Cell, Chip, Column, FormPage, Input, Related, Row, Words

#: The use of the phrases offered for a field, by field name.
USES = {
    "liaison_content": PhraseUse.FEEDBACK,
    "complainant_content": PhraseUse.FEEDBACK,
    "merged_content": PhraseUse.FEEDBACK,
    "result": PhraseUse.RESULT,
    "reply": PhraseUse.RESULT,
    "finding": PhraseUse.RESULT,
    "reason": PhraseUse.REASON,
    "unmeasured": PhraseUse.REASON,
    "opinion": PhraseUse.REASON,
}


@dataclass(slots=True)
class Aids:
    """`chips` open the same form with an item chosen; `facts` are what the chosen item fixes; `next` says what follows
    the step."""

    chips: list[Chip] = field(default_factory=list)
    facts: list[tuple[Words, str]] = field(default_factory=list)
    facts_url: str = ""
    note: Words = ""
    next: Words = ""


def add_aids(page: FormPage, record: Case, step: Step, typed: Mapping[str, str]) -> Aids:
    """Add phrases to the fields of a form and likely repeats to its page; return the aids shown above the form."""
    offer_phrases(input_ for group in page.groups for input_ in group.inputs)
    aids = Aids(next=_what_follows(record, step))
    if step.compares and record.status in step.sources:
        likely = repeats.of_case(current_panel().session, record, values()["repeat_days"])
        page.related += tables(likely, record)
        aids.note = elsewhere(likely)
    if step.ends_all and (ends := leaving.what_ends(current_panel().session, record)):
        aids.note = " ".join(filter(None, (str(ends), str(aids.note))))
    if not step.asks:
        aids.note = _("There is nothing to fill in: “{step}” is enough.", step=step.label)
    if any(ask.name == "item" for ask in step.asks):
        aids.facts_url = url_for("case.item_facts", case=record.id)
        aids.chips = _likely_items(record, step, typed.get("item", ""))
        item = visible("checklistitem", typed.get("item"))
        aids.facts = facts(item, record, typed.get("urgency", "")) if item is not None else []
    return aids


def _what_follows(record: Case, step: Step) -> str:
    """The state that the step leads to, and that a grave one can't be undone."""
    words = []
    if step.target is not None and step.target is not record.status and not step.others:
        words.append(str(_("Then the case is “{state}”.", state=step.target.label)))
    if step.grave:
        words.append(str(_("This can't be undone.")))
    return " ".join(words)


def offer_phrases(inputs: Iterable[Input]) -> None:
    """Add phrases to the fields named in USES. One statement, none without such a field."""
    fields = [(input_, USES[input_.name]) for input_ in inputs if input_.name in USES]
    panel = current_panel()
    if not fields or not panel.policy.may(current_actor(), Permission.READ, Phrase):
        return
    statement = select(Phrase.use, Phrase.words).where(Phrase.use.in_({use for _m, use in fields}))
    phrases = panel.session.execute(statement.order_by(Phrase.name_key).limit(60)).all()
    for input_, use in fields:
        input_.phrases = [row.words for row in phrases if row.use is use]


def _likely_items(record: Case, step: Step, chosen: str) -> list[Chip]:
    items = checklist.current(current_panel().session, today())
    suggestions = suggest(record.description, items)
    query: dict[str, Any] = {name: value for name, value in request.args.items() if name in ("urgency", "reason")}
    return [
        Chip(
            f"{item.code} {item.name}",
            url_for("case.step_view", id=record.id, step=step.name, item=item.id, **query),
            active=str(item.id) == chosen,
        )
        for item in suggestions
    ]


def facts(item: ChecklistItem, record: Case, urgency: str) -> list[tuple[Words, str]]:
    """What an item would fix for a case: list, category, limit, deadline and so on, without empty values."""
    urgent = (urgency or str(record.urgency.value)) == Urgency.URGENT.value
    due = deadlines.due(begun(record) or now(), item.limit_value, item.limit_unit, calendar(), urgent=urgent)
    yes, no = str(_("Yes")), str(_("No"))
    lines: list[tuple[Words, str]] = [
        (_("List"), str(item.list_kind.label)),
        (_("Category"), item.category or ""),
        (_("Time limit"), str(checklist.limit_words(item.limit_value, item.limit_unit))),
        (_("Would be due"), Moment().format(due.replace(second=0, microsecond=0))),
        (_("Lead department"), item.department.name if item.department else str(_("The bureau itself"))),
        (_("To be measured"), yes if item.needs_measurement else no),
        (_("May be mediated"), yes if item.mediable else no),
        (_("Legal basis"), item.legal_basis or ""),
    ]
    return [(label, text) for label, text in lines if text]


def fixed_facts(record: Case) -> list[tuple[Words, Cell, bool]]:
    """What the item fixed at acceptance, from the snapshot of the case; empty without one."""
    snapshot = record.item_snapshot or {}
    if "limit_value" not in snapshot:
        return []
    yes, no = str(_("Yes")), str(_("No"))
    version = str(_("version {n}", n=snapshot["version_no"])) if snapshot.get("version_no") else ""
    kind = ListKind.of(snapshot.get("list_kind", "")) if snapshot.get("list_kind") else None
    lines: list[tuple[Words, str]] = [
        (_("Checklist item"), " ".join(p for p in (snapshot.get("code"), snapshot.get("name"), version) if p)),
        (_("List"), str(kind.label) if kind is not None else ""),
        (_("Category"), snapshot.get("category") or ""),
        (_("Time limit"), str(checklist.limit_words(snapshot["limit_value"], LimitUnit.of(snapshot["limit_unit"])))),
        (_("Lead department"), snapshot.get("department") or str(_("The bureau itself"))),
        (_("To be measured"), yes if snapshot.get("needs_measurement") else no),
        (_("May be mediated"), yes if snapshot.get("mediable") else no),
        (_("Legal basis"), snapshot.get("legal_basis") or ""),
    ]
    return [(label, Cell(text), False) for label, text in lines if text]


def tables(likely: LikelyRepeats, record: Case, *, merging: bool = True) -> list[Related]:
    """The table of likely repeats, with links to merge the case into an open one, and the table of cases merged into
    it. Empty tables are left out."""
    related = []
    if likely.repeats:
        may = merging and record.status in MERGE.sources
        related.append(
            _table(_("Likely repeats"), likely.repeats, {"community": record.community_id}, record if may else None)
        )
    if likely.merged:
        related.append(_table(_("Merged into this case"), likely.merged, {"master": record.id}))
    return related


def _table(label: Message, rows: tuple[Repeat, ...], narrowed: dict[str, Any], merge: Case | None = None) -> Related:
    columns = [
        Column("case_no", _("Case no.")),
        Column("title", _("Title"), wide=True),
        Column("status", _("State")),
        Column("reported_at", _("Reported at")),
    ]
    if merge is not None:
        columns.append(Column("merge", ""))
    return Related(
        label, len(rows), url_for("case.index_view", **narrowed), columns, [_row(repeat, merge) for repeat in rows]
    )


def _row(repeat: Repeat, merge: Case | None) -> Row:
    url = url_for("case.details_view", id=repeat.id)
    cells = [
        Cell(repeat.case_no),
        Cell(repeat.title, below=[listed(repeat.reasons)]),
        Cell(str(repeat.status.label), tone=repeat.status.tone),
        Cell(Day().format(deadlines.local_day(repeat.reported_at))),
    ]
    if merge is not None:
        to = url_for("case.step_view", id=merge.id, step=MERGE.name, master=repeat.id) if repeat.open else None
        cells.append(Cell(str(_("Merge into it")) if to else "", url=to))
    return Row(repeat.id, url, cells)


def elsewhere(likely: LikelyRepeats) -> Message | str:
    """A sentence with the number of likely repeats outside the actor's scope; "" for none."""
    if not likely.elsewhere:
        return ""
    return n_(
        "{n} similar case lies outside your area: ask the office.",
        "{n} similar cases lie outside your area: ask the office.",
        likely.elsewhere,
    )
