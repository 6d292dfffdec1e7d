"""Import of assignments, from a table of their own or from the officers named on a roster of liaisons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.people import holdings
from bureau.people.finders import OfficerFinder
from models import Assignment, Community, Officer
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import Message, _, in_every_locale
from panel.imports import link_cells
from panel.imports.additions import Additions
from panel.imports.matching import Key, Matcher, Missing
from panel.imports.plans import PendingRecord, Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import today
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission as Act
from panel.security.session import actor_of, policy_of
from panel.store.bulk import Edit


def terms_of(session: Session, communities: set[Any]) -> dict[int, list[Row[Any]]]:
    """The stored assignments by community id, the earliest first."""
    table = Assignment.__table__
    terms: dict[int, list[Row[Any]]] = defaultdict(list)
    for batch in chunks(sorted(id_ for id_ in communities if isinstance(id_, int))):
        statement = select(table).where(table.c.community_id.in_(batch)).order_by(table.c.start_on)
        for term in session.execute(statement, execution_options=UNSCOPED):
            terms[term.community_id].append(term)
    return terms


def squads_of(session: Session, communities: set[Any]) -> dict[int, int | None]:
    """The squads of communities by id."""
    table = Community.__table__
    squads: dict[int, int | None] = {}
    for batch in chunks(sorted(id_ for id_ in communities if isinstance(id_, int))):
        statement = select(table.c.id, table.c.squad_id).where(table.c.id.in_(batch))
        squads |= {row.id: row.squad_id for row in session.execute(statement, execution_options=UNSCOPED)}
    return squads


class OfficerAssigner:
    """Assigns the officer named on a roster to the community, if exactly one officer in service has that name."""

    COLUMN: ClassVar[str] = "officer"
    LABELS: ClassVar[Sequence[str | Message]] = (
        "联居队员",
        "包联队员",
        "联系队员",
        "联居执法队员",
        "责任队员",
        _("Officer on duty"),
    )

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan, self.day = session, plan, today()
        #: The rows that end an assignment, and whose.
        self.replaced: list[tuple[PlanRow, int]] = []
        self.squads: dict[int, int | None] = {}

    def assign(self, rows: Sequence[PlanRow]) -> None:
        for row in self.plan.rows:
            if row.vacant and row.has_extra(self.COLUMN):
                self._say(row, row.extra[self.COLUMN], _("The post of the liaison is vacant."))
        named = [row for row in rows if row.has_extra(self.COLUMN)]
        if not named:
            return
        policy, actor = policy_of(self.session), actor_of(self.session)
        if not all(policy.may(actor, act, Assignment) for act in (Act.CREATE, Act.EDIT)):
            self.plan.warnings.append(_("The officers on duty are not taken over: your role doesn't allow it."))
            return
        finder = OfficerFinder(Officer)
        finder.read(self.session, {row.extra[self.COLUMN] for row in named})
        communities = {row.effective("community_id") for row in named}
        terms = terms_of(self.session, communities)
        self.squads = squads_of(self.session, communities)
        for row in named:
            self._assign_named(row, finder, terms.get(row.effective("community_id"), []))
        self._say_kept(finder)

    def _say_kept(self, finder: OfficerFinder) -> None:
        """Note what stays with the officers who were replaced: they are in service, and a roster hands over only what
        hangs on liaisons."""
        held = holdings.found(self.session, "officer", {officer for _row, officer in self.replaced})
        for row, officer in self.replaced:
            kept = [
                one
                for one in held.get(officer, [])
                if one.community == row.effective("community_id")
                and not holdings.KINDS[one.kind].follows
                and one.table != Assignment.__tablename__
            ]
            if things := holdings.summary(self.session, kept):
                name = finder.primary_names.get(officer, "")
                row.notes.append(
                    _("{name} keeps what is open here: {things}. Hand over to pass it on.", name=name, things=things)
                )

    def _assign_named(self, row: PlanRow, finder: OfficerFinder, terms: Sequence[Row[Any]]) -> None:
        """Assign the officer of a row, unless all officers that it names are on duty there already: a substitute stands
        beside the officer for whom they stand in."""
        text = row.extra[self.COLUMN]
        names = [_known_name(finder, name) for name in link_cells.split(text, lambda _text: False)]
        on_duty = [t.officer_id for t in terms if t.start_on <= self.day and (t.end_on is None or t.end_on >= self.day)]
        unseen = in_every_locale(NOT_VISIBLE)
        if on_duty and all(name in unseen or any(finder.has_name(name, id_) for id_ in on_duty) for name in names):
            return
        match = finder.find(_known_name(finder, text))
        visible = isinstance(match, int) and (finder.reach is None or match in finder.reach)
        if not isinstance(match, int) and len(names) > 1:
            self._say(row, text, _("“{name}” are several officers: assign each of them for a term.", name=text))
        elif isinstance(match, Missing) and isinstance(added := self._added(row, finder, text, match), PendingRecord):
            self._assign(row, text, added, finder, terms)
        elif not isinstance(match, int) or match not in finder.serving or not visible:
            reason = _("The list of officers has no “{name}”.", name=text)
            self._say(row, text, reason if isinstance(match, int) else match.message)
        else:
            self._assign(row, text, match, finder, terms)

    def _added(
        self, row: PlanRow, finder: OfficerFinder, text: str, missing: Missing
    ) -> PendingRecord | Message | None:
        """The officer whom the user adds with this import; else it is noted that they could, in the community's
        squad."""
        if missing.ambiguous:
            return None
        additions = Additions(self.session, self.plan)
        if (added := additions.pending(finder, text)) is None:
            squad = self.squads.get(row.effective("community_id"))
            additions.offer(finder, text, {"squad": squad} if squad is not None else {})
        return added

    def _say(self, row: PlanRow, text: str, reason: Message) -> None:
        row.notes.append(_("Officer on duty {name}: {reason}", name=text, reason=reason))
        self.plan.warnings.append(_("Row {row}: {reason} No officer was assigned.", row=row.number, reason=reason))

    def _assign(
        self, row: PlanRow, text: str, officer: int | PendingRecord, finder: OfficerFinder, terms: Sequence[Row[Any]]
    ) -> None:
        """Plan the assignment from today and end the current one. A community without any assignment gets it from the
        day the liaison began."""
        day = self.day
        current = next((t for t in terms if t.start_on <= day and (t.end_on is None or t.end_on >= day)), None)
        if current is not None and current.officer_id == officer:
            return
        if any(term.start_on >= self.day for term in terms):
            self._say(row, text, _("Another assignment begins today or later."))
            return
        start = self.day if terms else min(self.day, row.effective("start_on") or self.day)
        if current is not None:
            self.replaced.append((row, current.officer_id))
            last = {"end_on": self.day - timedelta(days=1)}
            row.edits.append((Assignment, Edit(current.id, current.version, last, {"end_on": current.end_on})))
        row.adds.append(
            (Assignment, {"community_id": row.effective("community_id"), "officer_id": officer, "start_on": start})
        )
        row.notes.append(_("{name} is assigned to the community from {day}.", name=text, day=start))
        if row.id is not None:
            before = finder.primary_names.get(current.officer_id, "") if current is not None else ""
            name = text if isinstance(officer, PendingRecord) else finder.primary_names[officer]
            row.changes.append((self.LABELS[-1], before, name))  # type: ignore[arg-type]


def _known_name(finder: OfficerFinder, text: str) -> str:
    """The text, or the name in it where a title stands behind a name."""
    return text if finder.key(text) in finder.names else finder.name_in(text) or text


class AssignmentMatcher(Matcher):
    """Matches by community, officer and first day; without a day the assignment of today."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        super().load(session, rows)
        day = today()
        for (community, officer, _start), assignment in list(self.stored.items()):
            if assignment.start_on <= day and (assignment.end_on is None or assignment.end_on >= day):
                self.stored[community, officer, None] = assignment

    def key(self, row: PlanRow) -> Key | None:
        return (row.values.get("community_id"), row.values.get("officer_id"), row.values.get("start_on"))


class AssignmentRules(Rules):
    """Assignments of a community may not overlap, in the file or with stored ones."""

    def matcher(self) -> Matcher:
        return AssignmentMatcher(self.model)

    def is_past(self, row: PlanRow) -> bool:
        return (end := row.values.get("end_on")) is not None and end < today()

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("start_on", today())

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        stored_rows = {row.id: row for row in rows if row.id is not None and not plan.options.skip_existing}
        terms_by_community: dict[Any, list[tuple[Any, date, date]]] = defaultdict(list)
        for community, terms in terms_of(session, {row.effective("community_id") for row in rows}).items():
            terms_by_community[community] += [
                (t.id, t.start_on, t.end_on or date.max) for t in terms if t.id not in stored_rows
            ]
        for row in stored_rows.values():
            terms_by_community[row.effective("community_id")].append((row.id, *self._span(row)))
        for row in rows:
            if row.id is not None and not row.values:
                continue
            start, end = self._span(row)
            other_terms = [
                term
                for term in terms_by_community[row.effective("community_id")]
                if row.id is None or term[0] != row.id
            ]
            if any(begin <= end and start <= last for _id, begin, last in other_terms):
                plan.fail(row, "start_on", _("Another officer is assigned to this community in that time."))
            elif row.id is None:
                terms_by_community[row.effective("community_id")].append((None, start, end))

    @staticmethod
    def _span(row: PlanRow) -> tuple[date, date]:
        return row.effective("start_on"), row.effective("end_on") or date.max
