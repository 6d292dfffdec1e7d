"""Rosters in: communities, officers and liaisons by their keys, how a liaison succeeds another, and what a roster says
of officers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.people.assignments import Assigner
from bureau.people.finders import aliases_of, stripped
from models import Liaison
from panel.base import UNSCOPED
from panel.fields import Field
from panel.i18n import Message, _
from panel.imports.matching import Key, Matcher, chunks, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import today
from panel.store.bulk import Edit


class CommunityMatcher(Matcher):
    """Street and name, endings stripped, or an alias."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        found = self.candidates(session, "street_id", (row.values.get("street_id") for row in rows))
        self.stored = {(one.street_id, stripped(one.name)): one for one in found}
        for one in found:
            for alias in aliases_of(one.alias_names):
                self.stored.setdefault((one.street_id, stripped(alias)), one)

    def key(self, row: PlanRow) -> Key | None:
        return (row.values.get("street_id"), stripped(row.values.get("name")))

    def same(self, field: Field, stored: Any, given: Any) -> bool:
        """Another way of writing the name doesn't rename a community."""
        return field.name == "name" or super().same(field, stored, given)


class CommunityRules(Rules):
    def matcher(self) -> Matcher:
        return CommunityMatcher(self.model)


class OfficerMatcher(Matcher):
    """By badge number; without one by name and squad, if that is one person."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.badges = {
            one.badge_no: one for one in self.candidates(session, "badge_no", (r.values.get("badge_no") for r in rows))
        }
        self.named: dict[str, list[Row[Any]]] = defaultdict(list)
        for one in self.candidates(session, "name", (row.values.get("name") for row in rows)):
            self.named[key_of(one.name)].append(one)

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
            same = [one for one in same if one.squad_id == squad]
        if badge:
            same = [one for one in same if one.badge_no is None]
        if len(same) > 1:
            return _("There are {n} officers of this name. Give the badge number.", n=len(same))
        return same[0] if same else None


class OfficerRules(Rules):
    def matcher(self) -> Matcher:
        return OfficerMatcher(self.model)


class LiaisonMatcher(Matcher):
    """Community and name of the active row; for an ended row also the start of the term, or its end."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        self.active: dict[Key, Row[Any]] = {}
        self.ended: dict[Key, Row[Any]] = {}
        self.in_office: dict[int, Row[Any]] = {}
        for one in self.candidates(session, "community_id", (row.values.get("community_id") for row in rows)):
            who = (one.community_id, key_of(one.name))
            if one.end_on is None:
                self.active[who] = one
                self.in_office[one.community_id] = one
            else:
                self.ended[*who, "from", one.start_on] = self.ended[*who, "until", one.end_on] = one

    def who(self, row: PlanRow) -> Key:
        return (row.values.get("community_id"), key_of(row.values.get("name")))

    def key(self, row: PlanRow) -> Key | None:
        end = row.values.get("end_on")
        return (*self.who(row), row.values.get("start_on"), end) if end else self.who(row)

    def find(self, row: PlanRow) -> Row[Any] | None:
        who, start, end = self.who(row), row.values.get("start_on"), row.values.get("end_on")
        if start is not None and (ended := self.ended.get((*who, "from", start))):
            return ended
        if start is None and end is not None and (ended := self.ended.get((*who, "until", end))):
            return ended
        active = self.active.get(who)
        if active is not None and end is not None and start not in (None, active.start_on):
            return None
        return active


class LiaisonRules(Rules):
    """Succession, one active liaison a community, and the officer named on a roster."""

    def extra_columns(self) -> Mapping[str, Sequence[str | Message]]:
        return {Assigner.COLUMN: Assigner.LABELS}

    def matcher(self) -> Matcher:
        self.found = LiaisonMatcher(self.model)
        return self.found

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("start_on", today())

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        self._one_active(plan, rows)
        self._succeed(plan, [row for row in rows if not row.failed])
        self._same_person(session, plan, rows)
        Assigner(session, plan).assign([r for r in rows if not r.failed and r.effective("end_on") is None])

    @staticmethod
    def _one_active(plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Two active liaisons for one community within one file: the later row fails."""
        first: dict[Any, PlanRow] = {}
        for row in rows:
            if (
                row.effective("end_on") is None
                and (earlier := first.setdefault(row.effective("community_id"), row)) is not row
            ):
                place = plan.row_label(earlier, row)
                row.fail(_("Row {row} names an active liaison of this community already.", row=place))

    def _succeed(self, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """A second active liaison succeeds the first, who is end-dated the day before."""
        skipping = plan.options.skip_existing
        leaving = {row.id for row in rows if row.values.get("end_on") is not None and not skipping}
        for row in rows:
            before = self.found.in_office.get(row.values.get("community_id", 0)) if row.id is None else None
            if before is None or before.id in leaving or row.values.get("end_on") is not None:
                continue
            last = row.values["start_on"] - timedelta(days=1)
            if last < before.start_on:
                message = _(
                    "{name} has been in office since {day}; a successor can't begin before that.",
                    name=before.name,
                    day=before.start_on,
                )
                plan.fail(row, "start_on", message)
                continue
            row.succeeds = True
            row.notes.append(_("Predecessor {name} ends on {day}.", name=before.name, day=last))
            row.edits.append((Liaison, Edit(before.id, before.version, {"end_on": last}, {"end_on": None})))

    @staticmethod
    def _same_person(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """One person in two communities is a warning: name and mobile number are the same."""
        persons: dict[Key, PlanRow] = {}
        elsewhere: dict[Key, dict[Any, PlanRow]] = {}
        for row in rows:
            if row.effective("end_on") is None:
                who = (key_of(row.effective("name")), row.effective("mobile"))
                first = persons.setdefault(who, row)
                if first.effective("community_id") != row.effective("community_id"):
                    places = elsewhere.setdefault(who, {first.effective("community_id"): first})
                    places.setdefault(row.effective("community_id"), row)
        for same in elsewhere.values():
            numbers = "、".join(str(row.number) for row in same.values())
            person = next(iter(same.values())).effective("name")
            message = _("{name} stands in more than one community (rows {rows}).", name=person, rows=numbers)
            plan.warnings.append(message)
        liaison = Liaison.__table__.c
        mobiles = {mobile for _name, mobile in persons if mobile is not None}
        for some in chunks(sorted(mobiles)):
            statement = select(liaison.name, liaison.mobile, liaison.community_id).where(
                liaison.mobile.in_(some), liaison.end_on.is_(None)
            )
            for name, mobile, community in session.execute(statement, execution_options=UNSCOPED):
                who = (key_of(name), mobile)
                same_person = persons.get(who)
                if same_person is None or who in elsewhere or community == same_person.effective("community_id"):
                    continue
                called = same_person.effective("name")
                same_person.notes.append(_("{name} is in office in another community as well.", name=called))
