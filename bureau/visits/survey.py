"""The survey of a community: one entry for each kind and address, updated on visits."""

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

#: The fields of the survey form.
ASKS = ("kind", "address", "subject", "quantity")
FIELDS: Mapping[str, Field] = {f.name: f for f in fields(SurveyEntry) if f.name in ASKS}


def note(session: Session, visit: Visit, typed: Mapping[str, str]) -> tuple[SurveyEntry, bool]:
    """Add or update the entry of a kind and address from typed texts, and return it with whether it is new. Empty texts
    leave stored values. Raises InvalidValues."""
    values = _parse(typed)
    entry = _stored(session, visit.community_id, values)
    if entry is None:
        entry = SurveyEntry(
            community_id=visit.community_id, first_on=_day(visit), verified_on=_day(visit), visit_id=visit.id, **values
        )
        try:
            with session.begin_nested():
                session.add(entry)
            return entry, True
        except IntegrityError:
            # Another transaction has added the same address.
            entry = _stored(session, visit.community_id, values)
            if entry is None:
                raise
    for name in ("subject", "quantity"):
        if values[name] is not None and not _masked(entry, name, values[name]):
            setattr(entry, name, values[name])
    confirm(session, visit, entry)
    return entry, False


def confirm(session: Session, visit: Visit, entry: SurveyEntry) -> None:
    """Mark an entry as verified on this visit; an older visit doesn't replace a newer one. Flushes."""
    day = _day(visit)
    if day >= entry.verified_on:
        entry.verified_on, entry.visit_id = day, visit.id
    entry.first_on = min(entry.first_on, day)
    session.flush()


def case_description(entry: SurveyEntry) -> str:
    """The description of a case made from an entry, without the person."""
    if entry.quantity is None:
        return in_default_locale(_("Found on a visit: {kind}.", kind=entry.kind.label))
    return in_default_locale(_("Found on a visit: {kind}, {n}.", kind=entry.kind.label, n=entry.quantity))


def _day(visit: Visit) -> date:
    """The day of the visit; today before arrival."""
    return local_day(visit.arrived_at) if visit.arrived_at is not None else today()


def _parse(typed: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for name, field in FIELDS.items():
        try:
            values[name] = field.kind.parse(typed.get(name))
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
    """Whether the typed value is the mask of the stored one, copied from the screen."""
    field, stored = FIELDS[name], getattr(entry, name)
    return field.personal is not Personal.NO and stored is not None and value == field.kind.mask(stored)
