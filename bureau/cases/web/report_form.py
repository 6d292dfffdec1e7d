"""What the short form of a report asks for, how it is read, and the case that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bureau.access.roles import OFFICE, OFFICER
from bureau.cases import intake
from bureau.cases.errors import StepNotAllowed
from bureau.cases.web import photos
from models import (
    AttachmentPhase,
    Case,
    CaseParty,
    Community,
    CommunityStatus,
    PartyRole,
    Source,
    Urgency,
)
from panel.fields import Field, field_named
from panel.i18n import _
from panel.kinds import Invalid, Text
from panel.security.policy import OutOfScope
from panel.store.db_errors import explain
from panel.store.files import CheckedFile
from panel.web.context import current_actor, current_panel
from panel.web.lookups import visible


@dataclass(slots=True)
class ReportInput:
    """What was filled in: as typed, as read, and what can't be read."""

    typed: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    photos: list[CheckedFile] = field(default_factory=list)


def asked(name: str, **changed: Any) -> Field:
    """A column of a case, as this form asks for it."""
    model, attr = (CaseParty, name) if name in ("anonymous", "name", "phone") else (Case, name)
    found = field_named(model, attr)
    assert found is not None
    values = {"kind": found.kind, "label": found.label, "name": name, "attr": name, "required": found.required}
    return Field(**{**values, **changed})


COMMUNITY = asked("community")
FIELDS = {
    one.name: one
    for one in (
        asked("place", required=True, help=_("Street and number, building, or what stands next to it.")),
        asked("description", kind=Text(2000, lines=5), help=_("What is it, since when, whom does it disturb?")),
        asked("urgency", default=Urgency.NORMAL),
        asked("source"),
        asked("anonymous", label=_("Complainant stays anonymous"), default=True),
        asked("name", label=_("Complainant's name")),
        asked("phone", label=_("Complainant's telephone")),
        asked("item"),
    )
}


def sources() -> list[Source]:
    """Where a report of this person may come from; the first is preset, and without another it isn't asked for."""
    roles = current_actor().roles
    if OFFICE in roles:
        return [Source.RESIDENT, *(source for source in Source if source is not Source.RESIDENT)]
    return [Source.PATROL] if OFFICER in roles else [Source.LIAISON]


def communities() -> list[Community]:
    """Those that the person may report from, all of them for whoever looks them up."""
    statement = select(Community).where(Community.status == CommunityStatus.ACTIVE).order_by(Community.name_key)
    return list(current_panel().session.execute(statement).scalars())


def register(given: ReportInput) -> Case | None:
    """The case and its complainant in one transaction; None when the database refuses, which is then a problem."""
    panel, actor, values = current_panel(), current_actor(), given.values
    case = Case(
        source=values["source"],
        community_id=values["community"],
        place=values["place"],
        description=values["description"],
        urgency=values["urgency"],
        item_id=values["item"],
    )
    try:
        intake.register(panel.session, case, actor.user_id, actor.name)
        if not values["anonymous"]:
            party = CaseParty(case_id=case.id, role=PartyRole.COMPLAINANT, name=values["name"], phone=values["phone"])
            panel.session.add(party)
        elif values["source"] is Source.RESIDENT:
            panel.session.add(CaseParty(case_id=case.id, role=PartyRole.COMPLAINANT, anonymous=True))
        photos.attach(case, AttachmentPhase.BEFORE, given.photos)
        panel.session.commit()
    except StepNotAllowed as refused:
        panel.session.rollback()
        given.problems["photos"] = str(refused.message)
        return None
    except IntegrityError as error:
        panel.session.rollback()
        name, message = explain(error, Case)
        given.problems[name or ""] = str(message)
        return None
    except OutOfScope as refusal:
        panel.session.rollback()
        given.problems["community"] = str(refusal.message)
        return None
    return case


def read(own: list[Community]) -> ReportInput:
    """The form, read by the kinds of its fields."""
    given = ReportInput({name: request.form.get(name, "") for name in FIELDS})
    given.typed = {**given.typed, "community": next(filter(None, request.form.getlist("community")), "")}
    if len(own) == 1:
        given.typed = {**given.typed, "community": str(own[0].id)}
    if len(sources()) == 1:
        given.typed = {**given.typed, "source": sources()[0].value}
    for name, declared in FIELDS.items():
        _parse(given, name, declared)
    _parse(given, "community", COMMUNITY)
    if "community" not in given.problems and given.values["community"] not in {one.id for one in own}:
        given.problems["community"] = str(_("Choose one from the list."))
    if given.values["item"] and visible("checklistitem", given.values["item"]) is None:
        given.problems["item"] = str(_("Choose one from the list."))
    given.values["urgency"] = given.values["urgency"] or Urgency.NORMAL
    if given.values["anonymous"]:
        for name in ("name", "phone"):
            given.problems.pop(name, None)
    elif not given.values["name"]:
        given.problems.setdefault("name", str(_("Enter a name, or mark the person as anonymous.")))
    return given


def _parse(given: ReportInput, name: str, declared: Field) -> None:
    given.values[name] = None
    try:
        given.values[name] = declared.kind.parse(given.typed.get(name))
    except Invalid as problem:
        given.problems[name] = str(problem.message)
        return
    if given.values[name] is None and declared.required and name not in ("urgency", "anonymous"):
        given.problems[name] = str(_("This must be filled in."))
