"""Measurements and mediations on the case page. Two statements, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from bureau.cases import effects
from bureau.cases.steps import Step
from bureau.cases.web.sections import Section, SectionSource
from bureau.mediation import measuring
from bureau.mediation.steps import MEDIATE, PERFORM
from models import (
    Case,
    CaseStatus,
    Conclusion,
    Measurement,
    Mediation,
    MediationSession,
    MediationStatus,
    Performance,
)
from panel.i18n import _
from panel.kinds import Day, Level, Moment, today
from panel.security.policy import Permission
from panel.web import details
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Column, Related, Row

#: States in which a measurement that the item asks for is still to be taken.
UNMEASURED = (CaseStatus.ACCEPTED, CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED)

#: Steps that look whether an agreement was kept are taken in these states.
FOLLOWED = PERFORM.sources


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
    if reads(Measurement):
        found.measurements = _measurements(record)
        found.known["within"] = any(one.conclusion is Conclusion.WITHIN for one in found.measurements)
    if reads(Mediation):
        found.mediations = _mediations(record)
        found.known["agreed"] = any(one.status is MediationStatus.AGREED for one, _n, _last in found.mediations)
    return found


def section(record: Case, found: CaseDisputes, steps: Iterable[Step]) -> Section:
    """What the case page shows of measurements and mediations, for who may read them."""
    made = Section()
    if reads(Measurement):
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
    if reads(Mediation):
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


def reads(model: Any) -> bool:
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
