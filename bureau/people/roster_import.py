"""Import of communities, officers and liaisons, with the succession of liaisons."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from bureau.people import administrators, holdings, leaving, liaison_doubts, succession_handover
from bureau.people.assignments import OfficerAssigner
from bureau.people.finders import aliases_of, name_without_ending
from bureau.people.succession import CORRECTED, succeed
from panel.base import Base
from panel.fields import Field
from panel.i18n import Message, _, listed, n_
from panel.imports.doubts import Ending, answer, answers_of
from panel.imports.matching import Key, Matcher, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import PersonColumn, Rules
from panel.kinds import Kind, PersonName, today
from panel.store import bulk

#: A telephone without its area code.
LOCAL_NUMBER = re.compile(r"\d{7,8}")


class CommunityMatcher(Matcher):
    """Matches by street and name without ending, or an alias."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        communities = self.candidates(session, "street_id", (row.values.get("street_id") for row in rows))
        self.stored = {
            (community.street_id, name_without_ending(community.name)): community for community in communities
        }
        for community in communities:
            for alias in aliases_of(community.alias_names):
                self.stored.setdefault((community.street_id, name_without_ending(alias)), community)

    def key(self, row: PlanRow) -> Key | None:
        return (row.values.get("street_id"), name_without_ending(row.values.get("name")))

    def same(self, field: Field, stored: Any, value: Any) -> bool:
        """The name always counts as equal: another spelling doesn't rename a community."""
        return field.name == "name" or super().same(field, stored, value)


class CommunityRules(Rules):
    """A changed squad is asked about: with it goes who may see the community's cases."""

    def matcher(self) -> Matcher:
        return CommunityMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        doubt_changed_squads(rows)
        for row in rows:
            if row.id is not None and row.values and row.stored.get("merged_into_id") is not None:
                plan.fail(row, "name", _("This community was merged into another one, whose row is the one to change."))


def doubt_changed_squads(rows: Sequence[PlanRow]) -> None:
    """Doubt the rows of existing records that have another squad than is stored."""
    for row in rows:
        for field, before, after in row.changes if row.has("changes") else ():
            if isinstance(field, Field) and field.name == "squad" and before and after:
                row.doubt(_("The squad changes from {before} to {after}.", before=before, after=after))


class OfficerMatcher(Matcher):
    """Matches by badge number; without one by name and squad, if that is one person."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.badges = {
            officer.badge_no: officer
            for officer in self.candidates(session, "badge_no", (r.values.get("badge_no") for r in rows))
        }
        self.named: dict[str, list[Row[Any]]] = defaultdict(list)
        for officer in self.candidates(session, "name", (row.values.get("name") for row in rows)):
            self.named[key_of(officer.name)].append(officer)

    def key(self, row: PlanRow) -> Key | None:
        if badge := row.values.get("badge_no"):
            return ("badge", badge)
        return ("name", key_of(row.values.get("name")), row.values.get("squad_id"))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        badge, squad = row.values.get("badge_no"), row.values.get("squad_id")
        if badge in self.badges:
            return self.badges[badge]
        same = self.named.get(key_of(row.values.get("name")), [])
        if squad is not None:
            same = [officer for officer in same if officer.squad_id == squad]
        if badge:
            same = [officer for officer in same if officer.badge_no is None]
        if len(same) > 1:
            return _("There are {n} officers of this name. Give the badge number.", n=len(same))
        return same[0] if same else None


class OfficerRules(Rules):
    """A changed squad is asked about; whoever is no longer in service is listed."""

    def ends(self, before: Mapping[str, Any]) -> bool:
        return before.get("active") is True

    def matcher(self) -> Matcher:
        return OfficerMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        administrators.fail_rows(session, plan, rows)
        doubt_changed_squads(rows)
        for row in rows:
            if row.id is not None and row.values.get("active") is False and not plan.options.skip_existing:
                why = _("According to the file, no longer in service.")
                name = row.stored["name"]
                plan.endings.append(Ending(row.sheet, row.number, "officer", row.id, name, "", None, why))
        self._refuse_holders(session, plan, rows)

    @staticmethod
    def _refuse_holders(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Fail the rows that retire somebody on whom something hangs: a file names no successor."""
        retired = {row.id: row for row in rows if row.id is not None and row.values.get("active") is False}
        if plan.options.skip_existing:
            return
        for id_, held in holdings.holding_up(session, "officer", retired).items():
            row = retired[id_]
            plan.fail(row, "active", leaving.refusal(session, row.stored["name"], held))


class LiaisonMatcher(Matcher):
    """Matches by community and name of the active row; an ended row also by the first or last day of the term. A row
    that the user reads as a corrected name matches the person in office."""

    def __init__(self, model: type[Base], answers: Mapping[str, str]) -> None:
        super().__init__(model)
        self.answers = answers

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.active: dict[Key, Row[Any]] = {}
        self.ended: dict[Key, Row[Any]] = {}
        self.in_office: dict[int, Row[Any]] = {}
        for liaison in self.candidates(session, "community_id", (row.values.get("community_id") for row in rows)):
            person = (liaison.community_id, key_of(liaison.name))
            if liaison.end_on is None:
                self.active[person] = liaison
                self.in_office[liaison.community_id] = liaison
            else:
                self.ended[*person, "from", liaison.start_on] = self.ended[*person, "until", liaison.end_on] = liaison

    def same(self, field: Field, stored: Any, value: Any) -> bool:
        """A telephone counts as equal without its area code too."""
        if field.name == "telephone" and stored and isinstance(value, str) and LOCAL_NUMBER.fullmatch(value):
            return str(stored).endswith(f"-{value}")
        return super().same(field, stored, value)

    def who(self, row: PlanRow) -> Key:
        return (row.values.get("community_id"), key_of(row.values.get("name")))

    def key(self, row: PlanRow) -> Key | None:
        end = row.values.get("end_on")
        return (*self.who(row), row.values.get("start_on"), end) if end else self.who(row)

    def find(self, row: PlanRow) -> Row[Any] | None:
        person, start, end = self.who(row), row.values.get("start_on"), row.values.get("end_on")
        if start is not None and (ended := self.ended.get((*person, "from", start))):
            return ended
        if start is None and end is not None and (ended := self.ended.get((*person, "until", end))):
            return ended
        active = self.active.get(person)
        if active is not None and end is not None and start not in (None, active.start_on):
            return None
        if active is None and end is None and answer(self.answers, row.sheet, row.number) == CORRECTED:
            return self.in_office.get(row.values.get("community_id", 0))
        return active


class LiaisonRules(Rules):
    """A community has one active liaison; a new one succeeds the old and takes over what hangs on them. The officer
    named on a roster is assigned."""

    #: References from these are given back by an undo, or prevent it by removal_obstacles().
    histories = frozenset({"case", "visit"})

    def extra_columns(self) -> Mapping[str, Sequence[str | Message]]:
        return {OfficerAssigner.COLUMN: OfficerAssigner.LABELS}

    def extra_kinds(self) -> Mapping[str, Kind]:
        return {OfficerAssigner.COLUMN: PersonName()}

    def people(self) -> Mapping[str, PersonColumn]:
        return {OfficerAssigner.COLUMN: PersonColumn("officer")}

    def matcher(self) -> Matcher:
        self.liaisons = LiaisonMatcher(self.model, answers_of(self.options.confirmed))
        return self.liaisons

    def is_past(self, row: PlanRow) -> bool:
        return row.values.get("end_on") is not None

    def ends(self, before: Mapping[str, Any]) -> bool:
        return "end_on" in before and before["end_on"] is None

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("start_on", today())

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        administrators.fail_rows(session, plan, rows)
        rows = [row for row in rows if not row.failed]
        self._one_active(plan, rows)
        succeed(session, plan, [row for row in rows if not row.failed], self.liaisons.in_office)
        liaison_doubts.doubt(session, plan, rows, self._listed_twice(plan, rows))
        OfficerAssigner(session, plan).assign([r for r in rows if not r.failed and r.effective("end_on") is None])

    def written(self, session: Session, plan: Plan, note: str) -> None:
        succession_handover.hand_over(session, plan, note)

    def removal_obstacles(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        """What a liaison has done since, besides what a handover gave them."""
        return {
            id_: n_("{n} case or visit is this liaison's by now.", "{n} cases and visits are this liaison's by now.", n)
            for id_, n in holdings.besides(session, "liaison", ids).items()
        }

    def undo(self, session: Session, removals: Sequence[bulk.Removal], note: str) -> None:
        """Give back what was handed over, then remove the liaisons who had it."""
        holdings.take_back(session, "liaison", [removal.id for removal in removals], note)
        super().undo(session, removals, note)

    def restored(self, session: Session, ids: Collection[int], note: str) -> None:
        """Whoever is in office again gets back what waited for a successor."""
        holdings.reclaim(session, "liaison", ids, note)

    @staticmethod
    def _one_active(plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Of several active liaisons of a community in the file take the one in office, else the first, which is asked
        about: the file may list all staff. Fail the others."""
        named: dict[Any, list[PlanRow]] = defaultdict(list)
        for row in rows:
            if row.effective("end_on") is None:
                named[row.effective("community_id")].append(row)
        for together in named.values():
            if len(together) == 1:
                continue
            taken = next((row for row in together if row.id is not None), together[0])
            others = [row for row in together if row is not taken]
            if taken.id is None:
                numbers = listed(plan.row_label(row, taken) for row in others)
                taken.doubt(
                    _("Others stand here for this community too (rows {rows}). Is this one the liaison?", rows=numbers)
                )
            for row in others:
                place = plan.row_label(taken, row)
                row.fail(_("Row {row} names an active liaison of this community already.", row=place))

    @staticmethod
    def _listed_twice(plan: Plan, rows: Sequence[PlanRow]) -> set[Key]:
        """Warn about people (name and mobile number) whom the file gives more than one community, and return them."""
        persons: dict[Key, PlanRow] = {}
        elsewhere: dict[Key, dict[Any, PlanRow]] = {}
        for row in rows:
            if row.effective("end_on") is None:
                key = (key_of(row.effective("name")), row.effective("mobile"))
                first = persons.setdefault(key, row)
                if first.effective("community_id") != row.effective("community_id"):
                    communities = elsewhere.setdefault(key, {first.effective("community_id"): first})
                    communities.setdefault(row.effective("community_id"), row)
        for same_rows in elsewhere.values():
            numbers = listed(str(row.number) for row in same_rows.values())
            person = next(iter(same_rows.values())).effective("name")
            message = _("{name} stands in more than one community (rows {rows}).", name=person, rows=numbers)
            plan.warnings.append(message)
        return set(elsewhere)
