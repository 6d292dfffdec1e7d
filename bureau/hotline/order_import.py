"""Import of the hotline's work orders. Each new order makes a case, reported now by 12345; an order that is known makes
none. A case that somebody registered by hand with the number of the order is taken as its case."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.cases import complainants, import_undo
from bureau.cases.case_import import CaseRules
from models import ENDED, Case, CaseEvent, CaseStatus, HotlineOrder, Source, Urgency
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.fields import Field
from panel.i18n import Message, _, in_default_locale, listed
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import PersonColumn, Rules
from panel.kinds import Choice, Invalid, Kind, now, tidy
from panel.security.policy import table_of
from panel.store import bulk

URGENCY, STATE = "urgency", "state"
LABELS: Mapping[str, Sequence[str | Message]] = {
    URGENCY: ("紧急程度", "缓急程度", "紧急情况", "是否紧急", _("Urgency")),
    STATE: ("工单状态", "办理状态", "工单处理状态", "派单类型", "备注", _("State of the order")),
}
#: What stands for a caller, and for a place, that an order doesn't tell.
ANONYMOUS = {"anonymous": True}
NO_PLACE = _("Place not told")
#: Columns that a file may lack.
OPTIONAL = ("kind", "title", "place", "called_at", "sign_by", "reply_by", "signed_at")
#: Words for an order that the hotline sends back because it isn't content with the answer.
SENT_BACK = re.compile("发回|重办|退回重|二次派|重新办理|返工")
#: Keys of PlanRow.extra: the row as a new case, and the id of a case that is there already.
AS_CASE, KNOWN_CASE = "as_case", "known_case"


class OrderRules(Rules):
    """An order's case is registered as on the report page: number, first event, liaison and lead officer."""

    removal = _("Removed; its case is voided and keeps its number")
    histories = frozenset({CaseEvent.__tablename__})

    def extra_columns(self) -> Mapping[str, Sequence[str | Message]]:
        return {**complainants.LABELS, **LABELS}

    def extra_kinds(self) -> Mapping[str, Kind]:
        return complainants.KINDS

    def people(self) -> Mapping[str, PersonColumn]:
        return {complainants.NAME: PersonColumn(phones=(complainants.PHONE,))}

    def required(self) -> list[Field]:
        return [f for f in super().required() if f.name not in ("case", "sent_at")]

    def defaults(self, row: PlanRow) -> None:
        row.values.setdefault("sent_at", now().replace(second=0, microsecond=0))
        row.values["returns"] = 0

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            _check_times(plan, row)
            if row.id is not None and "case_id" in row.values:
                plan.fail(row, "case", _("An order stays with its case."))
        new = [row for row in rows if row.id is None and not row.failed]
        known = _cases_with(session, [row.values["order_no"] for row in new])
        for row in new:
            if (case := known.get(row.values["order_no"])) is not None:
                row.extra[KNOWN_CASE] = case.id
                row.values["signed_at"] = case.accepted_at
                row.notes.append(_("Case {case} has this number: it becomes the case of the order.", case=case.case_no))
                if case.status is CaseStatus.VOIDED:
                    row.notes.append(
                        _("Case {case} was voided: the order is answered with the reason.", case=case.case_no)
                    )
        complainants.read(session, plan, [row for row in new if KNOWN_CASE not in row.extra])
        fresh = [row for row in new if not row.failed and KNOWN_CASE not in row.extra]
        CaseRules(Case).check(session, plan, [_as_case(row) for row in fresh])
        for row in fresh:
            row.errors.extend(row.extra[AS_CASE].errors)
        _note_returns(session, plan, [row for row in rows if row.id is not None and not row.failed])

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Add the cases of the orders, then the orders."""
        fresh = [row for row in rows if KNOWN_CASE not in row.extra]
        ids = CaseRules(Case).insert(session, [row.extra[AS_CASE] for row in fresh], note)
        complainants.add(session, zip(ids, fresh, strict=True), note)
        case_ids = dict(zip(map(id, fresh), ids, strict=True))
        values = [
            dict.fromkeys(OPTIONAL)
            | row.values
            | {"case_id": case_ids.get(id(row), row.extra.get(KNOWN_CASE)), "made_case": KNOWN_CASE not in row.extra}
            for row in rows
        ]
        return bulk.add(session, HotlineOrder, values, note)

    def removal_obstacles(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        orders = {row.case_id: row.id for row in _orders(session, ids)}
        reasons = import_undo.changed_since_import(session, orders)
        return {orders[case_id]: why for case_id, why in reasons.items()}

    def undo(self, session: Session, removals: Sequence[bulk.Removal], note: str) -> None:
        """Remove the orders and void the cases that came with them. A case that was there before stays."""
        orders = _orders(session, [removal.id for removal in removals])
        bulk.remove(session, self.model, removals, note)
        case = table_of(Case)
        made: list[bulk.Removal] = []
        for batch in chunks({row.case_id for row in orders if row.made_case}):
            statement = select(case).where(case.c.id.in_(batch))
            for stored in session.execute(statement, execution_options=UNSCOPED):
                made.append(bulk.Removal(stored.id, stored.version, dict(stored._mapping)))
        import_undo.void(session, made, note)


def _orders(session: Session, ids: Collection[int]) -> list[Row[Any]]:
    """Id and case of orders, and whether the case was made with the order."""
    order = table_of(HotlineOrder).c
    rows: list[Row[Any]] = []
    for batch in chunks(ids):
        statement = select(order.id, order.case_id, order.made_case).where(order.id.in_(batch))
        rows += session.execute(statement, execution_options=UNSCOPED)
    return rows


def _cases_with(session: Session, numbers: Collection[str]) -> dict[str, Row[Any]]:
    """The stored cases that have these order numbers."""
    case = table_of(Case).c
    found: dict[str, Row[Any]] = {}
    for batch in chunks(numbers):
        statement = select(case.id, case.case_no, case.hotline_no, case.status, case.accepted_at).where(
            case.hotline_no.in_(batch)
        )
        found |= {row.hotline_no: row for row in session.execute(statement, execution_options=UNSCOPED)}
    return found


def _as_case(row: PlanRow) -> PlanRow:
    """The row as a new case, reported when the hotline sent the order: its limits run from there."""
    values = row.values
    if row.extra.setdefault("party", ANONYMOUS) is ANONYMOUS:
        row.notes.append(_("No caller is told: the complainant is anonymous."))
    if not values.get("place"):
        row.notes.append(_("No place is told: the case says so."))
    case = PlanRow(row.sheet, row.number, row.cells)
    case.values = {
        "source": Source.HOTLINE,
        "hotline_no": values["order_no"],
        "community_id": values["community_id"],
        "place": values.get("place") or in_default_locale(NO_PLACE),
        "description": values["content"],
        "title": values.get("title"),
        "urgency": _urgency(row),
        "reported_at": min(values["sent_at"], now()),
    }
    CaseRules(Case).defaults(case)
    row.extra[AS_CASE] = case
    return case


def _urgency(row: PlanRow) -> Urgency:
    words = tidy(row.extra.get(URGENCY))
    try:
        return Urgency.of(Choice(Urgency).parse(words)) if words else Urgency.NORMAL
    except Invalid:
        row.notes.append(_("Urgency “{words}” is read as normal.", words=words))
        return Urgency.NORMAL


def _check_times(plan: Plan, row: PlanRow) -> None:
    times = {attr: row.effective(attr) for attr in ("sent_at", "sign_by", "reply_by")}
    for name, message in HotlineOrder.wrong_times(times):
        if name in row.values:
            plan.fail(row, name, message)


def _note_returns(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Name the orders that the file says were sent back: their cases are opened again by a step, not by a file."""
    back = [row for row in rows if SENT_BACK.search(tidy(row.extra.get(STATE)))]
    case = table_of(Case).c
    numbers: dict[int, Any] = {}
    for batch in chunks({row.stored["case_id"] for row in back}):
        statement = select(case.id, case.case_no, case.status).where(case.id.in_(batch))
        numbers |= {stored.id: stored for stored in session.execute(statement, execution_options=UNSCOPED)}
    for row in back:
        stored = numbers[row.stored["case_id"]]
        if stored.status in ENDED:
            row.notes.append(
                _("12345 sent it back: take the step “Sent back by 12345” in case {case}.", case=stored.case_no)
            )
    ended = [numbers[row.stored["case_id"]].case_no for row in back if numbers[row.stored["case_id"]].status in ENDED]
    if ended:
        plan.warnings.append(
            _("12345 sent these back, whose cases are closed: {cases}.", cases=listed(dict.fromkeys(ended)))
        )
