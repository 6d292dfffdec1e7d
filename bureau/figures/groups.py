"""Of whom figures are asked: a period with filters, and what they are broken down by. The same filters narrow the lists
behind the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, false, select
from sqlalchemy.orm import Session, aliased

from bureau.calendar.periods import Span
from bureau.figures.figures import PARTS
from bureau.figures.parts.model import Part
from models import Case, ChecklistItem, Community, ListKind, Mediation, MediationSession, Squad, Street, Visit
from panel import ids
from panel.i18n import Message, _
from panel.kinds import Choices, Invalid
from panel.search.names import NOT_VISIBLE

#: Instead of an id: what belongs to none. A community of none is one outside the reader's area.
NONE = 0
_NAME = re.compile(r"figure\.([a-z_]+)\.(\d{4}-\d\d-\d\d)\.(\d{4}-\d\d-\d\d)((?:\.[a-z]+-[a-z0-9]{1,12})*)")


class Grouping(Choices):
    """What figures are broken down by."""

    WHOLE = "", _("Not broken down")
    SQUAD = "squad", _("Squad")
    STREET = "street", _("Street")
    COMMUNITY = "community", _("Community")
    LIST = "list", _("List")
    ITEM = "item", _("Checklist item")
    MONTH = "month", _("Month")
    PILOT = "pilot", _("Pilot squads and others")


#: Of these a community says to which group it belongs.
PLACES = (Grouping.SQUAD, Grouping.STREET, Grouping.COMMUNITY, Grouping.PILOT)


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A period, and of what: None is all, NONE what belongs to none. `item` is any version of it; `pilot` is 1 for the
    pilot squads and 0 for the others."""

    span: Span
    squad: int | None = None
    street: int | None = None
    community: int | None = None
    list: str | None = None
    item: int | None = None
    pilot: int | None = None

    def filters(self) -> dict[str, str]:
        """The filters in force, as addresses carry them."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "span"}
        return {name: str(value) for name, value in found.items() if value is not None}

    def narrowed(self, filters: Mapping[str, Any]) -> ReportQuery:
        return replace(self, **filters)

    def name_of(self, part: Part) -> str:
        """What the list behind a number is called in its address."""
        filters = "".join(f".{name}-{value}" for name, value in self.filters().items())
        return f"figure.{part.name}.{self.span.first}.{self.span.last}{filters}"


def read(name: str) -> tuple[Part, ReportQuery] | None:
    """What an address calls a list behind a number; None if it is no such name."""
    found = _NAME.fullmatch(name)
    if found is None or found[1] not in PARTS:
        return None
    try:
        span = Span.typed(found[2], found[3])
        given = dict(one.split("-", 1) for one in found[4].split(".") if one)
        return PARTS[found[1]], ReportQuery(span, **filters_of(given))
    except Invalid:
        return None


def filters_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Filters as addresses carry them. Invalid for what is none."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name == "list" and (value in set(ListKind) or value == "none"):
            found[name] = value
        elif name == "pilot" and value in ("0", "1"):
            found[name] = int(value)
        elif name in {"squad", "street", "community", "item"} and value == str(NONE):
            found[name] = NONE
        elif name in {"squad", "street", "community", "item"} and (id_ := ids.parse(value)) is not None:
            found[name] = id_
        else:
            raise Invalid(_("This filter can't be read."))
    return found


# Filters as conditions.


def narrowing(part: Part, asked: ReportQuery) -> list[ColumnElement[bool]]:
    """The filters as conditions on the model of a part."""
    model: Any = part.universe.model
    if model is Case:
        return about_case(Case, asked)
    if model is Visit:
        # Visits stand on no list.
        nothing = [false()] if asked.list is not None or asked.item is not None else []
        return [*nothing, *_about_place(Visit.community_id, asked)]
    about = aliased(Case)
    conditions = about_case(about, asked)
    if not conditions:
        return []
    if model is MediationSession:
        over = aliased(Mediation)
        # No JOIN: in its ON clause the scope of an aliased table would name the table itself.
        of = and_(over.id == MediationSession.mediation_id, about.id == over.case_id)
        return [exists(select(over.id).where(of, *conditions))]
    return [exists(select(about.id).where(about.id == model.case_id, *conditions))]


def about_case(case: Any, asked: ReportQuery) -> list[ColumnElement[bool]]:
    found = _about_place(case.community_id, asked)
    if asked.list is not None:
        found.append(case.list_kind.is_(None) if asked.list == "none" else case.list_kind == asked.list)
    if asked.item == NONE:
        found.append(case.item_id.is_(None))
    elif asked.item is not None:
        code = select(ChecklistItem.code).where(ChecklistItem.id == asked.item).scalar_subquery()
        versions = aliased(ChecklistItem)
        found.append(case.item_id.in_(select(versions.id).where(versions.code == code)))
    return found


def _about_place(column: Any, asked: ReportQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    seen = select(Community.id)
    if asked.community == NONE:
        found.append(column.not_in(seen))
    elif asked.community is not None:
        found.append(column.in_(seen.where(Community.id == asked.community)))
    places = []
    if asked.squad is not None:
        places.append(Community.squad_id.is_(None) if asked.squad == NONE else Community.squad_id == asked.squad)
    if asked.street is not None:
        places.append(Community.street_id == asked.street)
    if asked.pilot is not None:
        places.append(Community.squad_id.in_(select(Squad.id).where(Squad.is_pilot.is_(bool(asked.pilot)))))
    if places:
        found.append(column.in_(seen.where(*places)))
    return found


# Groups and what they are called.


class Place(NamedTuple):
    """A community with where it belongs."""

    id: int
    name: str
    street_id: int
    street: str
    squad_id: int | None
    squad: str | None
    pilot: bool | None


class Item(NamedTuple):
    """A checklist item: `id` is that of its newest version."""

    id: int
    code: str
    name: str
    list_kind: ListKind


@dataclass(slots=True)
class Names:
    """The communities that the actor reaches, and the items, each in the order in which people read them."""

    places: dict[int, Place] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> Names:
        """In two statements."""
        communities = (
            select(
                Community.id,
                Community.name,
                Community.street_id,
                Street.name,
                Community.squad_id,
                Squad.name,
                Squad.is_pilot,
            )
            .join(Street, Community.street_id == Street.id)
            .outerjoin(Squad, Community.squad_id == Squad.id)
            .order_by(Street.name_key, Street.id, Community.name_key, Community.id)
        )
        versions = select(ChecklistItem.id, ChecklistItem.code, ChecklistItem.name, ChecklistItem.list_kind)
        versions = versions.order_by(ChecklistItem.list_kind, ChecklistItem.code, ChecklistItem.version_no.desc())
        newest: dict[str, Item] = {}
        items = {}
        for row in session.execute(versions):
            items[row.id] = newest.setdefault(row.code, Item(*row))
        return cls({row.id: Place(*row) for row in session.execute(communities)}, items)

    def squads(self) -> dict[int, str]:
        found = {p.squad_id: p.squad or "" for p in self.places.values() if p.squad_id is not None}
        return dict(sorted(found.items(), key=lambda one: one[0]))

    def streets(self) -> dict[int, str]:
        return {p.street_id: p.street for p in self.places.values()}

    def communities(self) -> dict[int, str]:
        return {p.id: p.name for p in self.places.values()}

    def newest(self) -> dict[int, Item]:
        return {item.id: item for item in self.items.values()}

    def label(self, name: str, value: Any) -> Message | str:
        """What people call a filter's value; "" for one that they don't reach."""
        if name == "list":
            return _("On no list") if value == "none" else ListKind.of(value).label
        if name == "pilot":
            return _("Pilot squads") if value else _("Other squads")
        if value == NONE:
            return {"squad": _("No squad"), "item": _("No item yet"), "community": NOT_VISIBLE}.get(name, "")
        if name == "item":
            item = self.items.get(value)
            return f"{item.code} {item.name}" if item else ""
        known = {"squad": self.squads, "street": self.streets, "community": self.communities}[name]()
        return known.get(value, "")


#: What a group adds to the filters, and what it is called.
Group = tuple[dict[str, Any], Message | str]


def groups(by: Grouping, names: Names, asked: ReportQuery) -> dict[Any, Group]:
    """The groups that are there whether anything is counted or not, by key, in their order."""
    if by is Grouping.SQUAD:
        return {id_: ({"squad": id_}, name) for id_, name in names.squads().items() if asked.squad in (None, id_)}
    if by is Grouping.STREET:
        return {id_: ({"street": id_}, name) for id_, name in names.streets().items() if asked.street in (None, id_)}
    if by is Grouping.PILOT:
        return {key: ({"pilot": key}, names.label("pilot", key)) for key in (1, 0) if asked.pilot in (None, key)}
    if by is Grouping.LIST:
        return {kind: ({"list": kind.value}, kind.label) for kind in ListKind if asked.list in (None, kind.value)}
    if by is Grouping.MONTH:
        months = enumerate(asked.span.months())
        return {i: ({"span": one}, one.words) for i, one in months}
    return {}


def key_of(by: Grouping, raw: Any, names: Names) -> Any:
    """The group to which a community, a list or an item belongs; None for none. Communities that one doesn't reach are
    a group of their own, ("community", NONE)."""
    if by in PLACES:
        place = names.places.get(raw)
        if place is None:
            return ("community", NONE)
        if by is Grouping.PILOT:
            return None if place.pilot is None else int(place.pilot)
        return {Grouping.SQUAD: place.squad_id, Grouping.STREET: place.street_id, Grouping.COMMUNITY: place.id}[by]
    if by is Grouping.ITEM:
        return names.items[raw].id if raw in names.items else None
    return raw


def group_of(by: Grouping, key: Any, names: Names) -> Group:
    """A group that isn't among groups()."""
    if key == ("community", NONE):
        return {"community": NONE}, names.label("community", NONE)
    if key is None:
        name, value = {Grouping.LIST: ("list", "none"), Grouping.ITEM: ("item", NONE)}.get(by, ("squad", NONE))
        return {name: value}, names.label(name, value)
    return {by.value: key}, names.label(by.value, key)
