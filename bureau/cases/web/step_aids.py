"""What helps with filling in a step: likely repeats, items like the description, what a chosen item fixes, words that
are often written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for
from sqlalchemy import select

from bureau.calendar import deadlines
from bureau.calendar.web.office import begun, calendar, values
from bureau.cases import repeats
from bureau.cases.repeats import LikelyRepeats, Repeat
from bureau.cases.steps import Step
from bureau.cases.steps.intake import MERGE
from bureau.checklists import items as checklist
from bureau.checklists.suggest import suggest
from models import Case, CaseStatus, ChecklistItem, LimitUnit, ListKind, Phrase, PhraseUse, Urgency
from panel.i18n import Message, _, n_
from panel.kinds import Day, Moment, now, today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.lookups import visible
from panel.web.pages import Cell, Chip, Column, FormPage, Input, Related, Row, Words

#: What common words are offered for where a value of this name is asked.
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
    """`chips` lead to the same form with an item chosen; `facts` are what the chosen item fixes."""

    chips: list[Chip] = field(default_factory=list)
    facts: list[tuple[Words, str]] = field(default_factory=list)
    facts_url: str = ""
    note: Words = ""


def dress(page: FormPage, record: Case, step: Step, given: Mapping[str, str]) -> Aids:
    """Put common words at the fields of a form and likely repeats beside it; gives what stands above it."""
    offer_phrases(made for group in page.groups for made in group.inputs)
    aids = Aids()
    if step.compares and record.status is CaseStatus.REPORTED:
        found = repeats.of_case(current_panel().session, record, values()["repeat_days"])
        page.related += tables(found, record)
        aids.note = elsewhere(found)
    if not step.asks:
        aids.note = _("There is nothing to fill in: “{step}” is enough.", step=step.label)
    if any(ask.name == "item" for ask in step.asks):
        aids.facts_url = url_for("case.item_facts", case=record.id)
        aids.chips = _likely_items(record, step, given.get("item", ""))
        item = visible("checklistitem", given.get("item"))
        aids.facts = facts(item, record, given.get("urgency", "")) if item is not None else []
    return aids


def offer_phrases(inputs: Iterable[Input]) -> None:
    """Offer common words where a sentence is asked for. One statement, where there is such a field."""
    wanted = [(made, USES[made.name]) for made in inputs if made.name in USES]
    panel = current_panel()
    if not wanted or not panel.policy.may(current_actor(), Permission.READ, Phrase):
        return
    statement = select(Phrase.use, Phrase.words).where(Phrase.use.in_({use for _m, use in wanted}))
    known = panel.session.execute(statement.order_by(Phrase.name_key).limit(60)).all()
    for made, use in wanted:
        made.phrases = [row.words for row in known if row.use is use]


def _likely_items(record: Case, step: Step, chosen: str) -> list[Chip]:
    items = checklist.current(current_panel().session, today())
    found = suggest(record.description, items)
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in ("urgency", "reason")}
    return [
        Chip(
            f"{item.code} {item.name}",
            url_for("case.step_view", id=record.id, step=step.name, item=item.id, **kept),
            active=str(item.id) == chosen,
        )
        for item in found
    ]


def facts(item: ChecklistItem, record: Case, urgency: str) -> list[tuple[Words, str]]:
    """What choosing an item fixes for a case, as it would be counted now."""
    urgent = (urgency or str(record.urgency.value)) == Urgency.URGENT.value
    due = deadlines.due(begun(record) or now(), item.limit_value, item.limit_unit, calendar(), urgent=urgent)
    yes, no = str(_("Yes")), str(_("No"))
    found: list[tuple[Words, str]] = [
        (_("List"), str(item.list_kind.label)),
        (_("Category"), item.category or ""),
        (_("Time limit"), str(checklist.limit_words(item.limit_value, item.limit_unit))),
        (_("Would be due"), Moment().format(due.replace(second=0, microsecond=0))),
        (_("Lead department"), item.department.name if item.department else str(_("The bureau itself"))),
        (_("To be measured"), yes if item.needs_measurement else no),
        (_("May be mediated"), yes if item.mediable else no),
        (_("Legal basis"), item.legal_basis or ""),
    ]
    return [(label, text) for label, text in found if text]


def fixed(record: Case) -> list[tuple[Words, Cell, bool]]:
    """What the item of an accepted case has fixed, as it stood then: the snapshot, whatever the lists say by now."""
    kept = record.item_snapshot or {}
    if "limit_value" not in kept:
        return []
    yes, no = str(_("Yes")), str(_("No"))
    version = str(_("version {n}", n=kept["version_no"])) if kept.get("version_no") else ""
    kind = ListKind.of(kept.get("list_kind", "")) if kept.get("list_kind") else None
    found: list[tuple[Words, str]] = [
        (_("Checklist item"), " ".join(p for p in (kept.get("code"), kept.get("name"), version) if p)),
        (_("List"), str(kind.label) if kind is not None else ""),
        (_("Category"), kept.get("category") or ""),
        (_("Time limit"), str(checklist.limit_words(kept["limit_value"], LimitUnit.of(kept["limit_unit"])))),
        (_("Lead department"), kept.get("department") or str(_("The bureau itself"))),
        (_("To be measured"), yes if kept.get("needs_measurement") else no),
        (_("May be mediated"), yes if kept.get("mediable") else no),
        (_("Legal basis"), kept.get("legal_basis") or ""),
    ]
    return [(label, Cell(text), False) for label, text in found if text]


def tables(found: LikelyRepeats, record: Case, *, merging: bool = True) -> list[Related]:
    """Likely repeats, each with the way to merge the case into it; and the cases merged into this one."""
    made = []
    if found.repeats:
        may = merging and record.status in (CaseStatus.REPORTED, CaseStatus.ACCEPTED)
        made.append(
            _table(_("Likely repeats"), found.repeats, {"community": record.community_id}, record if may else None)
        )
    if found.merged:
        made.append(_table(_("Merged into this case"), found.merged, {"master": record.id}))
    return made


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
        label, len(rows), url_for("case.index_view", **narrowed), columns, [_row(one, merge) for one in rows]
    )


def _row(one: Repeat, merge: Case | None) -> Row:
    url = url_for("case.details_view", id=one.id)
    cells = [
        Cell(one.case_no),
        Cell(one.title, below=["、".join(map(str, one.reasons))]),
        Cell(str(one.status.label), tone=one.status.tone),
        Cell(Day().format(deadlines.local_day(one.reported_at))),
    ]
    if merge is not None:
        to = url_for("case.step_view", id=merge.id, step=MERGE.name, master=one.id) if one.open else None
        cells.append(Cell(str(_("Merge into it")) if to else "", url=to))
    return Row(one.id, url, cells)


def elsewhere(found: LikelyRepeats) -> Message | str:
    """How many likely repeats lie outside one's area: a number, nothing more."""
    if not found.elsewhere:
        return ""
    return n_(
        "{n} similar case lies outside your area: ask the office.",
        "{n} similar cases lie outside your area: ask the office.",
        found.elsewhere,
    )
