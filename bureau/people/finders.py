"""Look-up of communities, officers, items, liaisons and cases by the names that files use."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from sys import intern

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Case, ChecklistItem, Community, Liaison, Officer, Squad, Street
from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.imports.matching import Finder, key_of
from panel.kinds import narrow, tidy

#: Endings that people add to a community's name or leave out.
ENDINGS = ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区")


def name_without_ending(name: object) -> str:
    """The key of a community's name without its ending: equal for 烟雨, 烟雨社区 and 烟雨社区居委会."""
    key = key_of(name)
    for ending in ENDINGS:
        if key.endswith(ending) and len(key) > len(ending):
            return key.removesuffix(ending)
    return key


def aliases_of(text: str | None) -> list[str]:
    """The aliases in a community's column, which separates them by commas, semicolons or slashes."""
    return [part for part in re.split(r"[、，,;；/\n]", text or "") if part.strip()]


#: Endings that tell what a street, squad or department is, and not which.
KINDS = re.compile("(街道办事处|街道办|街道|分队|中队|大队|支队|分局|[镇乡队局所站科处办])$")
#: Parts of a name that tell neighbours apart: 一中队 and 二中队, 城东 and 城西.
TELLING = frozenset("零一二三四五六七八九十0123456789东南西北中上下新老甲乙丙丁")


class NamedFinder(Finder):
    """Streets, squads and departments by name. A missing one can be created from its name."""

    creatable = True

    def __init__(self, model: type[Base]) -> None:
        super().__init__(model)
        self._asked: dict[str, bool] = {}

    def asks(self, text: str) -> bool:
        """An unknown name is asked about if it is like a stored one: shorter, longer, of another kind or misspelt."""
        if text not in self._asked:
            stem = _stem(self.key(text))
            seen = (name for name, ids in self.names.items() if self.reach is None or set(ids) & set(self.reach))
            self._asked[text] = any(_alike(stem, _stem(name)) for name in seen)
        return self._asked[text]


def _stem(key: str) -> str:
    return KINDS.sub("", key) or key


def _alike(stem: str, other: str) -> bool:
    """Whether two names may mean the same: equal, one within the other, or one letter that is misspelt."""
    if stem == other or (min(len(stem), len(other)) > 1 and (stem in other or other in stem)):
        return True
    different = [pair for pair in zip(stem, other, strict=False) if pair[0] != pair[1]]
    return len(stem) == len(other) > 2 and len(different) == 1 and TELLING.isdisjoint(different[0])


#: Spellings of one ending, and what stands before the name of a street: 嘉兴市南湖区.
STREET_OFFICE = re.compile("街道(办事处|办)$")
DISTRICT = re.compile("^.*[市区县](?=..)")


class CommunityFinder(Finder):
    """Communities by name or alias without endings; the street distinguishes equal names."""

    addable = True

    def load(self, session: Session, texts: Collection[str]) -> None:
        self._same_streets: dict[tuple[str, str], bool] = {}
        community, street = Community.__table__.c, Street.__table__.c
        columns = (community.id, community.name, community.alias_names, street.name)
        statement = select(*columns).join(Street.__table__, street.id == community.street_id)
        # The names of a merged community are other names of the one that it was merged into.
        statement = statement.where(community.merged_into_id.is_(None))
        rows = session.execute(statement, execution_options=UNSCOPED).all()
        named = {(self.key(name), street_name) for _id, name, _aliases, street_name in rows}
        for id_, name, aliases, street_name in rows:
            self.add_name(id_, name)
            for alias in aliases_of(aliases):
                # Another community of the street may have got a name that this one had before.
                if (self.key(alias), street_name) not in named:
                    self.add_name(id_, alias)
            self.places[id_] = intern(self.place_key(street_name))

    def place_key(self, text: str) -> str:
        return STREET_OFFICE.sub("街道", key_of(text))

    def is_in(self, id_: int, place: str) -> bool:
        """A street is also meant by its name alone (鹤湖), or with the district before it (南湖区鹤湖街道)."""
        street = self.places.get(id_, "")
        if (street, place) not in self._same_streets:
            self._same_streets[street, place] = _same_street(street, self.place_key(place))
        return self._same_streets[street, place]

    def key(self, text: str) -> str:
        return name_without_ending(text)


def _same_street(street: str, stated: str) -> bool:
    if street == stated:
        return True
    kinds = {kind[0] for name in (street, stated) if (kind := KINDS.search(name))}
    return DISTRICT.sub("", _stem(street)) == DISTRICT.sub("", _stem(stated)) and len(kinds) < 2


class OfficerFinder(Finder):
    """Officers by name, badge number, or name with badge number or squad. The squad distinguishes equal names; officers
    in service take precedence."""

    addable = True

    def __init__(self, model: type[Base]) -> None:
        super().__init__(model)
        self.serving: set[int] = set()

    def load(self, session: Session, texts: Collection[str]) -> None:
        officer, squad = Officer.__table__.c, Squad.__table__.c
        statement = select(officer.id, officer.name, officer.badge_no, officer.active, squad.name).outerjoin(
            Squad.__table__, squad.id == officer.squad_id
        )
        for id_, name, badge, active, squad_name in session.execute(statement, execution_options=UNSCOPED):
            self.add_name(id_, name)
            for other_name in (
                badge,
                f"{name}({badge})" if badge else "",
                f"{name}({squad_name})" if squad_name else "",
            ):
                if other_name:
                    self.add_name(id_, other_name)
            self.places[id_] = intern(key_of(squad_name))
            if active:
                self.serving.add(id_)

    def disambiguate(self, ids: Sequence[int], place: str) -> Sequence[int]:
        ids = super().disambiguate(ids, place)
        return ([id_ for id_ in ids if id_ in self.serving] or ids) if len(ids) > 1 else ids


class ItemFinder(Finder):
    """Checklist items by code, name or both, in their newest version."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        item = ChecklistItem.__table__.c
        self.codes: dict[int, str] = {}
        self.item_names: dict[int, str] = {}
        statement = select(item.id, item.code, item.name).order_by(item.version_no.desc())
        for id_, code, name in session.execute(statement, execution_options=UNSCOPED):
            self.codes[id_], self.item_names[id_] = code, name
            for text in (code, name, f"{code} {name}"):
                self.add_name(id_, text)

    def label(self, id_: int) -> str:
        return f"{self.codes[id_]} {self.item_names[id_]}"

    def asks(self, text: str) -> bool:
        return True

    def disambiguate(self, ids: Sequence[int], place: str) -> Sequence[int]:
        ids = super().disambiguate(ids, place)
        return ids[:1] if len({self.codes[id_] for id_ in ids}) == 1 else ids


class LiaisonFinder(Finder):
    """Liaisons by name, in their latest term; the community distinguishes equal names."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        liaison, community = Liaison.__table__.c, Community.__table__.c
        self.homes: dict[int, int] = {}
        statement = (
            select(liaison.id, liaison.name, community.id, community.name)
            .join(Community.__table__, community.id == liaison.community_id)
            .order_by(liaison.end_on.is_not(None), liaison.start_on.desc())
        )
        for id_, name, community_id, community_name in session.execute(statement, execution_options=UNSCOPED):
            self.add_name(id_, name)
            self.places[id_], self.homes[id_] = name_without_ending(community_name), community_id

    def place_key(self, text: str) -> str:
        return name_without_ending(text)

    def disambiguate(self, ids: Sequence[int], place: str) -> Sequence[int]:
        ids = super().disambiguate(ids, place)
        return ids[:1] if len({self.homes[id_] for id_ in ids}) == 1 else ids


class CaseFinder(Finder):
    """Cases by number. Only the numbers in the file are read: there are too many cases to load all."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        case = Case.__table__.c
        numbers = {"".join(narrow(tidy(text)).split()).upper() for text in texts}
        for batch in chunks(numbers):
            statement = select(case.id, case.case_no).where(case.case_no.in_(batch))
            for id_, number in session.execute(statement, execution_options=UNSCOPED):
                self.add_name(id_, number)
