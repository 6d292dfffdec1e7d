"""The survey of a community (排摸): one entry for each kind and address. The officer updates it on visits, the liaison
of the community at any time; every entry says who verified it last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local_day
from bureau.cases.errors import InvalidValues
from models import SurveyEntry, Visit
from panel.fields import Field, Personal, fields
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Invalid, today
from panel.security.hashes import hash_of
from panel.security.session import actor_of

#: The fields of the survey form.
ASKS = ("kind", "address", "subject", "quantity")
FIELDS: Mapping[str, Field] = {f.name: f for f in fields(SurveyEntry) if f.name in ASKS}


def note(session: Session, visit: Visit, typed: Mapping[str, str]) -> tuple[SurveyEntry, bool]:
    """Add or update an entry on a visit, see record()."""
    return record(session, visit.community_id, typed, _day(visit), visit)


def record(
    session: Session, community: int, typed: Mapping[str, str], day: date, visit: Visit | None = None
) -> tuple[SurveyEntry, bool]:
    """Add or update the entry of a kind and address from typed texts, and return it with whether it is new. Empty texts
    leave stored values. `community` is an id. Raises InvalidValues."""
    values = _parse(typed)
    entry = _stored(session, community, values)
    visit_id = visit.id if visit is not None else None
    if entry is None:
        entry = SurveyEntry(community_id=community, first_on=day, verified_on=day, visit_id=visit_id, **values)
        try:
            with session.begin_nested():
                session.add(entry)
            return entry, True
        except IntegrityError:
            # Another transaction has added the same address.
            entry = _stored(session, community, values)
            if entry is None:
                raise
    for name in ("subject", "quantity"):
        if values[name] is not None and not _masked(entry, name, values[name]):
            setattr(entry, name, values[name])
    verify(session, entry, day, visit)
    return entry, False


def confirm(session: Session, visit: Visit, entry: SurveyEntry) -> None:
    """Mark an entry as verified on this visit."""
    verify(session, entry, _day(visit), visit)


def verify(session: Session, entry: SurveyEntry, day: date, visit: Visit | None = None) -> None:
    """Mark an entry as verified on a day by the session's actor; an older day doesn't replace a newer one. Flushes."""
    if day >= entry.verified_on:
        entry.verified_on, entry.verified_by = day, actor_of(session).name[:80]
        entry.visit_id = visit.id if visit is not None else entry.visit_id
    entry.first_on = min(entry.first_on, day)
    session.flush()


@event.listens_for(Session, "before_flush")
def _sign(session: Session, _context: Any, _instances: Any) -> None:
    """Note who verified an entry when its day is set by another door than verify(), such as a form."""
    for entry in [*session.new, *session.dirty]:
        if isinstance(entry, SurveyEntry):
            attributes = inspect(entry).attrs
            changed = entry in session.new or attributes.verified_on.history.has_changes()
            if changed and not attributes.verified_by.history.has_changes() and not actor_of(session).system:
                entry.verified_by = actor_of(session).name[:80]


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
        SurveyEntry.address_hash == hash_of(FIELDS["address"], values["address"], session.info.get("secret", "")),
    )
    return session.execute(statement.with_for_update()).scalar_one_or_none()


def _masked(entry: SurveyEntry, name: str, value: Any) -> bool:
    """Whether the typed value is the mask of the stored one, copied from the screen."""
    field, stored = FIELDS[name], getattr(entry, name)
    return field.personal is not Personal.NO and stored is not None and value == field.kind.mask(stored)
