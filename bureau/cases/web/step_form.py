"""The form page of a case step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from sqlalchemy.exc import IntegrityError

from bureau.cases import approvals, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS, Relation, Step, StepForm, registry
from bureau.cases.web import case_facts, case_page, photos, step_aids
from bureau.cases.web.step_values import begins_with
from models import AttachmentPhase, Case, Referral, Satisfaction
from panel import ids
from panel.base import display
from panel.fields import Field
from panel.i18n import Message, _
from panel.security.locks import Locked, Unmet
from panel.store.db_errors import explain_to
from panel.web import forms
from panel.web.context import current_panel
from panel.web.lookups import visible
from panel.web.pages import Cell, FormPage, Group, Input

#: The group of fields without a heading of their own.
GENERAL = _("General")


def page(view: Any) -> Any:
    """Show the form of a step, or take the step. 404 for an unknown step, 403 for a step that the actor may not
    take."""
    record: Case = view.get_one(request.args.get("id"))
    step = STEPS.get(request.args.get("step", ""))
    if step is None or not step.sources:
        abort(404)
    g.handbook_section = registry.SECTIONS.get(step.name, "")
    standing = workflow.standing(current_panel().session, record)
    if step.relation is Relation.APPROVER and not standing.request_pending:
        flash(str(approvals.LAPSED), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    if not standing.may_take(step):
        abort(403)
    if request.method == "POST":
        return _take(view, record, step)
    if record.status not in step.sources:
        flash(str(workflow.conflict_message(current_panel().session, record)), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    if step.possible and (why_not := step.possible(current_panel().session, record, {})):
        flash(str(why_not), "warning")
        return redirect(url_for("case.details_view", id=record.id))
    return _show(view, record, step, _prefilled(record, step), {})


def _prefilled(record: Case, step: Step) -> dict[str, str]:
    """The initial texts of the form: from the address, else from the case, else the field's default."""
    known = begins_with(current_panel().session, record, step)
    return {
        ask.name: request.args.get(ask.name) or _typed(ask, known.get(ask.name) or _default(ask))
        for ask in (*step.asks, *_more(record, step))
    }


def _more(record: Case, step: Step) -> tuple[Field, ...]:
    """The fields that the step asks for of this case alone."""
    return step.more(current_panel().session, record) if step.more else ()


def _default(ask: Field) -> Any:
    return ask.default() if callable(ask.default) else ask.default


def _typed(ask: Field, value: Any) -> str:
    """A value as the text of its control."""
    if isinstance(value, datetime | date):
        return ask.kind.format(value)[:16].replace(" ", "T")
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(getattr(value, "value", value))


def _take(view: Any, record: Case, step: Step) -> Any:
    asks = (*step.asks, *_more(record, step))
    typed = {ask.name: request.form.get(ask.name, "") for ask in asks}
    files, file_problem = photos.received_files() if step.pictures else ([], None)
    values, problems = workflow.parse(asks, typed)
    if file_problem is not None:
        problems["photos"] = file_problem
    for ask in step.asks:
        value = values.get(ask.name)
        if ask.reference and value is not None and visible(ask.reference.table, value) is None:
            problems[ask.name] = _("Choose one from the list.")
    session, id_ = current_panel().session, record.id
    message: Message | None = None
    if not problems:
        try:
            photos.attach(record, AttachmentPhase.AFTER, files)
            workflow.take(session, record, step.name, values, version=ids.version(request.form.get("version")))
            session.commit()
        except InvalidValues as error:
            problems = error.problems
        except (StepNotAllowed, Locked, Unmet) as error:
            message = error.message
        except IntegrityError as error:
            session.rollback()
            name, message = explain_to(session, error, Referral)
            if name in typed:
                problems, message = {name: message}, None
        else:
            flash(str(_("Done: {step}", step=step.label)), "success")
            if values.get("satisfaction") == Satisfaction.UNSATISFIED:
                flash(str(case_page.UNSATISFIED), "warning")
            return redirect(_next(id_))
        session.rollback()
    if message is not None:
        flash(str(message), "danger")
    current: Case | None = visible("case", id_)
    if current is None or current.status not in step.sources or not workflow.standing(session, current).may_take(step):
        return redirect(_next(id_))
    return _show(view, view.get_one(id_), step, typed, problems), 422


def _show(view: Any, record: Case, step: Step, typed: Mapping[str, str], problems: Mapping[str, Message]) -> Any:
    page = _form(record, step, typed, problems)
    page.tag, page.sub = Cell(str(record.status.label), tone=record.status.tone), case_facts.where(record)
    page.beside = [case_facts.facts_of(view, record), case_facts.fixed_of(record)]
    return view.render("cases/step.html", page=page, aids=step_aids.add_aids(page, record, step, typed))


def _next(id_: int) -> str:
    """The address of the case; that of the list if the case has left the actor's scope."""
    if visible("case", id_) is None:
        return url_for("case.index_view")
    return url_for("case.details_view", id=id_)


def _form(record: Case, step: Step, typed: Mapping[str, str], problems: Mapping[str, Message]) -> FormPage:
    form = step.form(current_panel().session, record) if step.form else StepForm(step.asks)
    heading = form.heading or step.label
    groups: dict[Message, Group] = {}
    for ask in (*form.fields, *_more(record, step)):
        label = heading if ask.group == GENERAL else ask.group
        input_ = _input(record, step, ask, typed.get(ask.name, ""), problems.get(ask.name))
        groups.setdefault(label, Group(label)).inputs.append(input_)
    page = FormPage(
        title=f"{step.label} · {record.case_no} {record.title or ''}".rstrip(),
        groups=list(groups.values()),
        submit=step.label,
        version=record.version,
        cancel_url=url_for("case.details_view", id=record.id),
    )
    if step.pictures:
        # Not below what is asked for one choice only, such as a penalty: that group may be hidden.
        page.groups[0].inputs.append(photos.control(step.pictures, problems.get("photos")))
    page.errors = [
        (control.name, control.label, control.errors[0])
        for group in page.groups
        for control in group.inputs
        if control.errors
    ]
    return page


def _input(record: Case, step: Step, ask: Field, value: str, problem: Message | None) -> Input:
    """The control of a field; a select where the step has choices for this case, preset if there is only one."""
    if choices := step.choices.get(ask.name):
        input_ = Input(ask.name, ask.label, "select")
        input_.choices = choices(current_panel().session, record)
        if len(input_.choices) == 1:
            value = input_.choices[0][0]
    else:
        input_ = forms.control(ask.kind, ask, "case")
        if ask.reference:
            target = visible(ask.reference.table, value)
            input_.text = display(target) if target is not None else ""
            value = value if target is not None else ""
    input_.value, input_.required, input_.help = value, ask.required, ask.help
    input_.was = value
    input_.errors = [str(problem)] if problem else []
    return input_
