"""The standing survey of a community: one row for each kind and address, brought up to date visit by visit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from bureau.cases.errors import InvalidValues
from models import SurveyEntry, Visit
from panel.fields import Field, Personal, fields
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Invalid, today

#: What a row of the survey asks for.
ASKS = ("kind", "address", "subject", "quantity")
FIELDS: Mapping[str, Field] = {f.name: f for f in fields(SurveyEntry) if f.name in ASKS}


def note(session: Session, visit: Visit, given: Mapping[str, str]) -> tuple[SurveyEntry, bool]:
    """What stands at an address, as typed on a visit: a new row, or the one of that address brought up to date, where
    what is left empty stays as it was. Tells whether it is new. Lacking for what is missing or can't be read."""
    values = _parse(given)
    found = _stored(session, visit.community_id, values)
    if found is None:
        found = SurveyEntry(
            community_id=visit.community_id, first_on=_day(visit), verified_on=_day(visit), visit_id=visit.id, **values
        )
        try:
            with session.begin_nested():
                session.add(found)
            return found, True
        except IntegrityError:
            # Somebody noted the same address at the same time.
            found = _stored(session, visit.community_id, values)
            if found is None:
                raise
    for name in ("subject", "quantity"):
        if values[name] is not None and not _masked(found, name, values[name]):
            setattr(found, name, values[name])
    confirm(session, visit, found)
    return found, False


def confirm(session: Session, visit: Visit, entry: SurveyEntry) -> None:
    """It still stands so, as seen on this visit. An older visit that is written down late takes nothing back."""
    day = _day(visit)
    if day >= entry.verified_on:
        entry.verified_on, entry.visit_id = day, visit.id
    entry.first_on = min(entry.first_on, day)
    session.flush()


def described(entry: SurveyEntry) -> str:
    """What a case says that begins with a row of the survey; never who it is about."""
    if entry.quantity is None:
        return in_default_locale(_("Found on a visit: {kind}.", kind=entry.kind.label))
    return in_default_locale(_("Found on a visit: {kind}, {n}.", kind=entry.kind.label, n=entry.quantity))


def _day(visit: Visit) -> date:
    """The day on which the visit takes place."""
    return local_day(visit.arrived_at) if visit.arrived_at is not None else today()


def _parse(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for name, field in FIELDS.items():
        try:
            values[name] = field.kind.parse(given.get(name))
        except Invalid as problem:
            problems[name] = problem.message
        else:
            if field.required and values[name] is None:
                problems[name] = _("This must be filled in.")
    if problems:
        raise InvalidValues(problems)
    return values


def _stored(session: Session, community: int, values: Mapping[str, Any]) -> SurveyEntry | None:
    statement = select(SurveyEntry).where(
        SurveyEntry.community_id == community,
        SurveyEntry.kind == values["kind"],
        SurveyEntry.address == values["address"],
    )
    return session.execute(statement.with_for_update()).scalar_one_or_none()


def _masked(entry: SurveyEntry, name: str, value: Any) -> bool:
    """Whether what was typed is the mask of what is stored: then it was copied from the screen."""
    field, stored = FIELDS[name], getattr(entry, name)
    return field.personal is not Personal.NO and stored is not None and value == field.kind.mask(stored)
