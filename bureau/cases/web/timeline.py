"""The timeline of a case: its steps, and the edits of the case and its records between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, cast, literal, or_, select

from bureau.cases.steps import STEPS
from models import (
    ENDED,
    Action,
    Attachment,
    Case,
    CaseEvent,
    CaseParty,
    Feedback,
    Measurement,
    Mediation,
    MediationSession,
    Referral,
    StepName,
)
from panel.base import UNSCOPED, Base
from panel.fields import Field
from panel.i18n import _
from panel.kinds import Moment
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.policy import Permission, model_of
from panel.security.records import AuditAction, AuditEntry
from panel.web import history
from panel.web.context import current_actor, current_panel
from panel.web.pages import Change, HistoryItem
from panel.web.rows import taking_back

#: The newest edits that are shown.
MOST_EDITS = 100
#: The tables whose edits are shown.
_TABLES: tuple[type[Base], ...] = (
    Case,
    CaseParty,
    Action,
    Referral,
    Feedback,
    Measurement,
    Mediation,
    MediationSession,
    Attachment,
)


def build(record: Case, events: list[CaseEvent]) -> list[HistoryItem]:
    """The steps and edits of a case as history items, the newest first."""
    steps, edits = of_steps(events), _edits(record)
    if not edits:
        return steps
    dated = [(event.at, item) for event, item in zip(reversed(events), steps, strict=True)]
    dated += zip((entry.at for entry in edits), _edit_items(edits, ended=record.status in ENDED), strict=True)
    return [item for _at, item in sorted(dated, key=lambda pair: pair[0], reverse=True)]


def of_steps(events: list[CaseEvent]) -> list[HistoryItem]:
    """The steps of a case as history items, the newest first."""
    names = _names(events)
    return [
        HistoryItem(
            act=StepName(20).format(event.step),
            tone=_tone(event),
            who=event.actor_name,
            at=Moment().format(event.at.replace(second=0)),
            note=event.opinion or "",
            changes=[
                *(
                    Change(ask.label, _previous(ask, event, names), _words(ask, value, names))
                    for ask, value in _step_values(event)
                ),
                *_moved_deadline(event),
            ],
        )
        for event in reversed(events)
    ]


def _edits(record: Case) -> list[AuditEntry]:
    """The changes of a case and its records by hand and by imports. Of those that are part of a step only what its
    event doesn't keep, such as personal data; they stand masked in the audit trail.

    Unscoped: the actor may read the case. Tables that they may not read are left out."""
    panel, actor = current_panel(), current_actor()
    readable = [m for m in _TABLES if panel.policy.may(actor, Permission.READ, m)]
    mediations = select(literal("mediation:") + cast(Mediation.id, String)).where(Mediation.case_id == record.id)
    statement = (
        select(AuditEntry)
        .where(
            or_(AuditEntry.about == f"case:{record.id}", AuditEntry.about.in_(mediations)),
            AuditEntry.table_name.in_([model.__tablename__ for model in readable]),
            or_(
                AuditEntry.cause.is_(None),
                and_(AuditEntry.table_name == CaseParty.__tablename__, AuditEntry.action == AuditAction.EDIT),
            ),
            or_(AuditEntry.table_name != Case.__tablename__, AuditEntry.action != AuditAction.CREATE),
            AuditEntry.action.in_((AuditAction.CREATE, AuditAction.EDIT, AuditAction.DELETE)),
        )
        .order_by(AuditEntry.id.desc())
        .limit(MOST_EDITS)
    )
    return list(panel.session.execute(statement, execution_options=UNSCOPED).scalars())


def _edit_items(edits: list[AuditEntry], *, ended: bool) -> list[HistoryItem]:
    """Edits as history items, each with the name of its table. Those of an ended case stay."""
    items = history.items(edits, None, None if ended else taking_back.way)
    for entry, item in zip(edits, items, strict=True):
        label = model_of(entry.table_name).__label__
        item.act = _("{act}: {label}", act=item.act, label=label)
    return items


def _tone(event: CaseEvent) -> str:
    step = STEPS.get(event.step)
    if step is not None and step.tone is not None:
        return step.tone
    return "brand" if event.from_status is not event.to_status else ""


def _step_values(event: CaseEvent) -> Iterator[tuple[Field, Any]]:
    """The values entered with a step, except its opinion."""
    step = STEPS.get(event.step)
    for ask in step.asks if step else ():
        if (value := event.payload.get(ask.name)) is not None:
            yield ask, value


def _previous(ask: Field, event: CaseEvent, names: Mapping[tuple[str, Any], str]) -> str:
    """The value that the step replaced, such as the item before; "" where the event keeps none."""
    before = event.payload.get(f"{ask.name}_before")
    return "" if before is None else _words(ask, before, names)


def _moved_deadline(event: CaseEvent) -> Iterator[Change]:
    """The deadline before and after a step that moved it."""
    moments = [event.payload.get(f"due_{when}") for when in ("before", "after")]
    if all(isinstance(moment, str) for moment in moments):
        before, after = (
            Moment().format(datetime.fromisoformat(str(moment)).replace(second=0, microsecond=0)) for moment in moments
        )
        yield Change(_("Due"), before, after)


def _names(events: list[CaseEvent]) -> Mapping[tuple[str, Any], str]:
    """The names of the records that the steps refer to, by table and id. One statement for each table."""
    ids: dict[str, set[int]] = defaultdict(set)
    for event in events:
        for ask, value in _step_values(event):
            for id_ in (value, event.payload.get(f"{ask.name}_before")):
                if ask.reference and isinstance(id_, int):
                    ids[ask.reference.table].add(id_)
    return visible_names(current_panel().session, ids)


def _words(ask: Field, value: Any, names: Mapping[tuple[str, Any], str]) -> str:
    if ask.reference:
        return names.get((ask.reference.table, value), str(NOT_VISIBLE))
    return ask.kind.show(value)
