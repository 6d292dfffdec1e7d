"""Import of checklist items, cases and actions. A new case gets number, first event, liaison and officer as on the
report page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.cases import events, import_undo, intake, numbering
from bureau.cases.case_matching import CaseMatcher
from bureau.cases.steps.report import REPORT
from bureau.people.assignments import terms_of
from bureau.settings import settings
from models import (
    Case,
    CaseEvent,
    CaseStatus,
    ChecklistItem,
    Liaison,
    Officer,
    OfficerKind,
    Source,
)
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.fields import Field, fields
from panel.i18n import Message, _
from panel.imports.matching import Matcher, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import ZONE, now, today
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk


def local_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(ZONE).date()


class ItemMatcher(Matcher):
    """Matches the newest version of an item by its code."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        items = self.candidates(session, "code", (row.values.get("code") for row in rows))
        self.stored = {(key_of(item.code),): item for item in sorted(items, key=lambda item: item.version_no)}


class ItemRules(Rules):
    """An item that a case refers to is never changed: the import adds its next version.

    Only its end of validity may change in place, because no case depends on it."""

    def matcher(self) -> Matcher:
        return ItemMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        changed = {row.id: row for row in rows if row.id is not None and set(row.values) - {"valid_until"}}
        case, item = table_of(Case).c, table_of(ChecklistItem).c
        versions: dict[str, Row[Any]] = {}
        for batch in chunks({row.stored["code"] for row in changed.values()}):
            newest = select(table_of(ChecklistItem)).where(item.code.in_(batch)).order_by(item.version_no)
            versions |= {version.code: version for version in session.execute(newest, execution_options=UNSCOPED)}
        for id_, row in list(changed.items()):
            last = versions[row.stored["code"]]
            if row.stored["version_no"] == last.version_no:
                continue
            if self._equals(row, last):
                row.values.clear()
                row.changes.clear()
                row.notes.append(_("Version {number} says so already.", number=last.version_no))
                del changed[id_]
            else:
                row.fail(_("Version {number} follows this one: change that one.", number=last.version_no))
        for batch in chunks(changed):
            statement = select(case.item_id).where(case.item_id.in_(batch)).distinct()
            for used in session.execute(statement, execution_options=UNSCOPED).scalars():
                self._plan_version(changed[used])

    @staticmethod
    def _equals(row: PlanRow, version: Row[Any]) -> bool:
        """Whether the row, matched to an older version, equals this one: the file that made it is imported again."""
        compared = {f.attr for f in fields(ChecklistItem)} - {"version_no", "valid_from", "valid_until"} | set(
            row.values
        )
        return all(row.effective(attr) == version._mapping[attr] for attr in compared)

    @staticmethod
    def _plan_version(row: PlanRow) -> None:
        """Plan the next version of an item, valid from the day in the file or from today, and end the version before it
        on the day before."""
        number, start = row.stored["version_no"] + 1, row.values.get("valid_from") or today()
        stored_values = {f.attr: row.stored[f.attr] for f in fields(ChecklistItem)}
        row.renewed = {**stored_values, **row.values, "version_no": number, "valid_from": start}
        if (until := row.renewed["valid_until"]) is not None and until < start:
            row.renewed["valid_until"] = None
        row.notes.append(
            _(
                "Cases refer to it: it stays as it is, and version {number} is added from {day}.",
                number=number,
                day=start,
            )
        )
        last, begun = start - timedelta(days=1), row.stored["valid_from"]
        ends = row.stored["valid_until"]
        if (begun is None or begun <= last) and (ends is None or ends > last) and row.id is not None:
            before = {"valid_until": ends}
            row.edits.append((ChecklistItem, bulk.Edit(row.id, row.version, {"valid_until": last}, before)))


class CaseRules(Rules):
    """A new case gets its number, its first event, and the liaison and lead officer of its community."""

    removal = _("Voided; keeps its number")
    histories = frozenset({CaseEvent.__tablename__})

    def removal_obstacles(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        return import_undo.changed_since_import(session, ids)

    def undo(self, session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
        import_undo.void(session, gone, note)

    def required(self) -> list[Field]:
        return [f for f in super().required() if f.name != "source"]

    def matcher(self) -> Matcher:
        return CaseMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("source", Source.OTHER)
        row.values.setdefault("title", intake.title_of(row.values.get("description")))

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            if row.stored.get("accepted_at") is not None and "item_id" in row.values:
                plan.fail(row, "item", _("The item of an accepted case stays: its list and deadline follow from it."))
        new = [row for row in rows if row.id is None]
        communities = {row.values["community_id"] for row in new}
        liaison = table_of(Liaison).c
        active: dict[int, int] = {}
        for batch in chunks(communities):
            statement = select(liaison.community_id, liaison.id).where(
                liaison.community_id.in_(batch), liaison.end_on.is_(None)
            )
            active |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
        terms = terms_of(session, communities)
        for row in new:
            community, day = row.values["community_id"], local_day(row.values.get("reported_at") or now())
            assert day is not None
            if community in active:
                row.values.setdefault("liaison_id", active[community])
            for term in terms.get(community, []):
                if term.start_on <= day and (term.end_on is None or term.end_on >= day):
                    row.values.setdefault("lead_officer_id", term.officer_id)

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Number the cases in the order of their reports and add each with its first event."""
        moment, actor = now(), actor_of(session)
        years: dict[int, list[PlanRow]] = defaultdict(list)
        for row in rows:
            years[row.values.setdefault("reported_at", moment).astimezone(ZONE).year].append(row)
        prefix = settings.get(session, "case_prefix")
        for year, year_rows in sorted(years.items()):
            first = numbering.reserve(session, prefix, year, len(year_rows))
            for number, row in enumerate(sorted(year_rows, key=lambda row: row.values["reported_at"]), first):
                row.values["case_no"] = numbering.case_no(prefix, year, number)
        ids = bulk.add(session, Case, [row.values for row in rows], note)
        reported = {
            "at": moment,
            "step": REPORT.name,
            "from_status": None,
            "to_status": CaseStatus.REPORTED,
            "actor_id": actor.user_id,
            "actor_name": actor.name,
            "opinion": note or None,
            "payload": {},
        }
        sealed = [event for id_ in ids for event in events.chain(id_, [reported])]
        bulk.append(session, CaseEvent, sealed)
        return ids


class ActionRules(Rules):
    """Auxiliary staff can't decide a penalty."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        officer = table_of(Officer).c
        statement = select(officer.id).where(officer.kind == OfficerKind.AUXILIARY)
        auxiliary = set(session.execute(statement, execution_options=UNSCOPED).scalars())
        for row in rows:
            if row.effective("kind") in ("fine", "filing"):
                for name in ("officer", "second_officer"):
                    if row.effective(f"{name}_id") in auxiliary:
                        plan.fail(row, name, _("Auxiliary staff can't decide a penalty."))
