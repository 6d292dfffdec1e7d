"""Report query: period, filters and grouping. The same filters narrow the lists behind the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, false, select
from sqlalchemy.orm import Session, aliased

from bureau.calendar.periods import Span
from bureau.checklists import items
from bureau.figures.figures import PARTS
from bureau.figures.parts.model import Part
from models import Case, ChecklistItem, Community, ListKind, Mediation, MediationSession, Squad, Street, Visit
from panel import ids
from panel.i18n import Message, _
from panel.kinds import Choices, Invalid
from panel.search.names import NOT_VISIBLE

#: Instead of an id: records without one. For a community: those outside the actor's scope.
NONE = 0
_NAME = re.compile(r"figure\.([a-z_]+)\.(\d{4}-\d\d-\d\d)\.(\d{4}-\d\d-\d\d)((?:\.[a-z]+-[a-z0-9]{1,12})*)")


class Grouping(Choices):
    """How figures are grouped."""

    WHOLE = "", _("Not broken down")
    SQUAD = "squad", _("Squad")
    STREET = "street", _("Street")
    COMMUNITY = "community", _("Community")
    LIST = "list", _("List")
    ITEM = "item", _("Checklist item")
    MONTH = "month", _("Month")
    PILOT = "pilot", _("Pilot squads and others")


#: Groupings that follow from the community.
PLACES = (Grouping.SQUAD, Grouping.STREET, Grouping.COMMUNITY, Grouping.PILOT)


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A period with filters; None stands for all, NONE for records without one. `item` is the id of any version of the
    item; `pilot` is 1 for pilot squads, 0 for the others."""

    span: Span
    squad: int | None = None
    street: int | None = None
    community: int | None = None
    list: str | None = None
    item: int | None = None
    pilot: int | None = None

    def filters(self) -> dict[str, str]:
        """The filters in force as texts for addresses."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "span"}
        return {name: str(value) for name, value in values.items() if value is not None}

    def narrowed(self, filters: Mapping[str, Any]) -> ReportQuery:
        return replace(self, **filters)

    def name_of(self, part: Part) -> str:
        """The name of the list behind a number, for its address."""
        filters = "".join(f".{name}-{value}" for name, value in self.filters().items())
        return f"figure.{part.name}.{self.span.first}.{self.span.last}{filters}"


def parse_list_name(name: str) -> tuple[Part, ReportQuery] | None:
    """Parse a name made by ReportQuery.name_of(); None for any other text."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in PARTS:
        return None
    try:
        span = Span.typed(match[2], match[3])
        texts = dict(part.split("-", 1) for part in match[4].split(".") if part)
        return PARTS[match[1]], ReportQuery(span, **filters_of(texts))
    except Invalid:
        return None


def filters_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """Parse the filters of an address. Raises Invalid for an unknown filter or value."""
    filters: dict[str, Any] = {}
    for name, value in texts.items():
        if name == "list" and (value in set(ListKind) or value == "none"):
            filters[name] = value
        elif name == "pilot" and value in ("0", "1"):
            filters[name] = int(value)
        elif name in {"squad", "street", "community", "item"} and value == str(NONE):
            filters[name] = NONE
        elif name in {"squad", "street", "community", "item"} and (id_ := ids.parse(value)) is not None:
            filters[name] = id_
        else:
            raise Invalid(_("This filter can't be read."))
    return filters


# Filters as conditions.


def narrowing(part: Part, query: ReportQuery) -> list[ColumnElement[bool]]:
    """The filters of a query as conditions on the model of a part."""
    model: Any = part.universe.model
    if model is Case:
        return about_case(Case, query)
    if model is Visit:
        # Visits have no list and no item.
        impossible = [false()] if query.list is not None or query.item is not None else []
        return [*impossible, *_about_place(Visit.community_id, query)]
    case = aliased(Case)
    conditions = about_case(case, query)
    if not conditions:
        return []
    if model is MediationSession:
        mediation = aliased(Mediation)
        # No JOIN: the scope condition in its ON clause would name the table instead of the alias.
        joined = and_(mediation.id == MediationSession.mediation_id, case.id == mediation.case_id)
        return [exists(select(mediation.id).where(joined, *conditions))]
    return [exists(select(case.id).where(case.id == model.case_id, *conditions))]


def about_case(case: Any, query: ReportQuery) -> list[ColumnElement[bool]]:
    conditions = _about_place(case.community_id, query)
    if query.list is not None:
        conditions.append(case.list_kind.is_(None) if query.list == "none" else case.list_kind == query.list)
    if query.item == NONE:
        conditions.append(case.item_id.is_(None))
    elif query.item is not None:
        conditions.append(items.same_item(query.item, case.item_id))
    return conditions


def _about_place(column: Any, query: ReportQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    communities = select(Community.id)
    if query.community == NONE:
        conditions.append(column.not_in(communities))
    elif query.community is not None:
        conditions.append(column.in_(communities.where(Community.id == query.community)))
    places = []
    if query.squad is not None:
        places.append(Community.squad_id.is_(None) if query.squad == NONE else Community.squad_id == query.squad)
    if query.street is not None:
        places.append(Community.street_id == query.street)
    if query.pilot is not None:
        places.append(Community.squad_id.in_(select(Squad.id).where(Squad.is_pilot.is_(bool(query.pilot)))))
    if places:
        conditions.append(column.in_(communities.where(*places)))
    return conditions


# Groups and their names.


class Place(NamedTuple):
    """A community with its street and squad."""

    id: int
    name: str
    street_id: int
    street: str
    squad_id: int | None
    squad: str | None
    pilot: bool | None


class Item(NamedTuple):
    """A checklist item; `id` is that of its newest version."""

    id: int
    code: str
    name: str
    list_kind: ListKind


@dataclass(slots=True)
class Names:
    """The communities in the actor's scope and the items, sorted for display."""

    places: dict[int, Place] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> Names:
        """Read them in two statements."""
        return cls(cls.of_communities(session).places, _items(session))

    @classmethod
    def of_communities(cls, session: Session) -> Names:
        """The communities alone, for figures by them, in one statement."""
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
        return cls({row.id: Place(*row) for row in session.execute(communities)})

    def squads(self) -> dict[int, str]:
        squads = {p.squad_id: p.squad or "" for p in self.places.values() if p.squad_id is not None}
        return dict(sorted(squads.items(), key=lambda pair: pair[0]))

    def streets(self) -> dict[int, str]:
        return {p.street_id: p.street for p in self.places.values()}

    def communities(self) -> dict[int, str]:
        return {p.id: p.name for p in self.places.values()}

    def newest(self) -> dict[int, Item]:
        return {item.id: item for item in self.items.values()}

    def label(self, name: str, value: Any) -> Message | str:
        """The label of a filter's value; "" for a value outside the actor's scope."""
        if name == "list":
            return _("On no list") if value == "none" else ListKind.of(value).label
        if name == "pilot":
            return _("Pilot squads") if value else _("Other squads")
        if value == NONE:
            return {"squad": _("No squad"), "item": _("No item yet"), "community": NOT_VISIBLE}.get(name, "")
        if name == "item":
            item = self.items.get(value)
            return f"{item.code} {item.name}" if item else ""
        labels = {"squad": self.squads, "street": self.streets, "community": self.communities}[name]()
        return labels.get(value, "")


def _items(session: Session) -> dict[int, Item]:
    """Each version of an item as the newest one."""
    versions = select(ChecklistItem.id, ChecklistItem.code, ChecklistItem.name, ChecklistItem.list_kind)
    versions = versions.order_by(ChecklistItem.list_kind, ChecklistItem.code, ChecklistItem.version_no.desc())
    newest: dict[str, Item] = {}
    return {row.id: newest.setdefault(row.code, Item(*row)) for row in session.execute(versions)}


#: The filters that a group adds, and its label.
Group = tuple[dict[str, Any], Message | str]


def groups(by: Grouping, names: Names, query: ReportQuery) -> dict[Any, Group]:
    """The groups that are shown even when empty, by key, in order."""
    if by is Grouping.SQUAD:
        return {id_: ({"squad": id_}, name) for id_, name in names.squads().items() if query.squad in (None, id_)}
    if by is Grouping.STREET:
        return {id_: ({"street": id_}, name) for id_, name in names.streets().items() if query.street in (None, id_)}
    if by is Grouping.PILOT:
        return {key: ({"pilot": key}, names.label("pilot", key)) for key in (1, 0) if query.pilot in (None, key)}
    if by is Grouping.LIST:
        return {kind: ({"list": kind.value}, kind.label) for kind in ListKind if query.list in (None, kind.value)}
    if by is Grouping.MONTH:
        months = enumerate(query.span.months())
        return {i: ({"span": month}, month.label) for i, month in months}
    return {}


def key_of(by: Grouping, raw: Any, names: Names) -> Any:
    """The key of the group of a community, list or item; None without a group. Communities outside the actor's scope
    form the group ("community", NONE)."""
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
    """The group of a key that isn't in groups()."""
    if key == ("community", NONE):
        return {"community": NONE}, names.label("community", NONE)
    if key is None:
        name, value = {Grouping.LIST: ("list", "none"), Grouping.ITEM: ("item", NONE)}.get(by, ("squad", NONE))
        return {name: value}, names.label(name, value)
    return {by.value: key}, names.label(by.value, key)
