"""The fields of the report form, their parsing, and the registration of the case."""

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
    """A filled report form: texts as typed, parsed values, and problems by field."""

    typed: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    photos: list[CheckedFile] = field(default_factory=list)


def form_field(name: str, **changed: Any) -> Field:
    """The field of a column of Case or CaseParty, with changes for this form."""
    model, attr = (CaseParty, name) if name in ("anonymous", "name", "phone") else (Case, name)
    declared = field_named(model, attr)
    assert declared is not None
    values = {"kind": declared.kind, "label": declared.label, "name": name, "attr": name, "required": declared.required}
    return Field(**{**values, **changed})


COMMUNITY = form_field("community")
FIELDS = {
    declaration.name: declaration
    for declaration in (
        form_field("place", required=True, help=_("Street and number, building, or what stands next to it.")),
        form_field("description", kind=Text(2000, lines=5), help=_("What is it, since when, whom does it disturb?")),
        form_field("urgency", default=Urgency.NORMAL),
        form_field("source"),
        form_field("anonymous", label=_("Complainant stays anonymous"), default=True),
        form_field("name", label=_("Complainant's name")),
        form_field("phone", label=_("Complainant's telephone")),
        form_field("item"),
    )
}


def sources() -> list[Source]:
    """The sources that the actor may choose; the first is the default, and a single one isn't asked for."""
    roles = current_actor().roles
    if OFFICE in roles:
        return [Source.RESIDENT, *(source for source in Source if source is not Source.RESIDENT)]
    return [Source.PATROL] if OFFICER in roles else [Source.LIAISON]


def communities() -> list[Community]:
    """The active communities in the actor's scope, sorted by name."""
    statement = select(Community).where(Community.status == CommunityStatus.ACTIVE).order_by(Community.name_key)
    return list(current_panel().session.execute(statement).scalars())


def register(report: ReportInput) -> Case | None:
    """Register the case with its complainant and photos, and commit. None, with the reason in `report.problems`, if
    that is refused."""
    panel, actor, values = current_panel(), current_actor(), report.values
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
        photos.attach(case, AttachmentPhase.BEFORE, report.photos)
        panel.session.commit()
    except StepNotAllowed as error:
        panel.session.rollback()
        report.problems["photos"] = str(error.message)
        return None
    except IntegrityError as error:
        panel.session.rollback()
        name, message = explain(error, Case)
        report.problems[name or ""] = str(message)
        return None
    except OutOfScope as error:
        panel.session.rollback()
        report.problems["community"] = str(error.message)
        return None
    return case


def read(allowed: list[Community]) -> ReportInput:
    """Parse the posted form by the kinds of its fields. `allowed` are the communities that may be chosen."""
    report = ReportInput({name: request.form.get(name, "") for name in FIELDS})
    report.typed = {**report.typed, "community": next(filter(None, request.form.getlist("community")), "")}
    if len(allowed) == 1:
        report.typed = {**report.typed, "community": str(allowed[0].id)}
    if len(sources()) == 1:
        report.typed = {**report.typed, "source": sources()[0].value}
    for name, declared in FIELDS.items():
        _parse(report, name, declared)
    _parse(report, "community", COMMUNITY)
    if "community" not in report.problems and report.values["community"] not in {community.id for community in allowed}:
        report.problems["community"] = str(_("Choose one from the list."))
    if report.values["item"] and visible("checklistitem", report.values["item"]) is None:
        report.problems["item"] = str(_("Choose one from the list."))
    report.values["urgency"] = report.values["urgency"] or Urgency.NORMAL
    if report.values["anonymous"]:
        for name in ("name", "phone"):
            report.problems.pop(name, None)
    elif not report.values["name"]:
        report.problems.setdefault("name", str(_("Enter a name, or mark the person as anonymous.")))
    return report


def _parse(report: ReportInput, name: str, declared: Field) -> None:
    report.values[name] = None
    try:
        report.values[name] = declared.kind.parse(report.typed.get(name))
    except Invalid as problem:
        report.problems[name] = str(problem.message)
        return
    if report.values[name] is None and declared.required and name not in ("urgency", "anonymous"):
        report.problems[name] = str(_("This must be filled in."))
