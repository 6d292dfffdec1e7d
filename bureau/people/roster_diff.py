"""Comparison of a roster with the liaisons in office, for one street or all, and ending the terms of those who left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bureau.people import holdings
from bureau.people.holdings import Share
from models import ENDED, Case, Community, Liaison, Street
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.errors import UserError
from panel.i18n import Message, _, in_default_locale
from panel.imports import batches, roster_diff
from panel.imports.batches import File
from panel.imports.matching import key_of
from panel.imports.plans import Options, PlanRow
from panel.imports.questions import About
from panel.imports.roster_diff import Comparison
from panel.imports.rules import Registry
from panel.security import watches
from panel.security.policy import table_of
from panel.store import bulk


@dataclass(slots=True)
class RosterDiff:
    """A comparison for one street (`street`, an id) or all. `streets` are the ids of the streets in the file,
    `open_cases` the open cases of those who left: pairs of id and number by liaison id."""

    comparison: Comparison
    street: int | None
    streets: set[int]
    open_cases: dict[int, list[tuple[int, str]]] = field(default_factory=dict)

    def place(self, row: PlanRow) -> str:
        """The text of the community in a row of the file."""
        return self.comparison.plan.part_of(row).text(row, "community")


def compare_roster(session: Session, file: File, registry: Registry, street: int | None = None) -> RosterDiff:
    """Compare a file with the liaisons in office. Raises UserError for a file that can't be read as a roster."""
    plan = batches.plan(session, Liaison, file, Options(), registry)
    if question := next((question for question in plan.questions if question.about is About.COLUMN), None):
        raise UserError(
            _(
                "It isn't clear what column {column} “{header}” means. Import it first: the answer is remembered.",
                column=question.column,
                header=question.header,
            )
        )
    homes = _streets_of(session, {row.effective("community_id") for row in plan.rows})

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
    comparison = roster_diff.compare(session, plan, standing, inside)
    return RosterDiff(
        comparison, street, set(homes.values()), _open_cases(session, [person.id for person in comparison.left])
    )


def endings(comparison: Comparison) -> dict[int, tuple[Message, list[Message]]]:
    """What importing the file does with the terms of liaisons, by their ids, and why that is in doubt: as the preview
    of the import lists it."""
    plan = comparison.plan
    doubts = {row.place: row.doubts for row in plan.rows if row.has("doubts")}
    return {
        ending.id: (
            _("{why} Importing the file ends this term on {day}.", why=ending.why, day=ending.until),
            doubts.get(ending.key, []),
        )
        for ending in plan.endings
        if ending.table == Liaison.__tablename__
    }


def _streets_of(session: Session, communities: Collection[object]) -> dict[int, int]:
    """The street ids of communities, by community id."""
    community = table_of(Community).c
    streets: dict[int, int] = {}
    for batch in chunks(id_ for id_ in communities if isinstance(id_, int)):
        statement = select(community.id, community.street_id).where(community.id.in_(batch))
        streets |= {row[0]: row[1] for row in session.execute(statement, execution_options=UNSCOPED)}
    return streets


def _open_cases(session: Session, liaisons: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """The open cases of liaisons within the actor's scope, the oldest first."""
    by_liaison: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for batch in chunks(liaisons):
        statement = (
            select(Case.liaison_id, Case.id, Case.case_no)
            .where(Case.liaison_id.in_(batch), Case.status.not_in(ENDED))
            .order_by(Case.reported_at, Case.id)
        )
        for liaison, id_, number in session.execute(statement):
            by_liaison[liaison or 0].append((id_, number))
    return by_liaison


def street_named(session: Session, name: str) -> int:
    """The id of a street by name. Raises UserError for an unknown name."""
    for id_, street_name in session.execute(select(Street.id, Street.name)):
        if key_of(street_name) == key_of(name):
            return int(id_)
    raise UserError(_("There is no {label} “{value}”.", label=Street.__label__, value=name))


def end(session: Session, chosen: Mapping[int, int], day: date, *, vacant: bool = False) -> int:
    """End the terms of liaisons (version by id) on a day and return how many; the caller commits. With `vacant` what
    hangs on them waits for the next liaison. Raises UserError if one of them was changed meanwhile, began later, or
    holds something without `vacant`; the caller then rolls back."""
    statement = select(Liaison).where(Liaison.id.in_(chosen)).order_by(Liaison.id)
    people = list(session.execute(statement).scalars())
    if len(people) != len(chosen) or any(
        person.end_on is not None or person.version != chosen[person.id] for person in people
    ):
        raise UserError(_("Somebody changed one of these liaisons meanwhile. Nothing was written; look again."))
    for person in people:
        if day < person.start_on:
            raise UserError(
                _(
                    "{name} began on {day} only: choose a later last day. Nothing was written.",
                    name=person.name,
                    day=person.start_on,
                )
            )
    edits = [bulk.Edit(person.id, person.version, {"end_on": day}, {"end_on": None}) for person in people]
    reason = in_default_locale(_("Not on the roster any more"))
    try:
        bulk.edit(session, Liaison, edits, reason)
        if vacant:
            held = holdings.found(session, "liaison", chosen)
            begins = day + timedelta(days=1)
            shares = [Share(one, None, begins) for all_ in held.values() for one in all_]
            holdings.give(session, "liaison", shares, reason)
        watches.check(session)
    except bulk.StaleRow:
        raise UserError(
            _("Somebody changed one of these liaisons meanwhile. Nothing was written; look again.")
        ) from None
    session.expire_all()
    return len(edits)
