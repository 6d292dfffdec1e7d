"""What the bureau's tables need of an import beyond their declarations: how people, places and items are found, how a
liaison succeeds another, what a roster says of officers. The rules are those of "Keys, labels and required columns"
in docs/domain.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from models import Assignment, ChecklistItem, Community, Department, Liaison, Officer, Squad, Street
from panel import bulk
from panel.access import Action as Act
from panel.base import Base
from panel.importing import Registry, Rules
from panel.kinds import ZONE, today
from panel.matching import UNSCOPED, Finder, Matcher, key_of
from panel.plans import CellError, Plan, PlanRow
from panel.session import actor_of, policy_of
from panel.text import Message, _

#: Endings that people add to a community's name or leave out.
ENDINGS = ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区")


def stripped(name: object) -> str:
    """A community's name without its ending: 烟雨, 烟雨社区 and 烟雨社区居委会 are one."""
    key = key_of(name)
    for ending in ENDINGS:
        if key.endswith(ending) and len(key) > len(ending):
            return key.removesuffix(ending)
    return key


class NamedFinder(Finder):
    """Streets, squads and departments: known by their name, and may be added from it."""

    creatable = True


class CommunityFinder(Finder):
    """Communities by name or alias, endings apart; the street tells two of one name apart."""

    def load(self, session: Session) -> None:
        community, street = Community.__table__.c, Street.__table__.c
        statement = select(community.id, community.name, community.alias_names, street.name).join(
            Street.__table__, street.id == community.street_id
        )
        for id_, name, aliases, place in session.execute(statement, execution_options=UNSCOPED):
            self.learn(id_, [name])
            for alias in aliases_of(aliases):
                self.call(id_, alias)
            self.places[id_] = key_of(place)

    def key(self, text: str) -> str:
        return stripped(text)


def aliases_of(text: str | None) -> list[str]:
    return [
        part
        for part in (text or "").replace("，", "、").replace(",", "、").replace("；", "、").split("、")
        if part.strip()
    ]


class OfficerFinder(Finder):
    """Officers by name, badge number, or both where a name is held by two; the squad tells them apart as well."""

    def load(self, session: Session) -> None:
        officer, squad = Officer.__table__.c, Squad.__table__.c
        statement = select(officer.id, officer.name, officer.badge_no, squad.name).outerjoin(
            Squad.__table__, squad.id == officer.squad_id
        )
        for id_, name, badge, place in session.execute(statement, execution_options=UNSCOPED):
            self.call(id_, name)
            for more in (badge, f"{name}({badge})" if badge else "", f"{name}({place})" if place else ""):
                if more:
                    self.call(id_, more)
            self.places[id_] = key_of(place)


class ItemFinder(Finder):
    """Checklist items by code or name, the newest version."""

    def load(self, session: Session) -> None:
        item = ChecklistItem.__table__.c
        statement = select(item.id, item.code, item.name, item.version_no).order_by(item.version_no)
        newest = {
            code: (id_, code, name) for id_, code, name, _n in session.execute(statement, execution_options=UNSCOPED)
        }
        for id_, code, name in newest.values():
            for text in (code, name, f"{code} {name}"):
                self.call(id_, text)


class LiaisonFinder(Finder):
    """Liaisons by name, those in office first; the community tells two of one name apart."""

    def load(self, session: Session) -> None:
        liaison, community = Liaison.__table__.c, Community.__table__.c
        statement = (
            select(liaison.id, liaison.name, community.name)
            .join(Community.__table__, community.id == liaison.community_id)
            .order_by(liaison.end_on.is_not(None), liaison.start_on.desc())
        )
        held: set[tuple[str, str]] = set()
        for id_, name, place in session.execute(statement, execution_options=UNSCOPED):
            if (key_of(name), stripped(place)) not in held:
                held.add((key_of(name), stripped(place)))
                self.call(id_, name)
                self.places[id_] = key_of(place)


class CommunityMatcher(Matcher):
    """Street and name, endings stripped, or an alias."""

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        streets = {value for row in rows if isinstance(value := row.get("street_id"), int)}
        for found in self.candidates(session, "street_id", streets):
            for name in (found.name, *aliases_of(found.alias_names)):
                self.stored.setdefault((found.street_id, stripped(name)), found)

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        return (values.get("street_id"), stripped(values.get("name")))


class LiaisonMatcher(Matcher):
    """Community and name of the active row; for an ended row also the start of the term."""

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        self.active: dict[tuple[Any, str], Row[Any]] = {}
        self.ended: dict[tuple[Any, str, date], Row[Any]] = {}
        self.in_office: dict[int, Row[Any]] = {}
        communities = {value for row in rows if isinstance(value := row.get("community_id"), int)}
        for found in self.candidates(session, "community_id", communities):
            if found.end_on is None:
                self.active[found.community_id, key_of(found.name)] = found
                self.in_office[found.community_id] = found
            else:
                self.ended[found.community_id, key_of(found.name), found.start_on] = found

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        key = (values.get("community_id"), key_of(values.get("name")))
        return (*key, values.get("start_on")) if values.get("end_on") else key

    def find(self, values: Mapping[str, Any]) -> Row[Any] | None:
        community, name, start = values.get("community_id"), key_of(values.get("name")), values.get("start_on")
        if start is not None and (ended := self.ended.get((community, name, start))) is not None:
            return ended
        active = self.active.get((community, name))
        if active is not None and values.get("end_on") and start is not None and start != active.start_on:
            return None
        return active


class LiaisonRules(Rules):
    """Succession, one active liaison a community, and the officer named on a roster."""

    OFFICER = "officer"

    def extra(self) -> Mapping[str, Sequence[str | Message]]:
        return {self.OFFICER: ["联居队员", "包联队员", "联系队员", _("Officer on duty")]}

    def matcher(self) -> Matcher:
        self.found = LiaisonMatcher(self.model)
        return self.found

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("start_on", today())

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        self._one_active(rows)
        good = [row for row in rows if not row.failed]
        self._succeed(plan, good)
        self._same_person(plan, good)
        self._assign(session, plan, [row for row in good if not row.failed])

    def _one_active(self, rows: Sequence[PlanRow]) -> None:
        """Two active liaisons for one community within one file: the later row fails."""
        first: dict[Any, PlanRow] = {}
        for row in rows:
            community = row.values.get("community_id", row.stored.get("community_id"))
            if row.values.get("end_on", row.stored.get("end_on")) is not None:
                continue
            if (earlier := first.setdefault(community, row)) is not row:
                message = _("Row {row} names an active liaison of this community already.", row=earlier.number)
                row.errors.append(CellError("", "", message))

    def _succeed(self, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """A second active liaison succeeds the first, who is end-dated the day before."""
        ends: list[bulk.Edit] = []
        leaving = {row.id for row in rows if row.values.get("end_on") is not None}
        for row in rows:
            if row.id is not None or row.values.get("end_on") is not None:
                continue
            before = self.found.in_office.get(row.values.get("community_id", 0))
            if before is None or before.id in leaving:
                continue
            last = row.values["start_on"] - timedelta(days=1)
            if last < before.start_on:
                message = _(
                    "{name} has been in office since {day}; a successor can't begin before that.",
                    name=before.name,
                    day=before.start_on,
                )
                row.errors.append(CellError("", "", message))
                continue
            row.succeeds = True
            row.notes.append(_("Predecessor {name} ends on {day}.", name=before.name, day=last))
            ends.append(bulk.Edit(before.id, before.version, {"end_on": last}, {"end_on": None}))
        if ends:
            plan.effects.append(_first(lambda session: bulk.edit(session, Liaison, ends)))

    @staticmethod
    def _same_person(plan: Plan, rows: Sequence[PlanRow]) -> None:
        """One person in two communities is a warning: the name and the mobile number are the same."""
        places: dict[tuple[str, Any], list[PlanRow]] = defaultdict(list)
        for row in rows:
            name = row.values.get("name", row.stored.get("name"))
            mobile = row.values.get("mobile", row.stored.get("mobile"))
            if mobile is not None:
                places[key_of(name), mobile].append(row)
        for (_name, _mobile), same in places.items():
            if len({row.values.get("community_id", row.stored.get("community_id")) for row in same}) > 1:
                plan.warnings.append(
                    _(
                        "{name} stands in more than one community (rows {rows}).",
                        name=same[0].values.get("name", same[0].stored.get("name")),
                        rows="、".join(str(row.number) for row in same),
                    )
                )

    def _assign(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """The officer named on the roster becomes the community's officer, when exactly one is called so."""
        named = [row for row in rows if row.extra.get(self.OFFICER)]
        if not named or not policy_of(session).may(actor_of(session), Act.CREATE, Assignment):
            return
        finder = OfficerFinder(Officer)
        finder.load(session)
        day = today()
        communities = {row.values.get("community_id", row.stored.get("community_id")) for row in named}
        current: dict[int, Row[Any]] = {}
        latest: dict[int, date] = {}
        table = Assignment.__table__
        found = session.execute(
            select(table).where(table.c.community_id.in_([c for c in communities if isinstance(c, int)])),
            execution_options=UNSCOPED,
        )
        for one in found:
            if one.start_on <= day and (one.end_on is None or one.end_on >= day):
                current[one.community_id] = one
            latest[one.community_id] = max(latest.get(one.community_id, date.min), one.end_on or one.start_on)
        new: list[dict[str, Any]] = []
        ended: list[bulk.Edit] = []
        for row in named:
            text = row.extra[self.OFFICER]
            officer = finder.find(text)
            if not isinstance(officer, int):
                row.notes.append(_("Officer on duty {name}: {reason}", name=text, reason=officer.message))
                plan.warnings.append(
                    _(
                        "Row {row}: officer on duty “{name}” isn't assigned. {reason}",
                        row=row.number,
                        name=text,
                        reason=officer.message,
                    )
                )
                continue
            community = row.values.get("community_id", row.stored.get("community_id"))
            before = current.get(community or 0)
            if before is not None and before.officer_id == officer:
                continue
            start = day
            if before is None and community not in latest:
                start = min(day, row.values.get("start_on", row.stored.get("start_on")) or day)
            if before is not None:
                if before.start_on >= day:
                    row.notes.append(_("Another officer was assigned today; the assignment is left as it is."))
                    continue
                ended.append(
                    bulk.Edit(before.id, before.version, {"end_on": day - timedelta(days=1)}, {"end_on": before.end_on})
                )
            new.append({"community_id": community, "officer_id": officer, "start_on": start})
            row.notes.append(_("{name} is assigned to the community from {day}.", name=text, day=start))
            if row.id is not None:
                row.changes.append((_("Officer on duty"), "", text))
        if new:
            plan.effects.append(lambda session: bulk.edit(session, Assignment, ended))
            plan.effects.append(lambda session: _add_assignments(session, new))


def _add_assignments(session: Session, rows: list[dict[str, Any]]) -> None:
    bulk.add(session, Assignment, rows)


def _first(effect: Callable[[Session], None]) -> Callable[[Session], None]:
    """Mark an effect that makes room for the new rows."""
    effect.first = True  # type: ignore[attr-defined]
    return effect


class OfficerMatcher(Matcher):
    """By badge number; without one by name and squad, if that is one person."""

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        badges = {row.get("badge_no") for row in rows}
        names = {row.get("name") for row in rows}
        for found in self.candidates(session, "badge_no", badges):
            self.stored["badge", found.badge_no] = found
        same: dict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
        for found in self.candidates(session, "name", names):
            same["name", key_of(found.name), found.squad_id].append(found)
        self.stored |= {key: found[0] for key, found in same.items() if len(found) == 1}

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        if values.get("badge_no"):
            return ("badge", values["badge_no"])
        return ("name", key_of(values.get("name")), values.get("squad_id"))

    def find(self, values: Mapping[str, Any]) -> Row[Any] | None:
        key = self.key(values)
        found = self.stored.get(key) if key else None
        if found is None and values.get("badge_no"):
            named = self.stored.get(("name", key_of(values.get("name")), values.get("squad_id")))
            return named if named is not None and named.badge_no is None else None
        return found


class OfficerRules(Rules):
    def matcher(self) -> Matcher:
        return OfficerMatcher(self.model)


class CommunityRules(Rules):
    def matcher(self) -> Matcher:
        return CommunityMatcher(self.model)


class ItemMatcher(Matcher):
    """By code, the newest version."""

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        codes = {row.get("code") for row in rows}
        for found in sorted(self.candidates(session, "code", codes), key=lambda one: one.version_no):
            self.stored[(key_of(found.code),)] = found


class ItemRules(Rules):
    def matcher(self) -> Matcher:
        return ItemMatcher(self.model)


class AssignmentRules(Rules):
    """Two assignments of a community may not overlap, in the file or with what is stored."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        table = Assignment.__table__
        ids = {
            v for row in rows if isinstance(v := row.values.get("community_id", row.stored.get("community_id")), int)
        }
        terms: dict[int, list[tuple[int | None, date, date]]] = defaultdict(list)
        own = {row.id for row in rows if row.id is not None}
        for one in session.execute(select(table).where(table.c.community_id.in_(ids)), execution_options=UNSCOPED):
            if one.id not in own:
                terms[one.community_id].append((one.id, one.start_on, one.end_on or date.max))
        for row in rows:
            held = {**row.stored, **row.values}
            community, start = held.get("community_id"), held.get("start_on") or today()
            end = held.get("end_on") or date.max
            if not isinstance(community, int):
                continue
            if any(begin <= end and start <= until for _id, begin, until in terms[community]):
                row.errors.append(CellError("", "", _("Another officer is assigned to this community in that time.")))
            terms[community].append((row.id, start, end))


class ActionRules(Rules):
    """Auxiliary staff can't decide a penalty."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        officer = Officer.__table__.c
        statement = select(officer.id).where(officer.kind == "auxiliary")
        auxiliary = set(session.execute(statement, execution_options=UNSCOPED).scalars())
        for row in rows:
            held = {**row.stored, **row.values}
            if (
                held.get("kind") in ("fine", "filing")
                and {held.get("officer_id"), held.get("second_officer_id")} & auxiliary
            ):
                row.errors.append(CellError("", "", _("Auxiliary staff can't decide a penalty.")))


class ReferralMatcher(Matcher):
    """By document number; without one by case, department and day sent."""

    def load(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        for found in self.candidates(session, "document_no", {row.get("document_no") for row in rows}):
            self.stored["document", found.document_no] = found
        for found in self.candidates(session, "case_id", {row.get("case_id") for row in rows}):
            self.stored[found.case_id, found.department_id, _day(found.sent_at)] = found

    def key(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        if values.get("document_no"):
            return ("document", values["document_no"])
        return (values.get("case_id"), values.get("department_id"), _day(values.get("sent_at")))


def _day(moment: Any) -> date | None:
    return None if moment is None else moment.astimezone(ZONE).date()


class ReferralRules(Rules):
    def matcher(self) -> Matcher:
        return ReferralMatcher(self.model)


def registry() -> Registry:
    """How the bureau's tables are imported."""
    named: dict[str, Callable[[type[Base]], Finder]] = {
        model.__tablename__: NamedFinder for model in (Street, Squad, Department)
    }
    return Registry(
        rules={
            "liaison": LiaisonRules,
            "officer": OfficerRules,
            "community": CommunityRules,
            "checklistitem": ItemRules,
            "assignment": AssignmentRules,
            "action": ActionRules,
            "referral": ReferralRules,
        },
        finders={
            **named,
            "community": CommunityFinder,
            "officer": OfficerFinder,
            "checklistitem": ItemFinder,
            "liaison": LiaisonFinder,
        },
    )
