"""Import of checklist items, cases and actions. A new case gets number, first event, liaison and officer as on the
report page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bureau.cases import events, import_undo, intake, numbering
from bureau.cases.case_matching import CaseMatcher
from bureau.cases.steps import report_rules
from bureau.cases.steps.registry import BULK_LISTENERS
from bureau.cases.steps.report import REPORT
from bureau.people.assignments import terms_of
from bureau.settings import settings
from models import (
    Case,
    CaseEvent,
    CaseStatus,
    Liaison,
    Officer,
    OfficerKind,
    Source,
)
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.fields import Field
from panel.i18n import Message, _
from panel.imports.matching import Matcher
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import ZONE, now, today
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk


def _still_reported(row: PlanRow) -> bool:
    return bool(row.values) and row.stored.get("status") is CaseStatus.REPORTED and not row.stored.get("historic")


def local_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(ZONE).date()


def _is_moved(row: PlanRow) -> bool:
    return "community_id" in row.values and row.stored.get("status") is CaseStatus.REPORTED


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
        self._check_intake(session, plan, rows)
        # A reported case that gets another community gets the people of that one too.
        self._add_people(session, [row for row in rows if row.id is None or _is_moved(row)])

    @staticmethod
    def _add_people(session: Session, new: Sequence[PlanRow]) -> None:
        """Liaison and lead officer follow from the community, as in intake.register(): the liaison of today, the active
        officer assigned on the day of the report or, without one, today. A case that moves gets those of today."""
        communities = {row.values["community_id"] for row in new}
        liaison, officer = table_of(Liaison).c, table_of(Officer).c
        in_office: dict[int, int] = {}
        for batch in chunks(communities):
            statement = (
                select(liaison.community_id, liaison.id)
                .where(
                    liaison.community_id.in_(batch),
                    liaison.start_on <= today(),
                    or_(liaison.end_on.is_(None), liaison.end_on >= today()),
                )
                .order_by(liaison.start_on)
            )
            in_office |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
        terms = terms_of(session, communities)
        led = {term.officer_id for of_community in terms.values() for term in of_community}
        active: set[int] = set()
        for batch in chunks(sorted(led)):
            statement = select(officer.id).where(officer.id.in_(batch), officer.active)
            active |= set(session.execute(statement, execution_options=UNSCOPED).scalars())
        for row in new:
            moved, community = row.id is not None, row.values["community_id"]
            day = today() if moved else local_day(row.values.get("reported_at") or now())
            if moved or community in in_office:
                row.values.setdefault("liaison_id", in_office.get(community))
            possible = sorted(
                (term for term in terms.get(community, []) if term.officer_id in active),
                key=lambda term: (not term.substitute, -term.start_on.toordinal()),
            )
            for one in filter(None, (day, today())):
                for term in possible:
                    if report_rules.in_office(term, one):
                        row.values.setdefault("lead_officer_id", term.officer_id)
            if moved:
                row.values.setdefault("lead_officer_id", None)

    @staticmethod
    def _check_intake(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Fail rows of new reports, and changes of cases that aren't accepted yet, that break a rule of intake."""
        concerned = [row for row in rows if (row.id is None and not row.values.get("historic")) or _still_reported(row)]
        merged = {row: {**row.stored, **row.values} for row in concerned}
        facts = report_rules.facts_for(session, merged.values())
        for row, values in merged.items():
            written = None if row.id is None else frozenset(row.values)
            for name, message in report_rules.problems(facts, values, written):
                plan.fail(row, name, message)

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
        for listener in BULK_LISTENERS:
            listener(session, REPORT.name, ids)
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
