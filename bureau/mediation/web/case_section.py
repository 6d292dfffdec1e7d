"""The section of the case page with measurements and mediations. Two statements."""

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
from panel.i18n import _, listed
from panel.kinds import Day, Level, Moment, today
from panel.security.policy import Permission
from panel.web import details
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Column, Related, Row

#: States in which a required measurement is still to be taken.
TO_MEASURE = (CaseStatus.ACCEPTED, CaseStatus.DISPATCHED, CaseStatus.HANDLING, CaseStatus.REFERRED)

#: States in which an agreement is followed up.
FOLLOW_UP_STATES = PERFORM.sources


@dataclass(slots=True)
class CaseDisputes:
    """The measurements of a case, and its mediations with the number of sessions and the time of the last one, within
    the actor's rights."""

    measurements: list[Measurement] = field(default_factory=list)
    mediations: list[tuple[Mediation, int, datetime | None]] = field(default_factory=list)
    #: Values for Step.possible, see mediation.known_facts().
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def filled(self) -> bool:
        return bool(self.measurements or self.mediations)


def load(record: Case) -> CaseDisputes:
    disputes = CaseDisputes()
    if reads(Measurement):
        disputes.measurements = _measurements(record)
        disputes.known["within"] = any(row.conclusion is Conclusion.WITHIN for row in disputes.measurements)
    if reads(Mediation):
        disputes.mediations = _mediations(record)
        agreed = [row for row, _n, _last in disputes.mediations if row.status is MediationStatus.AGREED]
        disputes.known["agreed"] = bool(agreed)
        disputes.known["promised"] = agreed[0] if agreed and agreed[0].performance is Performance.PENDING else None
    return disputes


def section(record: Case, disputes: CaseDisputes, steps: Iterable[Step]) -> Section:
    """The tables, warning and hint of the section, within the actor's rights."""
    result = Section()
    if reads(Measurement):
        result.tables.append(_measurement_table(record, disputes.measurements))
        unjudged = takewhile(lambda measurement: measurement.conclusion is None, disputes.measurements)
        result.warning = next(
            (obstacle for measurement in unjudged if (obstacle := measuring.obstacle(measurement, record.community))),
            "",
        )
        if record.status in TO_MEASURE and effects.needs_measurement(record) and not disputes.measurements:
            result.hint = _("This item is to be measured, and nothing has been measured yet.")
            if current_panel().policy.may(current_actor(), Permission.CREATE, Measurement):
                back = url_for("case.details_view", id=record.id)
                url = url_for("measurement.create_view", case=record.id, url=back)
                result.button = Button(_("Record a measurement"), url)
        if record.status is CaseStatus.HANDLING and disputes.known["within"] and not disputes.mediations:
            result.hint = _("Measured within the limit: enforcement can't settle this, mediation can.")
            result.button = _step_button(record, MEDIATE, steps)
    if reads(Mediation):
        result.tables.append(_mediation_table(record, disputes.mediations))
        latest = disputes.mediations[0][0] if disputes.mediations else None
        if latest is not None and latest.performance is Performance.PENDING and record.status in FOLLOW_UP_STATES:
            due = Day().format(latest.perform_by)
            result.hint = _(
                "An agreement was reached, to be performed by {day}. Then say whether it was kept.", day=due
            )
            result.button = _step_button(record, PERFORM, steps)
    return result


def _step_button(record: Case, step: Step, steps: Iterable[Step]) -> Button | None:
    """The button of a step; None if the step isn't among `steps`."""
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


def _measurement_table(record: Case, measurements: list[Measurement]) -> Related:
    related = Related(
        Measurement.__labels__,
        len(measurements),
        url_for("measurement.index_view", case=record.id),
        [
            Column("at", _("Time")),
            Column("point", _("Measuring point"), wide=True),
            Column("value", _("Measured, dB(A)")),
            Column("conclusion", _("Conclusion")),
            Column("officers", _("Officers")),
        ],
        [
            Row(measurement.id, url_for("measurement.details_view", id=measurement.id), _measurement_cells(measurement))
            for measurement in measurements[: details.RELATED_ROWS]
        ],
    )
    if current_panel().policy.may(current_actor(), Permission.CREATE, Measurement):
        back = url_for("case.details_view", id=record.id)
        officer = min(current_actor().ids("self"), default=None)
        related.add_url = url_for("measurement.create_view", case=record.id, officer=officer, url=back)
    return related


def _measurement_cells(measurement: Measurement) -> list[Cell]:
    limit = (
        ""
        if measurement.limit_value is None
        else str(_("limit {limit}", limit=Level().format(measurement.limit_value)))
    )
    period = str(measurement.period.label) if measurement.period else ""
    return [
        Cell(Moment().format(measurement.at.replace(second=0))),
        Cell(measurement.point),
        Cell(Level().format(measurement.value), below=[" ".join(part for part in (period, limit) if part)]),
        _conclusion(measurement),
        Cell(
            listed(officer.name for officer in (measurement.officer, measurement.second_officer) if officer is not None)
        ),
    ]


def _conclusion(measurement: Measurement) -> Cell:
    if measurement.conclusion is not None:
        return Cell(str(measurement.conclusion.label), tone=measurement.conclusion.tone)
    return Cell(str(_("Not judged")), tone="warn")


def _mediations(record: Case) -> list[tuple[Mediation, int, datetime | None]]:
    sessions = (
        select(MediationSession.mediation_id, func.count().label("n"), func.max(MediationSession.held_at).label("last"))
        .join(Mediation, Mediation.id == MediationSession.mediation_id)
        .where(Mediation.case_id == record.id)
        .group_by(MediationSession.mediation_id)
        .subquery()
    )
    statement = (
        select(Mediation, sessions.c.n, sessions.c.last)
        .outerjoin(sessions, sessions.c.mediation_id == Mediation.id)
        .where(Mediation.case_id == record.id)
        .options(joinedload(Mediation.breach_case))
        .order_by(Mediation.started_at.desc(), Mediation.id.desc())
    )
    return [(mediation, n or 0, last) for mediation, n, last in current_panel().session.execute(statement)]


def _mediation_table(record: Case, rows: list[tuple[Mediation, int, datetime | None]]) -> Related:
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
            Row(mediation.id, url_for("mediation.details_view", id=mediation.id), _mediation_cells(mediation, n, last))
            for mediation, n, last in rows[: details.RELATED_ROWS]
        ],
    )


def _mediation_cells(mediation: Mediation, sessions: int, last: datetime | None) -> list[Cell]:
    cell = performance_cell(mediation)
    if mediation.breach_case is not None:
        cell.below.append(str(_("Case {number}", number=mediation.breach_case.case_no)))
    return [
        Cell(mediation.mediation_no),
        Cell(str(mediation.kind.label)),
        Cell(str(sessions), below=[Moment().format(last.replace(second=0))] if last is not None else []),
        Cell(str(mediation.status.label), tone=mediation.status.tone),
        cell,
    ]


def performance_cell(mediation: Mediation) -> Cell:
    """The performance of the agreement; while it is pending the day of performance with a light."""
    if mediation.performance is None:
        return Cell()
    if mediation.performance is Performance.PENDING and mediation.perform_by is not None:
        light = "r" if mediation.perform_by < today() else "y" if mediation.perform_by == today() else "g"
        return Cell(str(_("by {day}", day=Day().format(mediation.perform_by))), light=light)
    day = Day().format(mediation.followed_on) if mediation.followed_on else ""
    return Cell(str(mediation.performance.label), tone=mediation.performance.tone, below=[day] if day else [])
