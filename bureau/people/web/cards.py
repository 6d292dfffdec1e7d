"""The card on the page of an officer, a liaison or a community: who works there now and before, with a telephone, and
what other slices add, such as open cases and visits. It shows what the reader's lists show, in the same scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Assignment, Community, Liaison, Officer
from panel.base import Base, display
from panel.fields import field_named
from panel.i18n import Message, _, listed
from panel.kinds import today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Cell, DetailsPage, Group, Words
from panel.web.render import record_url, text_of
from schema.words import CONTACT

Fact = tuple[Words, Cell, bool]
#: What other slices say of a person or a community, by the name of the slice, in the order of their registration. The
#: number of statements of each is fixed.
SOURCES: dict[str, Callable[[Any], list[Fact]]] = {}
#: Terms that are read, and names of earlier ones that are shown.
MOST, EARLIER = 60, 6


def may_read(*models: type[Base]) -> bool:
    policy, actor = current_panel().policy, current_actor()
    return all(policy.may(actor, Permission.READ, model) for model in models)


def add(page: DetailsPage, record: Any) -> None:
    """Put the card before the other facts, and then how to reach them."""
    facts = _people(record)
    for source in SOURCES.values():
        facts += source(record)
    contact = [group for group in page.groups if str(group.label) == str(CONTACT)]
    others = [group for group in page.groups if group not in contact]
    page.groups[:] = [*([Group(_("At a glance"), facts=facts)] if facts else []), *contact, *others]


def _people(record: Any) -> list[Fact]:
    facts: list[Fact] = []
    if isinstance(record, Officer):
        terms = _assignments(Assignment.officer_id == record.id)
        facts += _now_and_before((_("Communities now"), _("Communities before")), terms, "community", with_phone=False)
        return facts
    community = record.id if isinstance(record, Community) else record.community_id
    if isinstance(record, Community):
        labels = (_("Liaison now"), _("Liaisons before"))
        facts += _now_and_before(labels, _liaisons(community), "", with_phone=True)
    terms = _assignments(Assignment.community_id == community)
    facts += _now_and_before((_("Officer now"), _("Officers before")), terms, "officer", with_phone=True)
    if isinstance(record, Liaison):
        others = [term for term in _liaisons(community) if term.id != record.id]
        began = (record.start_on, record.id)
        facts += _one(_("Predecessor"), [t for t in others if (t.start_on, t.id) < began][:1])
        facts += _one(_("Successor"), [t for t in others if (t.start_on, t.id) > began][-1:])
    return facts


def _assignments(condition: Any) -> list[Any]:
    """Assignments with both their ends, the latest first. One statement."""
    if not may_read(Assignment, Officer, Community):
        return []
    statement = (
        select(Assignment)
        .where(condition)
        .options(joinedload(Assignment.officer), joinedload(Assignment.community))
        .order_by(Assignment.start_on.desc(), Assignment.id.desc())
        .limit(MOST)
    )
    return list(current_panel().session.execute(statement).scalars())


def _liaisons(community: int) -> list[Any]:
    """The liaisons of a community, the latest first. One statement."""
    if not may_read(Liaison):
        return []
    statement = select(Liaison).where(Liaison.community_id == community)
    statement = statement.order_by(Liaison.start_on.desc(), Liaison.id.desc()).limit(MOST)
    return list(current_panel().session.execute(statement).scalars())


def _now_and_before(
    labels: tuple[Message, Message], terms: Iterable[Any], attr: str, *, with_phone: bool
) -> list[Fact]:
    """Facts of terms: those of today with their telephones, and the names of the earlier ones, none twice. `attr` leads
    from a term to whom it is of; without it the term itself is."""
    now: dict[int, Any] = {}
    before: dict[int, Any] = {}
    for term in terms:
        target = getattr(term, attr) if attr else term
        if target is None or term.start_on > today():
            continue
        (before if _is_over(term.end_on) else now).setdefault(target.id, target)
    earlier = [target for id_, target in before.items() if id_ not in now][:EARLIER]
    cell = _links(now.values())
    if with_phone:
        cell.below = [text for target in now.values() if (text := _phone(target))]
    return [(labels[0], cell, False), *([(labels[1], _links(earlier), False)] if earlier else [])]


def _is_over(end: date | None) -> bool:
    return end is not None and end < today()


def _one(label: Message, people: list[Any]) -> list[Fact]:
    return [(label, _links(people), False)] if people else []


def _links(targets: Iterable[Any]) -> Cell:
    links = [(display(target), record_url(type(target).__tablename__, target.id)) for target in targets]
    return Cell(listed(name for name, _url in links), links=links)


def _phone(person: Any) -> str:
    mobile = field_named(type(person), "mobile")
    return text_of(mobile, person) if mobile is not None else ""
