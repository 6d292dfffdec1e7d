"""The fields of the report form, their parsing, and the registration of the case. One form for every role: the page of
reports and the generated form of new cases are this one."""

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
from bureau.cases.steps import report_rules
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
from panel import ids
from panel.fields import Field, field_named
from panel.i18n import _
from panel.kinds import Invalid, Text
from panel.security.creation import problems_of
from panel.security.policy import OutOfScope
from panel.store import once
from panel.store.db_errors import explain_to
from panel.store.files import CheckedFile
from panel.web.context import current_actor, current_panel
from panel.web.lookups import visible

#: Fields of the parties, by the name of their control: the role of the party and its column.
PARTIES = {
    "anonymous": (PartyRole.COMPLAINANT, "anonymous"),
    "name": (PartyRole.COMPLAINANT, "name"),
    "phone": (PartyRole.COMPLAINANT, "phone"),
    "respondent": (PartyRole.RESPONDENT, "name"),
    "respondent_phone": (PartyRole.RESPONDENT, "phone"),
}
#: Sources that an officer may choose: what they found, and what others told them themselves. Work orders of the hotline
#: come to the office, and what a visit found is reported on its page.
OFFICER_SOURCES = (Source.PATROL, Source.LIAISON, Source.RESIDENT, Source.SUPERIOR, Source.OTHER)


@dataclass(slots=True)
class ReportInput:
    """A filled report form: texts as typed, parsed values, and problems by field."""

    typed: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    photos: list[CheckedFile] = field(default_factory=list)


def form_field(name: str, **changed: Any) -> Field:
    """The field of a column of Case or CaseParty, with changes for this form."""
    model, attr = (CaseParty, PARTIES[name][1]) if name in PARTIES else (Case, name)
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
        form_field("item"),
        form_field("urgency", default=Urgency.NORMAL),
        form_field("source"),
        form_field("hotline_no"),
        form_field("anonymous", label=_("Complainant"), required=False),
        form_field("name", label=_("Complainant's name")),
        form_field("phone", label=_("Complainant's telephone")),
        form_field("respondent", label=_("Name of the person concerned")),
        form_field("respondent_phone", label=_("Telephone of the person concerned")),
        form_field(
            "reported_at",
            required=False,
            help=_("Leave it empty for now; at most {n} days ago.", n=report_rules.DAYS_BACK),
        ),
        form_field("lead_officer", help=_("Follows from the community; choose another only if somebody else leads.")),
    )
}


def is_office() -> bool:
    return OFFICE in current_actor().roles


def sources() -> list[Source]:
    """The sources that the actor may choose; the first is the default, and a single one isn't asked for."""
    if is_office():
        return [Source.RESIDENT, *(source for source in Source if source is not Source.RESIDENT)]
    return list(OFFICER_SOURCES) if OFFICER in current_actor().roles else [Source.LIAISON]


def fields() -> dict[str, Field]:
    """The fields of the actor's form: order number and lead officer are for the office."""
    hidden = set() if is_office() else {"hotline_no", "lead_officer"}
    return {name: declared for name, declared in FIELDS.items() if name not in hidden}


def communities() -> list[Community]:
    """The active communities in the actor's scope, sorted by name."""
    statement = select(Community).where(Community.status == CommunityStatus.ACTIVE).order_by(Community.name_key)
    return list(current_panel().session.execute(statement).scalars())


def register(report: ReportInput) -> Case | None:
    """Register the case with its parties and photos, and commit. None, with the reason in `report.problems`, if that is
    refused."""
    panel, actor, values = current_panel(), current_actor(), report.values
    case = Case(
        source=values["source"],
        community_id=values["community"],
        place=values["place"],
        description=values["description"],
        urgency=values["urgency"],
        item_id=values["item"],
        hotline_no=values.get("hotline_no"),
        reported_at=values["reported_at"],
        lead_officer_id=values.get("lead_officer"),
    )
    try:
        intake.register(panel.session, case, actor.user_id, actor.name)
        panel.session.add_all(CaseParty(case_id=case.id, **party) for party in _parties(values))
        photos.attach(case, AttachmentPhase.BEFORE, report.photos)
        once.fulfil(Case.__tablename__, case.id)
        panel.session.commit()
    except StepNotAllowed as error:
        panel.session.rollback()
        report.problems["photos"] = str(error.message)
        return None
    except IntegrityError as error:
        panel.session.rollback()
        name, message = explain_to(panel.session, error, Case)
        report.problems[name or ""] = str(message)
        return None
    except Invalid as error:
        panel.session.rollback()
        report.problems |= {name or "": str(message) for name, message in problems_of(error)}
        return None
    except OutOfScope as error:
        panel.session.rollback()
        report.problems["community"] = str(error.message)
        return None
    return case


def _parties(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parties of the case: the complainant, if there is one, and the person concerned."""
    parties: list[dict[str, Any]] = []
    if values["anonymous"] is False:
        parties.append({"role": PartyRole.COMPLAINANT, "name": values["name"], "phone": values["phone"]})
    elif values["anonymous"] and values["source"] in report_rules.COMPLAINTS:
        parties.append({"role": PartyRole.COMPLAINANT, "anonymous": True})
    if values["respondent"]:
        respondent = {"name": values["respondent"], "phone": values["respondent_phone"]}
        parties.append({"role": PartyRole.RESPONDENT, **respondent})
    return parties


def typed_texts(allowed: list[Community]) -> dict[str, str]:
    """The posted texts; what the actor has no choice of is filled in."""
    typed = {name: request.form.get(name, "") for name in fields()}
    typed["community"] = next(filter(None, request.form.getlist("community")), "")
    typed["urgency"] = typed["urgency"] or Urgency.NORMAL.value
    if len(allowed) == 1 and not typed["community"]:
        typed["community"] = str(allowed[0].id)
    if len(sources()) == 1 or "source" not in request.form:
        typed["source"] = sources()[0].value
    return typed


def read(allowed: list[Community]) -> ReportInput:
    """Parse the posted form by the kinds of its fields, and check it by the rules of intake. `allowed` are the
    communities that may be chosen."""
    report = ReportInput(typed_texts(allowed))
    values, problems = report.values, report.problems
    for name, declared in fields().items():
        _parse(report, name, declared)
    _parse(report, "community", COMMUNITY)
    if "community" not in problems and values["community"] not in {community.id for community in allowed}:
        problems["community"] = str(_("Choose one from the list."))
    for name, table in (("item", "checklistitem"), ("lead_officer", "officer")):
        if values.get(name) and visible(table, values[name]) is None:
            problems[name] = str(_("Choose one from the list."))
    if values["source"] not in (*sources(), None):
        problems["source"] = str(_("Choose one from the list."))
    _check_parties(report)
    _check_rules(report)
    return report


def _check_parties(report: ReportInput) -> None:
    values, problems = report.values, report.problems
    if values["anonymous"] is False:
        if not values["name"]:
            problems.setdefault("name", str(_("Enter a name, or mark the person as anonymous.")))
    else:
        for name in ("name", "phone"):
            problems.pop(name, None)
    if values["anonymous"] is None and values["source"] in report_rules.COMPLAINTS:
        problems.setdefault("anonymous", str(report_rules.NO_COMPLAINANT))
    if values["respondent_phone"] and not values["respondent"]:
        problems.setdefault("respondent", str(_("Enter the name that belongs to this telephone.")))


def _check_rules(report: ReportInput) -> None:
    """The rules of the session, already here, so that all that is wrong is shown at once."""
    values, references = report.values, ("community", "item", "lead_officer")
    row = {**values, **{f"{name}_id": values.get(name) for name in references}}
    facts = report_rules.facts_for(current_panel().session, [row])
    for name, message in report_rules.problems(facts, row):
        report.problems.setdefault(name, str(message))


def _parse(report: ReportInput, name: str, declared: Field) -> None:
    report.values[name] = None
    try:
        report.values[name] = declared.kind.parse(report.typed.get(name))
    except Invalid as problem:
        report.problems[name] = str(problem.message)
        return
    if report.values[name] is None and declared.required:
        report.problems[name] = str(_("This must be filled in."))


def community_of(typed: Mapping[str, str], allowed: list[Community]) -> int | None:
    """The chosen community, or the only one; None if none of the allowed ones is chosen."""
    chosen = ids.parse(typed.get("community"))
    if len(allowed) == 1 and chosen is None:
        return allowed[0].id
    return chosen if chosen in {community.id for community in allowed} else None
