"""Compares what an import would do with what is true, row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models
from panel.errors import UserError
from panel.i18n import using_locale
from panel.imports.doubts import ENDINGS
from panel.imports.plans import Outcome, Plan, PlanRow
from panel.imports.questions import ALL_ROWS, About, Question, row_key
from panel.kinds import ZONE, tidy
from tests.corpus.sheets import Form, Meaning, Sheet, Truth
from tests.workbooks import Office


class Verdict(Enum):
    """What became of a row."""

    RIGHT = "right"
    ASKED = "asked"
    REFUSED = "refused"
    WRONG = "wrong"


#: The columns of a liaison and of a case that are compared.
LIAISON = ("name", "gender", "post", "mobile", "telephone", "start_on", "end_on", "note")
CASE = ("place", "description", "outcome", "result", "closed", "complainant", "phone", "hotline_no")
#: Compared only where the ledger has such a column: without one, the panel fills them in.
FILLED_IN = ("accepted", "item", "source", "lead", "status")


@dataclass
class Report:
    """The verdict of each row of a workbook, and what is wrong."""

    name: str
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, place: str, why: Iterable[str]) -> None:
        self.verdicts[verdict] += 1
        text = f"{self.name} {place} {verdict.value}: {'; '.join(why)}"
        if verdict is Verdict.WRONG:
            self.faults.append(text)
        elif verdict is not Verdict.RIGHT:
            self.remarks.append(text)

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(f"{verdict.value} {self.verdicts[verdict]}" for verdict in Verdict)


@dataclass
class Judge:
    """Judges the workbooks that an office imports into a district with the people of the corpus."""

    office: Office
    communities: Mapping[str, int]

    def __post_init__(self) -> None:
        self.place_names = {id_: name for name, id_ in self.communities.items()}
        with self.office.session() as session:
            self.officers = _names(session, models.Officer)
            self.items = _names(session, models.ChecklistItem)
            duty = sa.select(models.Assignment.community_id, models.Assignment.officer_id)
            self.on_duty = {community: self.officers[officer] for community, officer in session.execute(duty)}

    def judge(self, name: str, form: Form) -> Report:
        report = Report(name)
        try:
            plan = self.office.plan(form.table, form.data())
        except UserError as problem:
            # The page of columns, or a sentence in place of a preview: nothing can be written.
            report.remarks.append(f"{name}: {problem}")
            report.verdicts[Verdict.REFUSED] += sum(len(sheet.truths) for sheet in form.sheets)
            return report
        with using_locale("en"):
            for sheet in form.sheets:
                self._judge_sheet(report, plan, sheet)
        return report

    def _judge_sheet(self, report: Report, plan: Plan, sheet: Sheet) -> None:
        rows: dict[int, list[PlanRow]] = defaultdict(list)
        for row in plan.rows:
            if row.sheet == sheet.name:
                rows[row.number].append(row)
        refused = {number for number in rows if all(row.failed for row in rows[number])}
        for truth in sheet.truths:
            row = rows[truth.row].pop(0) if rows[truth.row] else None
            verdict, why = self._verdict(plan, sheet, truth, row)
            if verdict is Verdict.WRONG and truth.below in refused:
                verdict = Verdict.REFUSED
            report.add(verdict, f"{sheet.name}!{truth.row}", why)
        for row in (row for number in rows for row in rows[number] if not row.failed):
            if not row.vacant and not list(_questions(plan, row)):
                report.add(Verdict.WRONG, f"{sheet.name}!{row.number}", [f"no row of data becomes {row.outcome.value}"])

    def _verdict(self, plan: Plan, sheet: Sheet, truth: Truth, row: PlanRow | None) -> tuple[Verdict, list[str]]:
        if row is None:
            left = [str(left.why) for left in plan.left_out if (left.sheet, left.row) == (sheet.name, truth.row)]
            if sheet.name in plan.skipped_sheets:
                left.append("the sheet is not read")
            asked = [str(q.text) for q in plan.questions if q.sheet == sheet.name and q.about is About.COLUMN]
            if left or asked:
                return (Verdict.REFUSED, left) if left else (Verdict.ASKED, asked)
            return (Verdict.WRONG, ["the row is lost"])
        if row.failed:
            return Verdict.REFUSED, [f"{error.column} {error.value}: {error.message}" for error in row.errors]
        if asked := [str(question.text) for question in _questions(plan, row)]:
            return Verdict.ASKED, asked
        if truth.meaning is Meaning.UNCLEAR:
            return Verdict.WRONG, ["nobody can tell what is meant, yet it is planned as clear"]
        faults = list(self._faults(plan, truth, row))
        return (Verdict.WRONG, faults) if faults else (Verdict.RIGHT, [])

    def _faults(self, plan: Plan, truth: Truth, row: PlanRow) -> Iterator[str]:
        leaving = {e.name for e in plan.endings if (e.sheet, e.row) == (row.sheet, row.number)}
        if leaving != ({truth.leaves} if truth.leaves else set()) and not truth.values.get("end_on"):
            yield f"ends {leaving or 'nobody'}, not {truth.leaves or 'nobody'}"
        if truth.meaning is Meaning.VACANT:
            if row.outcome is not Outcome.SKIPPED:
                yield f"a vacant post becomes {row.outcome.value}"
            return
        if row.outcome is Outcome.SKIPPED:
            yield "the row is skipped"
        facts = self._liaison(row) if plan.model is models.Liaison else self._case(row)
        for name in ("community", *(LIAISON if plan.model is models.Liaison else CASE), "officer", *FILLED_IN):
            if name in FILLED_IN and name not in truth.values:
                continue
            if name == "officer" and any("is not read; choose" in str(warning) for warning in plan.warnings):
                continue
            if name in facts and not _same(facts[name], truth.values.get(name)):
                yield f"{name} is {facts[name]!r}, not {truth.values.get(name)!r}"

    def _liaison(self, row: PlanRow) -> dict[str, Any]:
        """The liaison as stored after the import, with the officer on duty."""
        community = row.effective("community_id")
        facts = {name: row.effective(name) for name in LIAISON}
        added = (
            [values["officer_id"] for model, values in row.adds if model is models.Assignment]
            if row.has("adds")
            else []
        )
        officer = self.officers[added[-1]] if added else self.on_duty.get(community)
        return {**facts, "community": self.place_names.get(community), "officer": officer}

    def _case(self, row: PlanRow) -> dict[str, Any]:
        """The case as stored after the import."""
        values = row.effective
        party = row.extra.get("party", {}) if row.has("extra") else {}
        lead = values("lead_officer_id")
        return {
            **{name: values(name) for name in ("place", "description", "outcome", "result", "hotline_no", "status")},
            "community": self.place_names.get(values("community_id")),
            "accepted": values("accepted_at") or values("reported_at"),
            "closed": values("closed_at"),
            "item": self.items.get(values("item_id") or 0) or values("item_name"),
            "source": values("source"),
            "lead": self.officers.get(lead) if lead else values("lead_name"),
            "complainant": party.get("name"),
            "phone": party.get("phone"),
        }


def _names(session: Session, model: Any) -> dict[int, str]:
    return {record.id: record.name for record in session.execute(sa.select(model.id, model.name))}


def _questions(plan: Plan, row: PlanRow) -> Iterable[Question]:
    """The open questions that concern a row: about itself, about a word in it, or about a column of its sheet."""
    part = plan.part_of(row)
    for question in plan.questions:
        if question.about is About.COLUMN:
            concerned = question.sheet in ("", row.sheet)
        elif question.about is About.VALUE:
            name, _colon, word = question.key.partition(":")
            index = part.index_of(name)
            concerned = index is not None and tidy(row.cells[index]) == word
        else:
            concerned = question.key in {ALL_ROWS, ENDINGS, row_key(row.sheet, row.number)}
        if concerned:
            yield question


def _same(value: Any, true: Any) -> bool:
    """Whether a value is the true one: a moment of the same minute, or of the same day where that is all that is
    known; a telephone of the same digits; texts but for white space."""
    if isinstance(value, datetime):
        moment = value.astimezone(ZONE).replace(tzinfo=None, second=0, microsecond=0)
        if isinstance(true, datetime):
            return moment == true.replace(second=0)
        return isinstance(true, date) and moment.date() == true
    if isinstance(value, str) and isinstance(true, str):
        if value.replace("-", "").isdigit():
            return value.replace("-", "") == true.replace("-", "")
        return "".join(value.split()) == "".join(true.split())
    return (value or None) == (true or None)
