"""Measurements and mediations: their part of the case page, and pages of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin.base import expose
from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload

from bureau.cases import effects, workflow
from bureau.cases.steps import Step
from bureau.cases.web.sections import Section, SectionSource
from bureau.mediation import measuring
from bureau.mediation import records as mediations
from bureau.mediation.steps import END_MEDIATION, MEDIATE, PERFORM, SESSION
from bureau.mediation.web import agreement
from models import (
    Attending,
    Case,
    CaseStatus,
    Conclusion,
    Force,
    Measurement,
    Mediation,
    MediationMember,
    MediationSession,
    MediationStatus,
    Performance,
)
from panel.i18n import _
from panel.kinds import Day, Level, Moment, today
from panel.search.listing import Quick
from panel.security.policy import Permission
from panel.web import details
from panel.web.context import current_actor, current_panel
from panel.web.guards import safe_target
from panel.web.pages import Button, Cell, Change, Column, DetailsPage, HistoryItem, Related, Row
from panel.web.views import SchemaView

#: Steps of the case that the page of a mediation offers.
OFFERED = (SESSION, END_MEDIATION, PERFORM)
#: States in which a measurement that the item asks for is still to be taken.
UNMEASURED = (CaseStatus.ACCEPTED, CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED)
#: Steps that look whether an agreement was kept are taken in these states.
FOLLOWED = PERFORM.sources


# On the case page: two statements, however many there are.


@dataclass(slots=True)
class CaseDisputes:
    """What was measured and mediated in a case, as far as the reader may see it; with its sessions and the last one."""

    measurements: list[Measurement] = field(default_factory=list)
    mediations: list[tuple[Mediation, int, datetime | None]] = field(default_factory=list)
    #: What steps would otherwise ask for.
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def filled(self) -> bool:
        return bool(self.measurements or self.mediations)


def load(record: Case) -> CaseDisputes:
    found = CaseDisputes()
    if _reads(Measurement):
        found.measurements = _measurements(record)
        found.known["within"] = any(one.conclusion is Conclusion.WITHIN for one in found.measurements)
    if _reads(Mediation):
        found.mediations = _mediations(record)
        found.known["agreed"] = any(one.status is MediationStatus.AGREED for one, _n, _last in found.mediations)
    return found


def section(record: Case, found: CaseDisputes, steps: Iterable[Step]) -> Section:
    """What the case page shows of measurements and mediations, for who may read them."""
    made = Section()
    if _reads(Measurement):
        made.tables.append(_measured(record, found.measurements))
        unjudged = takewhile(lambda one: one.conclusion is None, found.measurements)
        made.warning = next((why for one in unjudged if (why := measuring.why_not(one, record.community))), "")
        if record.status in UNMEASURED and effects.needs_measurement(record) and not found.measurements:
            made.hint = _("This item is to be measured, and nothing has been measured yet.")
            if current_panel().policy.may(current_actor(), Permission.CREATE, Measurement):
                back = url_for("case.details_view", id=record.id)
                url = url_for("measurement.create_view", case=record.id, url=back)
                made.button = Button(_("Record a measurement"), url)
        if record.status is CaseStatus.HANDLING and found.known["within"] and not found.mediations:
            made.hint = _("Measured within the limit: enforcement can't settle this, mediation can.")
            made.button = _step_button(record, MEDIATE, steps)
    if _reads(Mediation):
        made.tables.append(_mediated(record, found.mediations))
        latest = found.mediations[0][0] if found.mediations else None
        if latest is not None and latest.performance is Performance.PENDING and record.status in FOLLOWED:
            due = Day().format(latest.perform_by)
            made.hint = _("An agreement was reached, to be performed by {day}. Then say whether it was kept.", day=due)
            made.button = _step_button(record, PERFORM, steps)
    return made


def _step_button(record: Case, step: Step, steps: Iterable[Step]) -> Button | None:
    """The way to a step, for whoever can take it."""
    return Button(step.label, url_for("case.step_view", id=record.id, step=step.name)) if step in steps else None


SOURCE = SectionSource(("measurement", "mediation"), load, section)


def _reads(model: Any) -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, model)


def _measurements(record: Case) -> list[Measurement]:
    statement = (
        select(Measurement)
        .where(Measurement.case_id == record.id)
        .order_by(Measurement.at.desc(), Measurement.id.desc())
        .options(joinedload(Measurement.officer), joinedload(Measurement.second_officer))
    )
    return list(current_panel().session.execute(statement).unique().scalars())


def _measured(record: Case, found: list[Measurement]) -> Related:
    made = Related(
        Measurement.__labels__,
        len(found),
        url_for("measurement.index_view", case=record.id),
        [
            Column("at", _("Time")),
            Column("point", _("Measuring point"), wide=True),
            Column("value", _("Measured, dB(A)")),
            Column("conclusion", _("Conclusion")),
            Column("officers", _("Officers")),
        ],
        [
            Row(one.id, url_for("measurement.details_view", id=one.id), _measured_cells(one))
            for one in found[: details.RELATED_ROWS]
        ],
    )
    if current_panel().policy.may(current_actor(), Permission.CREATE, Measurement):
        back = url_for("case.details_view", id=record.id)
        me = min(current_actor().ids("officer"), default=None)
        made.add_url = url_for("measurement.create_view", case=record.id, officer=me, url=back)
    return made


def _measured_cells(one: Measurement) -> list[Cell]:
    limit = "" if one.limit_value is None else str(_("limit {limit}", limit=Level().format(one.limit_value)))
    period = str(one.period.label) if one.period else ""
    return [
        Cell(Moment().format(one.at.replace(second=0))),
        Cell(one.point),
        Cell(Level().format(one.value), below=[" ".join(part for part in (period, limit) if part)]),
        _conclusion(one),
        Cell("、".join(officer.name for officer in (one.officer, one.second_officer) if officer is not None)),
    ]


def _conclusion(one: Measurement) -> Cell:
    if one.conclusion is not None:
        return Cell(str(one.conclusion.label), tone=one.conclusion.tone)
    return Cell(str(_("Not judged")), tone="warn")


def _mediations(record: Case) -> list[tuple[Mediation, int, datetime | None]]:
    held = (
        select(MediationSession.mediation_id, func.count().label("n"), func.max(MediationSession.held_at).label("last"))
        .join(Mediation, Mediation.id == MediationSession.mediation_id)
        .where(Mediation.case_id == record.id)
        .group_by(MediationSession.mediation_id)
        .subquery()
    )
    statement = (
        select(Mediation, held.c.n, held.c.last)
        .outerjoin(held, held.c.mediation_id == Mediation.id)
        .where(Mediation.case_id == record.id)
        .options(joinedload(Mediation.breach_case))
        .order_by(Mediation.started_at.desc(), Mediation.id.desc())
    )
    return [(one, n or 0, last) for one, n, last in current_panel().session.execute(statement)]


def _mediated(record: Case, rows: list[tuple[Mediation, int, datetime | None]]) -> Related:
    return Related(
        Mediation.__labels__,
        len(rows),
        url_for("mediation.index_view", case=record.id),
        [
            Column("mediation_no", _("Mediation no.")),
            Column("kind", _("Kind of dispute")),
            Column("sessions", _("Sessions")),
            Column("status", _("State")),
            Column("performance", _("Performance")),
        ],
        [
            Row(one.id, url_for("mediation.details_view", id=one.id), _mediated_cells(one, n, last))
            for one, n, last in rows[: details.RELATED_ROWS]
        ],
    )


def _mediated_cells(one: Mediation, sessions: int, last: datetime | None) -> list[Cell]:
    kept = performance(one)
    if one.breach_case is not None:
        kept.below.append(str(_("Case {number}", number=one.breach_case.case_no)))
    return [
        Cell(one.mediation_no),
        Cell(str(one.kind.label)),
        Cell(str(sessions), below=[Moment().format(last.replace(second=0))] if last is not None else []),
        Cell(str(one.status.label), tone=one.status.tone),
        kept,
    ]


def performance(one: Mediation) -> Cell:
    """Whether the agreement was kept; until that is known, by when it is to be performed, as a light."""
    if one.performance is None:
        return Cell()
    if one.performance is Performance.PENDING and one.perform_by is not None:
        light = "r" if one.perform_by < today() else "y" if one.perform_by == today() else "g"
        return Cell(str(_("by {day}", day=Day().format(one.perform_by))), light=light)
    told = Day().format(one.followed_on) if one.followed_on else ""
    return Cell(str(one.performance.label), tone=one.performance.tone, below=[told] if told else [])


# Pages of their own.


class MeasurementView(SchemaView):
    """Measurements. What couldn't be judged says why, and can be judged later."""

    add_label = _("Record a measurement")
    quick = {
        "open": Quick(_("Not judged"), lambda _a: Measurement.conclusion.is_(None)),
        "over": Quick(_("Over the limit"), lambda _a: Measurement.conclusion == Conclusion.OVER, counted=False),
    }

    def on_save(self, record: Any, *, is_created: bool) -> None:
        session = current_panel().session
        session.flush()
        if why_not := measuring.hindrance(session, record):
            flash(str(_("Kept without a conclusion.")) + " " + str(why_not), "warning")

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        if record.conclusion is None:
            page.sub = str(measuring.hindrance(current_panel().session, record) or page.sub)
            if self.may_change(record):
                url = self.get_url(".judge_view")
                again = Button(_("Judge now"), url, "gavel", post=True, values={"id": str(record.id)})
                page.buttons.insert(0, again)
        return page

    @expose("/judge/", methods=("POST",))
    def judge_view(self) -> Any:
        """Judge what couldn't be judged when it was written down."""
        self.require(Permission.EDIT)
        record = self.get_one(request.form.get("id"))
        if not self.may_change(record):
            abort(403)
        session = current_panel().session
        why_not = measuring.hindrance(session, record)
        if why_not is None and record.conclusion is None:
            measuring.judge(session, record)
            session.commit()
            conclusion = record.conclusion
            flash(str(_("Judged: {words}", words=conclusion.label if conclusion else "")), "success")
        elif why_not is not None:
            flash(str(why_not), "warning")
        return redirect(safe_target(request.form.get("url")) or self.get_url(".details_view", id=record.id))


@dataclass(slots=True)
class MediationPage(DetailsPage):
    """A mediation with its sessions, the newest first."""

    sessions: list[HistoryItem] = field(default_factory=list)


class MediationView(SchemaView):
    """Mediations; they begin, go on and end by steps of the case."""

    quick = {
        "running": Quick(_("In mediation"), lambda _a: Mediation.status == MediationStatus.RUNNING),
        "due": Quick(
            _("To follow up"),
            lambda _a: and_(Mediation.performance == Performance.PENDING, Mediation.perform_by <= today()),
        ),
        "breached": Quick(_("Breached"), lambda _a: Mediation.performance == Performance.BREACHED, counted=False),
    }
    cells = {"performance": performance}

    @expose("/details/")
    def details_view(self) -> Any:
        return self._shown(self.get_one(request.args.get("id")))

    def shown_clear(self, record: Any) -> Any:
        """After a reveal: the agreement to print, where that was asked for, else the page."""
        if request.args.get("as") == "agreement" and record.status is MediationStatus.AGREED:
            return agreement.render(record, clear=True)
        return self._shown(record)

    def _shown(self, record: Any) -> Any:
        return self.render("mediation/mediation.html", page=self.details_page(record))

    def details_page(self, record: Any) -> DetailsPage:
        plain = details.build(self, record, without=("mediationsession",))
        page = MediationPage(
            title=plain.title,
            sub=plain.sub,
            tag=plain.tag,
            groups=[group for group in plain.groups if any(cell.text for _label, cell, _wide in group.facts)],
            related=plain.related,
            history=plain.history,
            sessions=_timeline(record),
        )
        if record.status is MediationStatus.AGREED:
            url = self.get_url(".agreement_view", id=record.id)
            page.buttons.append(Button(_("Print the agreement"), url, "print"))
        for button in plain.buttons:
            button.primary = False
            page.buttons.append(button)
        if record.case is not None:
            page.buttons += _acts(record)
        return page

    @expose("/agreement/")
    def agreement_view(self) -> Any:
        record = self.get_one(request.args.get("id"))
        if record.status is not MediationStatus.AGREED:
            abort(404)
        clear = self.get_url(".reveal_view", **{"id": record.id, "as": "agreement"}) if self.can_reveal else ""
        return agreement.render(record, clear=False, clear_url=clear)


def _acts(record: Mediation) -> list[Button]:
    """What one can do with the mediation now; only the latest of a case is acted on."""
    found = []
    for step in workflow.available(current_panel().session, record.case):
        wanted = MediationStatus.AGREED if step is PERFORM else MediationStatus.RUNNING
        if step in OFFERED and record.status is wanted:
            url = url_for("case.step_view", id=record.case_id, step=step.name)
            usual = step is SESSION or record.performance is Performance.PENDING
            found.append(Button(step.label, url, primary=usual))
    return sorted(found, key=lambda button: button.primary)


def _timeline(record: Mediation) -> list[HistoryItem]:
    items = []
    found = mediations.sittings(current_panel().session, [record.id], members=_reads(MediationMember))
    for held, members in reversed(found[record.id]):
        facts = [Change(_("Place"), "", held.place or ""), Change(_("Chaired by"), "", held.chair or "")]
        by_force = [
            Change(force.label, "", "、".join(member.name for member in members if member.force is force))
            for force in Force
        ]
        items.append(
            HistoryItem(
                act=str(_("Session {n}: {who}", n=held.session_no, who=held.attending.label)),
                tone="brand" if held.attending is Attending.BOTH else "",
                who="",
                at=Moment().format(held.held_at.replace(second=0)),
                note=held.minutes,
                changes=[change for change in (*facts, *by_force) if change.after],
            )
        )
    return items
