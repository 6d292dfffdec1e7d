"""Cases and what belongs to them in: by their keys, with number, first event and people as if reported on a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from casework import deadlines, events, intake, numbering, settings
from casework.assignments import terms_of
from models import (
    Case,
    CaseEvent,
    CaseStatus,
    ChecklistItem,
    Department,
    Liaison,
    LimitUnit,
    Officer,
    OfficerKind,
    Referral,
    ReferralStatus,
    Source,
)
from panel import bulk
from panel.access import table_of
from panel.fields import Field, fields
from panel.kinds import ZONE, now
from panel.matching import UNSCOPED, Key, Matcher, chunks, key_of
from panel.plans import Plan, PlanRow
from panel.rules import Rules
from panel.session import actor_of
from panel.text import Message, _


def local_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(ZONE).date()


class ItemMatcher(Matcher):
    """By code, the newest version."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        found = self.candidates(session, "code", (row.values.get("code") for row in rows))
        self.stored = {(key_of(one.code),): one for one in sorted(found, key=lambda one: one.version_no)}


class ItemRules(Rules):
    """An item that a case refers to is never changed: it gets its next version."""

    def matcher(self) -> Matcher:
        return ItemMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        changed = {row.id: row for row in rows if row.id is not None and row.changes}
        case = table_of(Case).c
        for some in chunks(changed):
            statement = select(case.item_id).where(case.item_id.in_(some)).distinct()
            for id_ in session.execute(statement, execution_options=UNSCOPED).scalars():
                self._renew(changed[id_])

    @staticmethod
    def _renew(row: PlanRow) -> None:
        number = row.stored["version_no"] + 1
        kept = {f.attr: row.stored[f.attr] for f in fields(ChecklistItem)}
        row.renewed = {**kept, **row.values, "version_no": number}
        row.notes.append(_("Cases refer to it: it stays as it is, and version {number} is added.", number=number))


class CaseMatcher(Matcher):
    """By number; without one by time of the report, community, place and item."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for one in self.candidates(session, "case_no", (row.values.get("case_no") for row in rows)):
            self.stored["no", one.case_no] = one
        unnumbered = [row for row in rows if not row.values.get("case_no")]
        for one in self.candidates(session, "reported_at", (row.values.get("reported_at") for row in unnumbered)):
            self.stored[one.reported_at, one.community_id, key_of(one.place), one.item_id] = one

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
            "step": "report",
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


class ReferralMatcher(Matcher):
    """By document number; without one by case, department and day sent."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for one in self.candidates(session, "document_no", (row.values.get("document_no") for row in rows)):
            self.stored["document", one.document_no] = one
        for one in self.candidates(session, "case_id", (row.values.get("case_id") for row in rows)):
            self.stored[one.case_id, one.department_id, local_day(one.sent_at)] = one

    def key(self, row: PlanRow) -> Key | None:
        given = row.values
        if given.get("document_no"):
            return ("document", given["document_no"])
        return self.sent(row)

    def sent(self, row: PlanRow) -> Key:
        given = row.values
        return (given.get("case_id"), given.get("department_id"), local_day(given.get("sent_at") or now()))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """One that had no document number yet may get it."""
        if (found := super().find(row)) is not None:
            return found
        unnumbered = self.stored.get(self.sent(row))
        return unnumbered if unnumbered is not None and unnumbered.document_no is None else None


class ReferralRules(Rules):
    """One open referral a case and department, with deadlines by the department's own limits."""

    def telling(self) -> frozenset[str]:
        return frozenset({"sent_at"})

    def matcher(self) -> Matcher:
        return ReferralMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            for name in ("case", "department"):
                if row.id is not None and f"{name}_id" in row.values:
                    plan.fail(row, name, _("A referral stays with its case and department."))
        self._one_open(session, plan, [row for row in rows if not row.failed])
        self._set_deadlines(session, [row for row in rows if row.id is None and not row.failed])

    @staticmethod
    def _one_open(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        referral = table_of(Referral).c
        waiting = (ReferralStatus.SENT, ReferralStatus.SIGNED)
        own = {row.id for row in rows if row.id is not None and not plan.options.skip_existing}
        taken: set[Key] = set()
        for some in chunks({row.held("case_id") for row in rows}):
            statement = select(referral.id, referral.case_id, referral.department_id).where(
                referral.case_id.in_(some), referral.status.in_(waiting)
            )
            found = session.execute(statement, execution_options=UNSCOPED)
            taken |= {(case, department) for id_, case, department in found if id_ not in own}
        for row in sorted(rows, key=lambda row: row.id is None):
            if (row.held("status") or ReferralStatus.SENT) not in waiting or (row.id and row.id not in own):
                continue
            about = (row.held("case_id"), row.held("department_id"))
            if about in taken:
                plan.fail(row, "department", _("This case already has an open referral to this department."))
            taken.add(about)

    @staticmethod
    def _set_deadlines(session: Session, rows: Sequence[PlanRow]) -> None:
        if not rows:
            return
        department = table_of(Department).c
        statement = select(department.id, department.sign_limit, department.reply_limit)
        limits = {id_: days for id_, *days in session.execute(statement, execution_options=UNSCOPED)}
        calendar = settings.office_calendar(session)
        for row in rows:
            sent = row.values.get("sent_at") or now().replace(second=0, microsecond=0)
            for attr, days in zip(("sign_due_at", "reply_due_at"), limits[row.values["department_id"]], strict=True):
                row.values[attr] = deadlines.due(sent, days, LimitUnit.WORKING_DAY, calendar)
