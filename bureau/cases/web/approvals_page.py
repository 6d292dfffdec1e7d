"""The page of requests that wait for the reader's decision: extensions, suspensions and resumptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from bureau.access.roles import LEADER, OFFICE
from bureau.calendar import deadlines
from bureau.calendar.web.office import calendar
from bureau.cases import approvals, clock, workflow
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.cases.steps import STEPS, Step
from models import Case, ChangeKind, ChangeStatus, DeadlineChange
from panel import ids
from panel.base import Base, display
from panel.i18n import Message, _, labelled, n_
from panel.kinds import Day, Moment, now, tidy
from panel.search.listing import Quick
from panel.security.policy import Actor, Permission
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.lookups import visible
from panel.web.pages import Page, Words
from panel.web.views import SchemaView

#: Most requests on the page.
SHOWN = 50


@dataclass(slots=True)
class Request:
    """A pending request with the facts of its case."""

    case_id: int
    version: int
    url: str
    title: str
    kind: Words
    reason: str
    facts: list[tuple[Words, str]]


@dataclass(slots=True)
class ApprovalsPage(Page):
    requests: list[Request] = field(default_factory=list)
    #: The steps that decide a request; the page shows a button for each.
    decisions: list[Step] = field(default_factory=list)
    list_url: str = ""


class DeadlineChangeView(SchemaView):
    """Extensions, suspensions and resumptions; they are asked for and decided by steps of the case."""

    quick = {
        "mine": Quick(_("For me to decide"), approvals.decidable_by, counted=False),
        "asked": Quick(_("Approval asked"), lambda _a: DeadlineChange.status == ChangeStatus.ASKED),
        "extension": Quick(_("Extension"), lambda _a: DeadlineChange.kind == ChangeKind.EXTENSION, counted=False),
        "performance": Quick(
            _("By the day of performance"), lambda _a: DeadlineChange.kind == ChangeKind.PERFORMANCE, counted=False
        ),
        "suspension": Quick(_("Suspension"), lambda _a: DeadlineChange.kind == ChangeKind.SUSPENSION, counted=False),
        "resumption": Quick(_("Resumption"), lambda _a: DeadlineChange.kind == ChangeKind.RESUMPTION, counted=False),
    }


def may_open() -> bool:
    actor = current_actor()
    return bool({LEADER, OFFICE} & actor.roles) and current_panel().policy.may(actor, Permission.READ, DeadlineChange)


def badge(actor: Actor) -> tuple[type[Base], ColumnElement[bool]]:
    return DeadlineChange, approvals.decidable_by(actor)


def page() -> Any:
    """Show the pending requests, or take the posted decision. 403 for other roles than leader and office."""
    if not may_open():
        abort(403)
    if request.method == "POST":
        return _decide()
    statement = (
        select(DeadlineChange)
        .where(approvals.decidable_by(current_actor()))
        .order_by(DeadlineChange.asked_at, DeadlineChange.id)
        .limit(SHOWN)
        .options(joinedload(DeadlineChange.case).options(joinedload(Case.community), joinedload(Case.handler)))
    )
    requests = current_panel().session.execute(statement).unique().scalars().all()
    page = ApprovalsPage(title=_("Approvals"), list_url=url_for("deadlinechange.index_view"))
    page.sub = _("No request waits for you")
    if requests:
        page.sub = n_("{n} request waits for you", "{n} requests wait for you", len(requests))
    page.decisions = [step for step in STEPS.values() if step.decides]
    page.requests = [_request(change) for change in requests]
    return render_template("cases/approvals.html", page=page)


def _request(change: DeadlineChange) -> Request:
    case = change.case
    facts: list[tuple[Words, str]] = [
        (_("Asked by"), f"{change.asked_by} · {_moment(change.asked_at)}"),
        (_("State"), str(case.status.label)),
        (_("Handler"), display(case.handler) if case.handler is not None else ""),
        (_("Due"), _due(case)),
    ]
    if change.kind is ChangeKind.EXTENSION:
        facts.append((_("Extended by"), f"{change.days} {change.unit.label if change.unit else ''}".strip()))
    elif change.kind is ChangeKind.PERFORMANCE:
        facts.append((_("To be performed by"), Day().format(change.perform_by)))
    limit = clock.limit_of(case.item_snapshot, case.urgency)
    if change.kind in (ChangeKind.EXTENSION, ChangeKind.PERFORMANCE):
        if limit is not None and case.due_at is not None:
            due = clock.apply_change(case.due_at, _granted(change), limit, calendar())
            facts.append((_("Would be due"), _moment(due)))
    else:
        facts.append((_("Look again on"), Day().format(change.review_on)))
    place = display(case.community) if case.community is not None else ""
    return Request(
        case.id,
        case.version,
        url_for("case.details_view", id=case.id),
        " · ".join(part for part in (case.case_no, case.title or "", place) if part),
        change.kind.label,
        change.reason,
        [(label, text) for label, text in facts if text],
    )


def _granted(change: DeadlineChange) -> DeadlineChange:
    """A granted copy of the request, to calculate its deadline. It isn't stored."""
    return DeadlineChange(
        kind=change.kind,
        status=ChangeStatus.APPROVED,
        days=change.days,
        unit=change.unit,
        perform_by=change.perform_by,
    )


def _due(case: Case) -> str:
    """The deadline, and how long it is overdue."""
    overdue = str(deadlines.words(now(), case.due_at, None, calendar())) if case.due_at and case.due_at < now() else ""
    return " · ".join(part for part in (_moment(case.due_at), overdue) if part)


def _moment(value: Any) -> str:
    return Moment().format(value.replace(second=0, microsecond=0)) if value is not None else ""


def _decide() -> Any:
    """Take the posted decision as a step of the case and return to the list. The step checks the actor's right."""
    step = STEPS.get(tidy(request.form.get("decision")))
    version = ids.parse(request.form.get("version"))
    if step is None or not step.decides or version is None:
        abort(404)
    session = current_panel().session
    case: Case | None = visible("case", request.form.get("case"))
    if case is None:
        abort(404)
    number = case.case_no
    values, problems = workflow.parse(step.asks, {"opinion": request.form.get("opinion", "")})
    message: Message | None = None
    if problems:
        message = _("Say why: a refusal needs an opinion.")
    else:
        try:
            workflow.take(session, case, step.name, values, version=version)
            session.commit()
        except StepNotAllowed as refused:
            message = refused.message
        except InvalidValues as lacking:
            message = next(iter(lacking.problems.values()))
    if message is not None:
        session.rollback()
        flash(str(labelled(number, message)), "danger")
    else:
        flash(str(_("{case}: {step}", case=number, step=step.label)), "success")
    return redirect(url_for("approvals"))


ROUTES = (Route("/approvals", "approvals", page, methods=("GET", "POST"), handbook="deadlines"),)
