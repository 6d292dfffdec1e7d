"""The form of a step of a case: shown, filled in, taken or refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bureau.calendar.web import office
from bureau.cases import approvals, clock, effects, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS, Relation, Step
from bureau.cases.web import case_page, photos, step_aids
from bureau.mediation import mediation
from models import AttachmentPhase, Case, FeedbackTarget, PartyRole, Referral, Satisfaction
from panel import ids
from panel.base import display
from panel.fields import Field
from panel.i18n import Message, _
from panel.kinds import PersonName
from panel.store.db_errors import explain
from panel.web import forms
from panel.web.context import current_panel
from panel.web.lookups import visible
from panel.web.pages import FormPage, Group, Input

#: The step whose form takes pictures.
PICTURED = "handle"

#: Under no heading of its own.
GENERAL = _("General")


def page(view: Any) -> Any:
    """Show the form of a step, or take it."""
    record: Case = view.get_one(request.args.get("id"))
    step = STEPS.get(request.args.get("step", ""))
    if step is None or not step.sources:
        abort(404)
    who = workflow.standing(current_panel().session, record)
    if step.relation is Relation.APPROVER and not who.asked:
        flash(str(approvals.LAPSED), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    if not who.may_take(step):
        abort(403)
    if request.method == "POST":
        return _take(view, record, step)
    if record.status not in step.sources:
        flash(str(workflow.meanwhile(current_panel().session, record)), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    if step.possible and (why_not := step.possible(current_panel().session, record, {})):
        flash(str(why_not), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    return _show(view, record, step, _prefilled(record, step), {})


def _prefilled(record: Case, step: Step) -> dict[str, str]:
    """What the form begins with: the address's values, what is known of the case, the step's defaults."""
    known: dict[str, Any] = {"item": record.item_id, "urgency": record.urgency, "outcome": record.outcome}
    if step.name == "dispatch":
        known["handler"] = record.handler_id or record.lead_officer_id
    if step.name == "session":
        known |= {"officer": record.handler_id, "place": record.place}
        known["community_names"] = record.liaison.name if record.liaison is not None else None
    if step.name == "mediate":
        known |= _masked_parties(record)
    if step.name == "handle":
        known |= _won(record)
    return {
        ask.name: request.args.get(ask.name) or _typed(ask, known.get(ask.name) or _default(ask)) for ask in step.asks
    }


def _masked_parties(record: Case) -> dict[str, str]:
    """Whom the case knows already, masked: nobody's name is shown for the asking."""
    roles = {"party_a": PartyRole.COMPLAINANT, "party_b": PartyRole.RESPONDENT}
    session = current_panel().session
    names = {name: mediation.known_party(session, record, role) for name, role in roles.items()}
    return {name: PersonName().mask(found) for name, found in names.items() if found}


def _default(ask: Field) -> Any:
    return ask.default() if callable(ask.default) else ask.default


def _typed(ask: Field, value: Any) -> str:
    """A value as it stands in the control."""
    if isinstance(value, datetime | date):
        return ask.kind.format(value)[:16].replace(" ", "T")
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(getattr(value, "value", value))


def _won(record: Case) -> dict[str, Any]:
    """What the departments' answers have won together, where it is of one kind: parking spaces."""
    statement = select(Referral.quantity, Referral.quantity_unit).where(
        Referral.case_id == record.id, Referral.quantity.is_not(None)
    )
    found = current_panel().session.execute(statement).all()
    units = {row.quantity_unit for row in found}
    if len(units) != 1:
        return {"quantity": record.quantity, "quantity_unit": record.quantity_unit}
    return {"quantity": sum(row.quantity for row in found), "quantity_unit": units.pop()}


def _take(view: Any, record: Case, step: Step) -> Any:
    given = {ask.name: request.form.get(ask.name, "") for ask in step.asks}
    handed, unfit = photos.received() if step.name == PICTURED else ([], None)
    values, problems = workflow.parse(step, given)
    if unfit is not None:
        problems["photos"] = unfit
    for ask in step.asks:
        value = values.get(ask.name)
        if ask.reference and value is not None and visible(ask.reference.table, value) is None:
            problems[ask.name] = _("Choose one from the list.")
    session, id_ = current_panel().session, record.id
    refusal: Message | None = None
    if not problems:
        try:
            photos.keep(record, AttachmentPhase.AFTER, handed)
            workflow.take(session, record, step.name, values, version=ids.version(request.form.get("version")))
            session.commit()
        except InvalidValues as lacking:
            problems = lacking.problems
        except StepNotAllowed as refused:
            refusal = refused.message
        except IntegrityError as error:
            refusal = explain(error, Referral)[1]
        else:
            flash(str(_("Done: {step}", step=step.label)), "success")
            if values.get("satisfaction") == Satisfaction.UNSATISFIED:
                flash(str(case_page.UNSATISFIED), "warning")
            return redirect(_next(id_))
        session.rollback()
    if refusal is not None:
        flash(str(refusal), "danger")
    seen: Case | None = visible("case", id_)
    if seen is None or seen.status not in step.sources or not workflow.standing(session, seen).may_take(step):
        return redirect(_next(id_))
    return _show(view, view.get_one(id_), step, given, problems), 422


def _show(view: Any, record: Case, step: Step, given: Mapping[str, str], problems: Mapping[str, Message]) -> Any:
    page = _form(record, step, given, problems)
    return view.render("cases/step.html", page=page, aids=step_aids.dress(page, record, step, given))


def _next(id_: int) -> str:
    """The case, or the list for whom a step has taken the case out of sight."""
    if visible("case", id_) is None:
        return url_for("case.index_view")
    return url_for("case.details_view", id=id_)


def _form(record: Case, step: Step, given: Mapping[str, str], problems: Mapping[str, Message]) -> FormPage:
    heading, asks = step.label, list(step.asks)
    if step.name == "close":
        due = effects.feedback_due(current_panel().session, record)
        heading = _told(due)
        merged = effects.merged_due(current_panel().session, record)
        asks = [
            replace(ask, required=ask.name.endswith("_content"))
            for ask in asks
            if (merged if ask.name == "merged_content" else _to_tell(ask) in due)
        ]
    if step.name == "handle":
        wanted = effects.unmeasured(current_panel().session, record)
        asks = [
            replace(ask, required=True) if ask.name == "unmeasured" else ask
            for ask in asks
            if wanted or ask.name != "unmeasured"
        ]
    if step.name == "extend":
        asks[0] = replace(asks[0], help=_extension(record))
    groups: dict[Message, Group] = {}
    for ask in asks:
        label = heading if ask.group == GENERAL else ask.group
        made = _input(record, ask, given.get(ask.name, ""), problems.get(ask.name))
        groups.setdefault(label, Group(label)).inputs.append(made)
    page = FormPage(
        title=f"{step.label} · {record.case_no}",
        sub=str(_("This can't be undone.")) if step.grave else record.title or "",
        groups=list(groups.values()),
        submit=step.label,
        version=record.version,
        cancel_url=url_for("case.details_view", id=record.id),
    )
    if step.name == PICTURED:
        page.groups[-1].inputs.append(photos.control(_("Photos after handling"), problems.get("photos")))
    page.errors = [(i.name, i.label, i.errors[0]) for group in page.groups for i in group.inputs if i.errors]
    return page


def _extension(record: Case) -> Message | None:
    """By how much the deadline may be extended, in the unit of its limit."""
    limit = clock.limit_of(record.item_snapshot, record.urgency)
    if limit is None:
        return None
    most = approvals.longest(limit, office.values()["extension_share"])
    return _("{n} at most, in the unit of the limit ({unit}).", n=most, unit=limit.unit.label)


def _to_tell(ask: Field) -> FeedbackTarget:
    """Whom a value of closing is about."""
    return FeedbackTarget.LIAISON if ask.name.startswith("liaison") else FeedbackTarget.COMPLAINANT


def _told(due: set[FeedbackTarget]) -> Message:
    if len(due) > 1:
        return _("The liaison and the complainant have to be told before closing")
    if due:
        return _("The {who} has to be told before closing", who=next(iter(due)).label)
    return _("Everybody has been told")


def _input(record: Case, ask: Field, value: str, problem: Message | None) -> Input:
    """A value that a step asks for; a referral is chosen among the open ones of this case."""
    if ask.reference and ask.reference.table == "referral":
        statement = select(Referral).where(Referral.case_id == record.id, Referral.status.in_(effects.PENDING))
        found = current_panel().session.execute(statement).scalars().all()
        made = Input(ask.name, ask.label, "select")
        made.choices = [(str(one.id), f"{one.document_no or ''} {one.department.name}") for one in found]
        if len(found) == 1:
            value = str(found[0].id)
    else:
        made = forms.control(ask.kind, ask, "case")
        if ask.reference:
            target = visible(ask.reference.table, value)
            made.text = display(target) if target is not None else ""
            value = value if target is not None else ""
    made.value, made.required, made.help = value, ask.required, ask.help
    made.was = value
    made.errors = [str(problem)] if problem else []
    return made
