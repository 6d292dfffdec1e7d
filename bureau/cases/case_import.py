"""Cases and what belongs to them in: by their keys, with number, first event and people as if reported on a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.cases import events, import_undo, intake, numbering
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
from panel.fields import Field, fields
from panel.i18n import Message, _
from panel.imports.matching import UNSCOPED, Key, Matcher, chunks, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import ZONE, now, today
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk


def local_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(ZONE).date()


class ItemMatcher(Matcher):
    """By code, the newest version."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        found = self.candidates(session, "code", (row.values.get("code") for row in rows))
        self.stored = {(key_of(one.code),): one for one in sorted(found, key=lambda one: one.version_no)}


class ItemRules(Rules):
    """An item that a case refers to is never changed: it gets its next version. Until when it is in force is no part of
    what cases were judged by, and is set where it stands."""

    def matcher(self) -> Matcher:
        return ItemMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        changed = {row.id: row for row in rows if row.id is not None and set(row.values) - {"valid_until"}}
        case, item = table_of(Case).c, table_of(ChecklistItem).c
        versions: dict[str, Row[Any]] = {}
        for some in chunks({row.stored["code"] for row in changed.values()}):
            newest = select(table_of(ChecklistItem)).where(item.code.in_(some)).order_by(item.version_no)
            versions |= {one.code: one for one in session.execute(newest, execution_options=UNSCOPED)}
        for id_, row in list(changed.items()):
            last = versions[row.stored["code"]]
            if row.stored["version_no"] == last.version_no:
                continue
            if self._says(row, last):
                row.values.clear()
                row.changes.clear()
                row.notes.append(_("Version {number} says so already.", number=last.version_no))
                del changed[id_]
            else:
                row.fail(_("Version {number} follows this one: change that one.", number=last.version_no))
        for some in chunks(changed):
            statement = select(case.item_id).where(case.item_id.in_(some)).distinct()
            for used in session.execute(statement, execution_options=UNSCOPED).scalars():
                self._renew(changed[used])

    @staticmethod
    def _says(row: PlanRow, version: Row[Any]) -> bool:
        """Whether the row, found by the number of an older version, is the file that made this one, sent again."""
        told = {f.attr for f in fields(ChecklistItem)} - {"version_no", "valid_from", "valid_until"} | set(row.values)
        return all(row.held(attr) == version._mapping[attr] for attr in told)

    @staticmethod
    def _renew(row: PlanRow) -> None:
        """The next version is in force from the day that the file gives, or from today; the one before it until the
        day before."""
        number, start = row.stored["version_no"] + 1, row.values.get("valid_from") or today()
        kept = {f.attr: row.stored[f.attr] for f in fields(ChecklistItem)}
        row.renewed = {**kept, **row.values, "version_no": number, "valid_from": start}
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


class CaseMatcher(Matcher):
    """By number; without one by time of the report, community, place and item."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for one in self.candidates(session, "case_no", (row.values.get("case_no") for row in rows)):
            self.stored["no", one.case_no] = one
        unnumbered = [row for row in rows if not row.values.get("case_no")]
        for one in self.standing(session, "reported_at", (row.values.get("reported_at") for row in unnumbered)):
            self.stored[one.reported_at, one.community_id, key_of(one.place), one.item_id] = one

    def standing(self, session: Session, attr: str, values: Iterable[Any]) -> list[Row[Any]]:
        """Candidates without those whose import was taken back: the file may come again, corrected."""
        found = self.candidates(session, attr, values)
        voided = {one.id for one in found if one.status is CaseStatus.VOIDED}
        gone = import_undo.taken_back(session, voided)
        return [one for one in found if one.id not in gone]

    def key(self, row: PlanRow) -> Key | None:
        given = row.values
        if given.get("case_no"):
            return ("no", given["case_no"])
        if given.get("reported_at") is None:
            return None
        return (given["reported_at"], given.get("community_id"), key_of(given.get("place")), given.get("item_id"))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        found = super().find(row)
        if found is None and row.values.get("case_no"):
            return _("There is no case with this number. Leave the number empty for a new case.")
        return found


class CaseRules(Rules):
    """A new case gets its number, its first event, and the people who are responsible for its community."""

    removal = _("Voided; keeps its number")
    histories = frozenset({CaseEvent.__tablename__})

    def holds(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        return import_undo.moved_on(session, ids)

    def take_back(self, session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
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
        for some in chunks(communities):
            statement = select(liaison.community_id, liaison.id).where(
                liaison.community_id.in_(some), liaison.end_on.is_(None)
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
        """Numbers follow the time of the report."""
        moment, actor = now(), actor_of(session)
        years: dict[int, list[PlanRow]] = defaultdict(list)
        for row in rows:
            years[row.values.setdefault("reported_at", moment).astimezone(ZONE).year].append(row)
        prefix = settings.get(session, "case_prefix")
        for year, some in sorted(years.items()):
            first = numbering.reserve(session, prefix, year, len(some))
            for number, row in enumerate(sorted(some, key=lambda row: row.values["reported_at"]), first):
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
            if row.held("kind") in ("fine", "filing"):
                for name in ("officer", "second_officer"):
                    if row.held(f"{name}_id") in auxiliary:
                        plan.fail(row, name, _("Auxiliary staff can't decide a penalty."))
