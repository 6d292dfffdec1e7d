"""The content of a visit's page, designed for phones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from bureau.visits import survey, visits
from bureau.visits.rota import cases_of
from models import Case, SurveyEntry, SurveyKind, Visit, VisitStatus
from panel.fields import Field, field_named, fields
from panel.i18n import Message, _
from panel.kinds import Moment, today
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission
from panel.web import forms
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Chip, Input, Page, Words
from panel.web.render import is_masked_in, text_of

#: Most survey entries offered for confirmation, the least recently verified first.
MAX_ENTRIES = 10
SUBJECT = next(f for f in fields(SurveyEntry) if f.name == "subject")

Problems = Mapping[str, Message]


@dataclass(slots=True)
class SurveyRow:
    id: int
    kind: str
    address: str
    about: str
    verified: str
    by: str = ""
    url: str = ""
    confirm_url: str = ""
    case_url: str = ""
    #: The case made from it.
    case: Cell | None = None


@dataclass(slots=True)
class VisitPage(Page):
    """The page of a visit. An act with an empty address isn't offered; `inputs` are by name."""

    facts: list[tuple[Words, Cell]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    version: int = 0
    arrive_url: str = ""
    #: The Monday is over: the form asks for the reason.
    late: bool = False
    notes_url: str = ""
    leave_url: str = ""
    notes: list[tuple[Words, str]] = field(default_factory=list)
    survey_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    verified: list[SurveyRow] = field(default_factory=list)
    waiting: list[SurveyRow] = field(default_factory=list)
    more: int = 0
    has_survey: bool = False
    case_url: str = ""
    cases: list[Cell] = field(default_factory=list)
    excuse_url: str = ""
    expect_url: str = ""
    reason: str = ""


def build(visit: Visit, typed: Mapping[str, str], problems: Problems) -> VisitPage:
    session, policy, actor = current_panel().session, current_panel().policy, current_actor()
    attends, id_ = visits.may_attend(session, visit), visit.id
    held, over = visit.status in visits.HELD, visit.planned_on < today()
    day = visit.planned_on
    visit_page = VisitPage(
        title=visit.community.name,
        sub=_("Monday, {year}-{month}-{day}", year=day.year, month=day.month, day=day.day),
        tag=status_cell(visit),
        version=visit.version,
        reason=visit.reason or "",
    )
    visit_page.facts = _facts(visit)
    visit_page.calls = _calls(visit)
    visit_page.errors = [str(message) for name, message in problems.items() if not name]
    if attends and visit.status in visits.WAITING and visit.planned_on <= today():
        visit_page.arrive_url, visit_page.late = url_for("duty_arrive", id_=id_), over
    if attends and held:
        visit_page.notes_url = url_for("duty_notes", id_=id_)
        visit_page.leave_url = url_for("duty_leave", id_=id_) if visit.left_at is None else ""
    elif held:
        visit_page.notes = [(visits.field_of(n).label, getattr(visit, n) or "—") for n in visits.NOTES]
    if visits.may_excuse(session, visit):
        visit_page.excuse_url = url_for("duty_excuse", id_=id_) if visit.status in visits.WAITING else ""
        visit_page.expect_url = url_for("duty_expect", id_=id_) if visit.status is VisitStatus.EXEMPT else ""
    visit_page.inputs = _inputs(visit, typed, problems)
    if held and policy.may(actor, Permission.READ, SurveyEntry):
        _survey(visit_page, visit, attends=attends)
    if held and attends and policy.may(actor, Permission.CREATE, Case):
        visit_page.case_url = url_for("duty_case", id_=id_)
    if policy.may(actor, Permission.READ, Case):
        found_cases = cases_of(session, [id_]).get(id_, ())
        visit_page.cases = [Cell(number, url_for("case.details_view", id=case)) for case, number in found_cases]
    if visits.may_attend(session, visit) and policy.may(actor, Permission.READ, Visit):
        visit_page.buttons = [Button(_("All details"), url_for("visit.details_view", id=id_), "list-ul")]
    return visit_page


def status_cell(visit: Visit) -> Cell:
    return Cell(str(visit.status.label), tone=visit.status.tone)


def _facts(visit: Visit) -> list[tuple[Words, Cell]]:
    def time(at: datetime | None) -> str:
        return Moment().format(at.replace(second=0, microsecond=0)) if at is not None else ""

    officer = visit.officer.name if visit.officer is not None else ""
    if not officer:
        officer = str(NOT_VISIBLE if visit.officer_id is not None else _("nobody assigned"))
    facts: list[tuple[Words, Cell]] = [
        (_("Officer"), Cell(officer)),
        (_("Liaison"), Cell(visit.liaison.name if visit.liaison is not None else "—")),
    ]
    if visit.arrived_at is not None:
        facts += [(_("Arrived"), Cell(time(visit.arrived_at))), (_("Left"), Cell(time(visit.left_at) or "—"))]
    if visit.reason:
        facts.append((_("Reason"), Cell(visit.reason)))
    return facts


def _calls(visit: Visit) -> list[tuple[str, str]]:
    """Name and number of liaison and officer, without the actor and without masked numbers."""
    calls = []
    for person in (visit.liaison, visit.officer):
        if person is None or not person.mobile or person.user_id == current_actor().user_id:
            continue
        declared = field_named(type(person), "mobile")
        if declared is not None and not is_masked_in(declared, person):
            calls.append((person.name, person.mobile))
    return calls


def _inputs(visit: Visit, typed: Mapping[str, str], problems: Problems) -> dict[str, Input]:
    declared_fields: dict[str, tuple[Field, Any]] = {n: (visits.field_of(n), getattr(visit, n)) for n in visits.NOTES}
    declared_fields |= {name: (field, None) for name, field in survey.FIELDS.items()}
    for name, model in (("place", Case), ("description", Case), ("reason", Visit), ("arrived_at", Visit)):
        declared = field_named(model, name)
        assert declared is not None
        declared_fields[name] = (declared, visit.findings if name == "description" else None)
    declared_fields["left_at"] = (visits.field_of("left_at"), None)
    declared_fields["excuse"] = (visits.field_of("reason"), None)
    inputs = {}
    for name, (declared, value) in declared_fields.items():
        input_ = forms.control(declared.kind, declared, "visit")
        input_.name, input_.label, input_.help = name, declared.label, None
        input_.value = typed.get(name, "" if value is None else declared.kind.format(value))
        input_.required = declared.required
        input_.errors = (
            [str(problems[name])] if name in problems and (name != "reason" or "excuse" not in typed) else []
        )
        inputs[name] = input_
    if "reason" in problems and "excuse" in typed:
        inputs["excuse"].errors = [str(problems["reason"])]
    inputs["reason"].required = inputs["excuse"].required = inputs["place"].required = inputs[
        "description"
    ].required = True
    inputs["left_time"] = Input("left_time", _("Left at"), "time", typed.get("left_time", ""))
    inputs["left_time"].errors = [str(problems["left_at"])] if "left_at" in problems else []
    inputs["kind"].choices = [(kind.value, str(kind.label)) for kind in SurveyKind]
    return inputs


def _survey(visit_page: VisitPage, visit: Visit, *, attends: bool) -> None:
    """Add the survey: entries verified on this visit, and entries to confirm."""
    session, policy, actor = current_panel().session, current_panel().policy, current_actor()
    writes = attends and policy.may(actor, Permission.EDIT, SurveyEntry)
    cases = writes and policy.may(actor, Permission.CREATE, Case)
    visit_page.has_survey = True
    visit_page.survey_url = url_for("duty_survey", id_=visit.id) if writes else ""
    in_community = SurveyEntry.community_id == visit.community_id
    kinds = [kind for kind in SurveyKind if kind.value == request.args.get("kind")]
    statement = select(SurveyEntry).where(in_community).options(joinedload(SurveyEntry.case))
    verified = statement.where(SurveyEntry.visit_id == visit.id).order_by(SurveyEntry.updated_at.desc())
    visit_page.verified = [_survey_row(visit, entry, cases=cases) for entry in session.execute(verified).scalars()]
    others = [in_community, SurveyEntry.visit_id.is_distinct_from(visit.id), SurveyEntry.verified_on <= today()]
    counts = dict(
        session.execute(select(SurveyEntry.kind, func.count()).where(*others).group_by(SurveyEntry.kind)).all()
    )
    if kinds:
        others.append(SurveyEntry.kind.in_(kinds))
    statement = statement.where(*others).order_by(SurveyEntry.verified_on, SurveyEntry.id).limit(MAX_ENTRIES)
    visit_page.waiting = [
        _survey_row(visit, entry, cases=cases, confirms=writes) for entry in session.execute(statement).scalars()
    ]
    total = sum(count for kind, count in counts.items() if not kinds or kind in kinds)
    visit_page.more = total - len(visit_page.waiting)

    def address(kind: SurveyKind | None) -> str:
        return url_for("duty_visit", id_=visit.id, kind=kind and kind.value, _anchor="survey")

    visit_page.chips = kind_chips(counts, kinds, address)


def kind_chips(
    counts: Mapping[SurveyKind, int], chosen: Collection[SurveyKind], address: Callable[[SurveyKind | None], str]
) -> list[Chip]:
    """A chip for all entries, and one for each kind that there is."""
    chips = [Chip(_("All"), address(None), sum(counts.values()), not chosen)]
    return chips + [
        Chip(kind.label, address(kind), counts[kind], kind in chosen) for kind in SurveyKind if counts.get(kind)
    ]


def survey_row(entry: SurveyEntry) -> SurveyRow:
    """What every page shows of an entry."""
    quantity = "" if entry.quantity is None else f"× {entry.quantity}"
    row = SurveyRow(
        entry.id,
        str(entry.kind.label),
        entry.address,
        " ".join(filter(None, (text_of(SUBJECT, entry), quantity))),
        entry.verified_on.isoformat(),
        entry.verified_by or "",
    )
    if entry.case is not None:
        row.case = Cell(entry.case.case_no, url_for("case.details_view", id=entry.case.id))
    return row


def _survey_row(visit: Visit, entry: SurveyEntry, *, cases: bool, confirms: bool = False) -> SurveyRow:
    row = survey_row(entry)
    if confirms:
        row.confirm_url = url_for("duty_confirm", id_=visit.id, row=entry.id)
    if entry.case is None and cases and entry.case_id is None:
        row.case_url = url_for("duty_row_case", id_=visit.id, row=entry.id)
    return row
