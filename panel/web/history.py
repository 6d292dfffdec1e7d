"""What happened to a record, read back from the audit trail in the fields' own words."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select

from panel.base import UNSCOPED, Base
from panel.fields import Field, all_fields
from panel.i18n import Message, _
from panel.kinds import Moment
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.policy import SYSTEM, model_of
from panel.security.records import AuditEntry
from panel.web.context import current_panel
from panel.web.pages import Change, HistoryItem

SHOWN = 12


def of_record(record: Base) -> list[HistoryItem]:
    """The latest changes of a record, newest first, in two statements however many there are."""
    return items(entries(type(record).__tablename__, record.id), type(record))


def entries(table: str, record_id: int) -> list[AuditEntry]:
    """Whoever may read a record may read its history: the record itself was found inside their scope."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.table_name == table, AuditEntry.record_id == record_id)
        .order_by(AuditEntry.id.desc())
        .limit(SHOWN)
    )
    return list(current_panel().session.execute(statement, execution_options=UNSCOPED).scalars())


def items(found: list[AuditEntry], model: type[Base] | None) -> list[HistoryItem]:
    """Audit entries in words; `model` None looks each entry's own table up."""
    shown: list[tuple[AuditEntry, list[tuple[str, Field | None, Any, Any]]]] = []
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry in found:
        known = (
            {f.name: f for f in all_fields(model or _model(entry.table_name))}
            if model or _model(entry.table_name)
            else {}
        )
        lines = []
        for name, (before, after) in entry.changes.items():
            field = known.get(name)
            if field and field.target:
                pointed = (before, after) if field.reference else (*(before or ()), *(after or ()))
                wanted[field.target] |= {value for value in pointed if isinstance(value, int)}
            lines.append((name, field, before, after))
        shown.append((entry, lines))
    called = visible_names(current_panel().session, wanted)
    clock = Moment()
    return [
        HistoryItem(
            act=entry.action.label,
            tone=entry.action.tone,
            who=str(who(entry.actor_name)),
            at=clock.format(entry.at.replace(second=0)),
            note=entry.note,
            changes=[
                Change(field.label if field else name, _show(field, before, called), _show(field, after, called))
                for name, field, before, after in lines
            ]
            if entry.action != "create"
            else [],
        )
        for entry, lines in shown
    ]


def who(name: str) -> Message | str:
    """Who acted, in the reader's words."""
    return _("the system") if name == SYSTEM.name else name


def _model(table: str) -> Any:
    try:
        return model_of(table)
    except LookupError:
        return None


def _show(field: Field | None, value: Any, called: dict[tuple[str, int], str]) -> str:
    if value is None or value == "":
        return ""
    if field is None:
        return str(value)
    if field.reference:
        return called.get((field.reference.table, value), str(NOT_VISIBLE))
    if field.many:
        told = [called.get((field.many.table, id_), str(NOT_VISIBLE)) for id_ in value]
        return "、".join(dict.fromkeys(told))
    if isinstance(value, str) and "*" in value:
        return value
    return field.kind.show(value)
