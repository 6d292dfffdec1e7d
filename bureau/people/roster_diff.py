"""A roster of liaisons held against those in office, for one street or all; who left it is end-dated in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import ENDED, Case, Community, Liaison, Street
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import _, in_default_locale
from panel.imports import batches, roster_diff
from panel.imports.batches import File
from panel.imports.matching import chunks, key_of
from panel.imports.plans import Options, PlanRow
from panel.imports.roster_diff import Comparison
from panel.imports.rules import Registry
from panel.security.policy import table_of
from panel.store import bulk


@dataclass(slots=True)
class RosterDiff:
    """A comparison of one street's liaisons, or of all; `streets` are those that the file speaks of. Cases keep their
    liaison, so the open ones of those who left are named: id and number, by liaison."""

    found: Comparison
    street: int | None
    streets: set[int]
    open_cases: dict[int, list[tuple[int, str]]] = field(default_factory=dict)

    def place(self, row: PlanRow) -> str:
        """The community that a row of the file names."""
        return self.found.plan.part_of(row).text(row, "community")


def call(session: Session, file: File, registry: Registry, street: int | None = None) -> RosterDiff:
    """Compare; raises UserError for a file that can't be read as a roster."""
    made = batches.plan(session, Liaison, file, Options(), registry)
    homes = _homes(session, {row.effective("community_id") for row in made.rows})

    def inside(row: PlanRow) -> bool:
        return street is None or homes.get(row.effective("community_id")) == street

    standing = (
        select(Liaison)
        .join(Community, Community.id == Liaison.community_id)
        .where(Liaison.end_on.is_(None))
        .options(joinedload(Liaison.community).joinedload(Community.street))
        .order_by(Community.street_id, Community.name_key, Liaison.id)
    )
    if street is not None:
        standing = standing.where(Community.street_id == street)
    found = roster_diff.compare(session, made, standing, inside)
    return RosterDiff(found, street, set(homes.values()), _open_cases(session, [one.id for one in found.left]))


def _homes(session: Session, communities: Collection[object]) -> dict[int, int]:
    """The street of each community."""
    community = table_of(Community).c
    found: dict[int, int] = {}
    for some in chunks(id_ for id_ in communities if isinstance(id_, int)):
        statement = select(community.id, community.street_id).where(community.id.in_(some))
        found |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
    return found


def _open_cases(session: Session, liaisons: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """The open cases of liaisons, as far as the actor reaches them; the oldest first."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for some in chunks(liaisons):
        statement = (
            select(Case.liaison_id, Case.id, Case.case_no)
            .where(Case.liaison_id.in_(some), Case.status.not_in(ENDED))
            .order_by(Case.reported_at, Case.id)
        )
        for liaison, id_, number in session.execute(statement):
            found[liaison or 0].append((id_, number))
    return found


def street_named(session: Session, name: str) -> int:
    """The id of a street; raises UserError if none is called so."""
    for id_, called in session.execute(select(Street.id, Street.name)):
        if key_of(called) == key_of(name):
            return int(id_)
    raise UserError(_("There is no {label} “{value}”.", label=Street.__label__, value=name))


def end(session: Session, chosen: Mapping[int, int], day: date) -> int:
    """End the terms of liaisons, given by id and version, on their last day; the caller commits. Raises UserError with
    a sentence, and then nothing may be committed."""
    statement = select(Liaison).where(Liaison.id.in_(chosen)).order_by(Liaison.id)
    people = list(session.execute(statement).scalars())
    if len(people) != len(chosen) or any(one.end_on is not None or one.version != chosen[one.id] for one in people):
        raise UserError(_("Somebody changed one of these liaisons meanwhile. Nothing was written; look again."))
    for one in people:
        if day < one.start_on:
            raise UserError(
                _(
                    "{name} began on {day} only: choose a later last day. Nothing was written.",
                    name=one.name,
                    day=one.start_on,
                )
            )
    edits = [bulk.Edit(one.id, one.version, {"end_on": day}, {"end_on": None}) for one in people]
    try:
        bulk.edit(session, Liaison, edits, in_default_locale(_("Not on the roster any more")))
    except bulk.StaleRow:
        raise UserError(
            _("Somebody changed one of these liaisons meanwhile. Nothing was written; look again.")
        ) from None
    session.expire_all()
    return len(edits)
