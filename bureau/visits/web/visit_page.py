"""The page of one visit, made for a phone: what it shows and which acts it offers."""

from __future__ import annotations

from collections.abc import Mapping
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
from panel.web.render import is_masked, text_of

#: Rows of the standing survey that the page offers to confirm; those seen longest ago come first.
SHOWN = 10
SUBJECT = next(f for f in fields(SurveyEntry) if f.name == "subject")

Problems = Mapping[str, Message]


@dataclass(slots=True)
class SurveyRow:
    id: int
    kind: str
    address: str
    about: str
    verified: str
    confirm_url: str = ""
    case_url: str = ""
    #: The case that it became.
    case: Cell | None = None


@dataclass(slots=True)
class VisitPage(Page):
    """What may be done stands in the addresses: an empty one isn't offered. `inputs` by name."""

    facts: list[tuple[Words, Cell]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    version: int = 0
    arrive_url: str = ""
    #: Asked for when a Monday is made up for: the reason, and when it was if it is written down later.
    late: bool = False
    notes_url: str = ""
    leave_url: str = ""
    said: list[tuple[Words, str]] = field(default_factory=list)
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
    shown = VisitPage(
        title=visit.community.name,
        sub=_("Monday, {year}-{month}-{day}", year=day.year, month=day.month, day=day.day),
        tag=status_cell(visit),
        version=visit.version,
        reason=visit.reason or "",
    )
    shown.facts = _facts(visit)
    shown.calls = _calls(visit)
    shown.errors = [str(message) for name, message in problems.items() if not name]
    if attends and visit.status in visits.WAITING and visit.planned_on <= today():
        shown.arrive_url, shown.late = url_for("duty_arrive", id_=id_), over
    if attends and held:
        shown.notes_url = url_for("duty_notes", id_=id_)
        shown.leave_url = url_for("duty_leave", id_=id_) if visit.left_at is None else ""
    elif held:
        shown.said = [(visits.declared(n).label, getattr(visit, n) or "—") for n in visits.NOTES]
    if visits.may_excuse(session, visit):
        shown.excuse_url = url_for("duty_excuse", id_=id_) if visit.status in visits.WAITING else ""
        shown.expect_url = url_for("duty_expect", id_=id_) if visit.status is VisitStatus.EXEMPT else ""
    shown.inputs = _inputs(visit, typed, problems)
    if held and policy.may(actor, Permission.READ, SurveyEntry):
        _survey(shown, visit, attends=attends)
    if held and attends and policy.may(actor, Permission.CREATE, Case):
        shown.case_url = url_for("duty_case", id_=id_)
    if policy.may(actor, Permission.READ, Case):
        found = cases_of(session, [id_]).get(id_, ())
        shown.cases = [Cell(number, url_for("case.details_view", id=case)) for case, number in found]
    if visits.may_attend(session, visit) and policy.may(actor, Permission.READ, Visit):
        shown.buttons = [Button(_("All details"), url_for("visit.details_view", id=id_), "list-ul")]
    return shown


def status_cell(visit: Visit) -> Cell:
    return Cell(str(visit.status.label), tone=visit.status.tone)


def _facts(visit: Visit) -> list[tuple[Words, Cell]]:
    def time(at: datetime | None) -> str:
        return Moment().format(at.replace(second=0, microsecond=0)) if at is not None else ""

    officer = visit.officer.name if visit.officer is not None else ""
    if not officer:
        officer = str(NOT_VISIBLE if visit.officer_id is not None else _("nobody assigned"))
    found: list[tuple[Words, Cell]] = [
        (_("Officer"), Cell(officer)),
        (_("Liaison"), Cell(visit.liaison.name if visit.liaison is not None else "—")),
    ]
    if visit.arrived_at is not None:
        found += [(_("Arrived"), Cell(time(visit.arrived_at))), (_("Left"), Cell(time(visit.left_at) or "—"))]
    if visit.reason:
        found.append((_("Reason"), Cell(visit.reason)))
    return found


def _calls(visit: Visit) -> list[tuple[str, str]]:
    """Whom to ring, with the number; masked numbers are none."""
    found = []
    for person in (visit.liaison, visit.officer):
        if person is None or not person.mobile or person.user_id == current_actor().user_id:
            continue
        declared = field_named(type(person), "mobile")
        if declared is not None and not is_masked(declared, type(person)):
            found.append((person.name, person.mobile))
    return found


def _inputs(visit: Visit, typed: Mapping[str, str], problems: Problems) -> dict[str, Input]:
    asked: dict[str, tuple[Field, Any]] = {n: (visits.declared(n), getattr(visit, n)) for n in visits.NOTES}
    asked |= {name: (field, None) for name, field in survey.FIELDS.items()}
    for name, model in (("place", Case), ("description", Case), ("reason", Visit), ("arrived_at", Visit)):
        declared = field_named(model, name)
        assert declared is not None
        asked[name] = (declared, visit.findings if name == "description" else None)
    asked["left_at"] = (visits.declared("left_at"), None)
    asked["excuse"] = (visits.declared("reason"), None)
    found = {}
    for name, (declared, value) in asked.items():
        made = forms.control(declared.kind, declared, "visit")
        made.name, made.label, made.help = name, declared.label, None
        made.value = typed.get(name, "" if value is None else declared.kind.format(value))
        made.required = declared.required
        made.errors = [str(problems[name])] if name in problems and (name != "reason" or "excuse" not in typed) else []
        found[name] = made
    if "reason" in problems and "excuse" in typed:
        found["excuse"].errors = [str(problems["reason"])]
    found["reason"].required = found["excuse"].required = found["place"].required = found["description"].required = True
    found["left_time"] = Input("left_time", _("Left at"), "time", typed.get("left_time", ""))
    found["left_time"].errors = [str(problems["left_at"])] if "left_at" in problems else []
    found["kind"].choices = [(kind.value, str(kind.label)) for kind in SurveyKind]
    return found


def _survey(shown: VisitPage, visit: Visit, *, attends: bool) -> None:
    """The standing survey of the community: what this visit has verified, and what waits to be confirmed."""
    session, policy, actor = current_panel().session, current_panel().policy, current_actor()
    writes = attends and policy.may(actor, Permission.EDIT, SurveyEntry)
    cases = writes and policy.may(actor, Permission.CREATE, Case)
    shown.has_survey = True
    shown.survey_url = url_for("duty_survey", id_=visit.id) if writes else ""
    here = SurveyEntry.community_id == visit.community_id
    kinds = [kind for kind in SurveyKind if kind.value == request.args.get("kind")]
    statement = select(SurveyEntry).where(here).options(joinedload(SurveyEntry.case))
    mine = statement.where(SurveyEntry.visit_id == visit.id).order_by(SurveyEntry.updated_at.desc())
    shown.verified = [_survey_row(visit, one, cases=cases) for one in session.execute(mine).scalars()]
    others = [here, SurveyEntry.visit_id.is_distinct_from(visit.id), SurveyEntry.verified_on <= today()]
    counted = dict(
        session.execute(select(SurveyEntry.kind, func.count()).where(*others).group_by(SurveyEntry.kind)).all()
    )
    if kinds:
        others.append(SurveyEntry.kind.in_(kinds))
    statement = statement.where(*others).order_by(SurveyEntry.verified_on, SurveyEntry.address).limit(SHOWN)
    shown.waiting = [
        _survey_row(visit, one, cases=cases, confirms=writes) for one in session.execute(statement).scalars()
    ]
    total = sum(count for kind, count in counted.items() if not kinds or kind in kinds)
    shown.more = total - len(shown.waiting)

    def address(kind: SurveyKind | None) -> str:
        return url_for("duty_visit", id_=visit.id, kind=kind and kind.value, _anchor="survey")

    shown.chips = [Chip(_("All"), address(None), sum(counted.values()), not kinds)]
    shown.chips += [
        Chip(kind.label, address(kind), counted[kind], kind in kinds) for kind in SurveyKind if counted.get(kind)
    ]


def _survey_row(visit: Visit, entry: SurveyEntry, *, cases: bool, confirms: bool = False) -> SurveyRow:
    quantity = "" if entry.quantity is None else f"× {entry.quantity}"
    made = SurveyRow(
        entry.id,
        str(entry.kind.label),
        entry.address,
        " ".join(filter(None, (text_of(SUBJECT, entry), quantity))),
        entry.verified_on.isoformat(),
    )
    if confirms:
        made.confirm_url = url_for("duty_confirm", id_=visit.id, row=entry.id)
    if entry.case is not None:
        made.case = Cell(entry.case.case_no, url_for("case.details_view", id=entry.case.id))
    elif cases and entry.case_id is None:
        made.case_url = url_for("duty_row_case", id_=visit.id, row=entry.id)
    return made
