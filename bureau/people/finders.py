"""How people call communities, officers, items, liaisons and cases in a file. The rules are those of "Keys, labels and
required columns" in docs/domain.md."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from sys import intern

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Case, ChecklistItem, Community, Liaison, Officer, Squad, Street
from panel.base import UNSCOPED, Base
from panel.imports.matching import Finder, chunks, key_of
from panel.kinds import narrow, tidy

#: Endings that people add to a community's name or leave out.
ENDINGS = ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区")


def stripped(name: object) -> str:
    """A community's name without its ending: 烟雨, 烟雨社区 and 烟雨社区居委会 are one."""
    key = key_of(name)
    for ending in ENDINGS:
        if key.endswith(ending) and len(key) > len(ending):
            return key.removesuffix(ending)
    return key


def aliases_of(text: str | None) -> list[str]:
    """The other names of a community, as they are declared on it."""
    return [part for part in re.split(r"[、，,;；/\n]", text or "") if part.strip()]


class NamedFinder(Finder):
    """Streets, squads and departments: known by their name, and may be added from it."""

    creatable = True


class CommunityFinder(Finder):
    """Communities by name or alias, endings apart; the street tells two of one name apart."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        community, street = Community.__table__.c, Street.__table__.c
        statement = select(community.id, community.name, community.alias_names, street.name).join(
            Street.__table__, street.id == community.street_id
        )
        for id_, name, aliases, place in session.execute(statement, execution_options=UNSCOPED):
            self.add_name(id_, name)
            for alias in aliases_of(aliases):
                self.add_name(id_, alias)
            self.places[id_] = intern(key_of(place))

    def key(self, text: str) -> str:
        return stripped(text)


class OfficerFinder(Finder):
    """Officers by name, badge number, or both where a name is held by two; the squad tells them apart as well, and who
    is in service goes before who isn't."""

    def __init__(self, model: type[Base]) -> None:
        super().__init__(model)
        self.serving: set[int] = set()

    def load(self, session: Session, texts: Collection[str]) -> None:
        officer, squad = Officer.__table__.c, Squad.__table__.c
        statement = select(officer.id, officer.name, officer.badge_no, officer.active, squad.name).outerjoin(
            Squad.__table__, squad.id == officer.squad_id
        )
        for id_, name, badge, active, place in session.execute(statement, execution_options=UNSCOPED):
            self.add_name(id_, name)
            for more in (badge, f"{name}({badge})" if badge else "", f"{name}({place})" if place else ""):
                if more:
                    self.add_name(id_, more)
            self.places[id_] = intern(key_of(place))
            if active:
                self.serving.add(id_)

    def disambiguate(self, found: Sequence[int], place: str) -> Sequence[int]:
        found = super().disambiguate(found, place)
        return ([id_ for id_ in found if id_ in self.serving] or found) if len(found) > 1 else found


class ItemFinder(Finder):
    """Checklist items by code, name or both; of several versions the newest."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        item = ChecklistItem.__table__.c
        self.codes: dict[int, str] = {}
        statement = select(item.id, item.code, item.name).order_by(item.version_no.desc())
        for id_, code, name in session.execute(statement, execution_options=UNSCOPED):
            self.codes[id_] = code
            for text in (code, name, f"{code} {name}"):
                self.add_name(id_, text)

    def disambiguate(self, found: Sequence[int], place: str) -> Sequence[int]:
        found = super().disambiguate(found, place)
        return found[:1] if len({self.codes[id_] for id_ in found}) == 1 else found


class LiaisonFinder(Finder):
    """Liaisons by name; the community tells two of one name apart, and of one person's terms the latest is meant."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        liaison, community = Liaison.__table__.c, Community.__table__.c
        self.homes: dict[int, int] = {}
        statement = (
            select(liaison.id, liaison.name, community.id, community.name)
            .join(Community.__table__, community.id == liaison.community_id)
            .order_by(liaison.end_on.is_not(None), liaison.start_on.desc())
        )
        for id_, name, home, place in session.execute(statement, execution_options=UNSCOPED):
            self.add_name(id_, name)
            self.places[id_], self.homes[id_] = stripped(place), home

    def place_key(self, text: str) -> str:
        return stripped(text)

    def disambiguate(self, found: Sequence[int], place: str) -> Sequence[int]:
        found = super().disambiguate(found, place)
        return found[:1] if len({self.homes[id_] for id_ in found}) == 1 else found


class CaseFinder(Finder):
    """Cases by number; there are too many to read them all."""

    def load(self, session: Session, texts: Collection[str]) -> None:
        case = Case.__table__.c
        numbers = {"".join(narrow(tidy(text)).split()).upper() for text in texts}
        for some in chunks(numbers):
            statement = select(case.id, case.case_no).where(case.case_no.in_(some))
            for id_, number in session.execute(statement, execution_options=UNSCOPED):
                self.add_name(id_, number)
