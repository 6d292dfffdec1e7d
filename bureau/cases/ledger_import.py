"""Old ledgers in: cases kept by hand until now, brought into the state in which the ledger shows them.

A row that tells when a case was accepted or what came of it is such a case. It gets a number in the order of
acceptance, is flagged as historic, and begins its history with one event, "import". A case that is there already is
changed by its steps alone: what the ledger tells otherwise is refused at its cell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session, joinedload

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import complainants, events, intake, numbering
from bureau.cases.case_import import CaseMatcher, CaseRules
from bureau.cases.steps.registry import IMPORTED
from bureau.settings import settings
from models import ENDED, Case, CaseEvent, CaseStatus, ChecklistItem, Liaison, Urgency
from panel.fields import field_named
from panel.i18n import Message, _, for_the_record
from panel.imports.matching import UNSCOPED, Key, chunks, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.validation import MISSING
from panel.kinds import ZONE, PersonName, now
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk

#: What tells that a row is out of an old ledger.
TELLING = ("accepted_at", "closed_at", "outcome", "result")
#: Columns of an old ledger that only steps set on a case that is there.
SET_BY_STEPS = ("accepted_at", "closed_at", "list_kind")
#: A number of ours; any other one in a ledger is its own.
OURS = re.compile(r"[^-]+-\d{4}-\d{6}")
#: A ledger tells times to the minute.
PRECISION = timedelta(minutes=1)
OWN_NO, TOLD = "own_no", "told"


class LedgerMatcher(CaseMatcher):
    """By number; without one by time of acceptance, community, place and item."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            number = row.values.get("case_no")
            if number and out_of_ledger(row) and not OURS.fullmatch(number):
                row.extra[OWN_NO] = row.values.pop("case_no")
        super().load(session, rows)
        unnumbered = [row for row in rows if not row.values.get("case_no")]
        for one in self.standing(session, "accepted_at", (row.values.get("accepted_at") for row in unnumbered)):
            self.stored["accepted", one.accepted_at, one.community_id, key_of(one.place), one.item_id] = one

    def key(self, row: PlanRow) -> Key | None:
        given = row.values
        if given.get("case_no") or given.get("accepted_at") is None:
            return super().key(row)
        place = key_of(given.get("place"))
        return ("accepted", given["accepted_at"], given.get("community_id"), place, given.get("item_id"))

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """What the program sets is taken off an existing row; it is held against the case before."""
        row.extra[TOLD] = {attr: row.values[attr] for attr in SET_BY_STEPS if attr in row.values}
        return super().find(row)


def out_of_ledger(row: PlanRow) -> bool:
    """Whether a row tells of a case that was kept by hand."""
    return any(attr in row.values for attr in TELLING)


class LedgerRules(CaseRules):
    """Cases in: new reports, and what was kept by hand; complainants come with either."""

    def extra(self) -> Mapping[str, Sequence[str | Message]]:
        return complainants.LABELS

    def telling(self) -> frozenset[str]:
        return frozenset(SET_BY_STEPS)

    def may_stay_words(self, row: PlanRow, name: str) -> bool:
        return name == "lead_officer" and out_of_ledger(row)

    def matcher(self) -> LedgerMatcher:
        return LedgerMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        super().defaults(row)
        if out_of_ledger(row):
            given = row.values
            given.setdefault("accepted_at", given.get("reported_at"))
            given.setdefault("reported_at", given["accepted_at"])
            given |= {"historic": True, "status": state_of(given)}

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        old = [row for row in rows if row.id is None and row.values.get("historic")]
        super().check(session, plan, [row for row in rows if row.id is not None or not row.values.get("historic")])
        for row in rows:
            if row.id is not None:
                _hold_steps(plan, row)
        for row in old:
            _hold_times(plan, row)
        _keep_lead_names(plan, [row for row in rows if not row.failed])
        complainants.read(session, plan, [row for row in rows if not row.failed])
        old = [row for row in old if not row.failed]
        if old:
            _judge(session, plan, old)
            _find_liaisons(session, old)

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        old = [row for row in rows if row.values.get("historic")]
        reported = [row for row in rows if not row.values.get("historic")]
        ids = dict(zip(map(id, old), _insert(session, old, note), strict=True))
        if reported:
            ids |= dict(zip(map(id, reported), super().insert(session, reported, note), strict=True))
        found = [ids[id(row)] for row in rows]
        complainants.add(session, zip(found, rows, strict=True), note)
        return found


def state_of(given: Mapping[str, Any]) -> CaseStatus:
    """The state that a row of a ledger shows."""
    if given.get("closed_at") is not None:
        return CaseStatus.CLOSED
    return CaseStatus.HANDLED if given.get("outcome") or given.get("result") else CaseStatus.ACCEPTED


def _hold_steps(plan: Plan, row: PlanRow) -> None:
    """What steps have set is the same in the ledger, or the row fails."""
    for attr, given in row.extra.get(TOLD, {}).items():
        stored = row.stored.get(attr)
        same = abs(given - stored) < PRECISION if isinstance(stored, datetime) else given == stored
        if not same:
            declared = field_named(Case, attr)
            assert declared is not None
            words = declared.kind.format(stored) or _("empty")
            plan.fail(row, attr, _("This is set by the steps of the case alone; there it is: {value}.", value=words))


def _hold_times(plan: Plan, row: PlanRow) -> None:
    accepted, closed = row.values["accepted_at"], row.values.get("closed_at")
    if accepted is None:
        plan.fail(row, "accepted_at", MISSING)
        return
    for attr, moment in (("accepted_at", accepted), ("closed_at", closed)):
        if moment is not None and moment > now():
            plan.fail(row, attr, _("This time is still to come."))
    if closed is not None and closed < accepted:
        plan.fail(row, "closed_at", _("It can't be closed before it was accepted."))


def _keep_lead_names(plan: Plan, rows: Sequence[PlanRow]) -> None:
    """An officer whom nobody is called stays as a name, so that it isn't lost."""
    unknown: dict[str, list[PlanRow]] = defaultdict(list)
    declared = field_named(Case, "lead_name")
    assert declared is not None
    for row in rows:
        if (text := row.extra.get("lead_officer")) is None:
            continue
        if row.id is not None and not row.stored.get("historic"):
            plan.fail(row, "lead_officer", _("There is no officer “{value}”.", value=text))
            continue
        name = PersonName().parse(text[: declared.kind.length])  # type: ignore[attr-defined]
        if row.stored.get("lead_name") != name:
            row.values["lead_name"] = name
            if row.id is not None:
                row.changes.append((declared, row.stored.get("lead_name") or "", name or ""))
        unknown[text].append(row)
    for some in unknown.values():
        for row in some:
            row.notes.append(_("Lead officer {name}: kept as written.", name=row.extra["lead_officer"]))
    if unknown:
        names = "、".join(unknown)
        plan.warnings.append(_("Not among the officers, kept as written: {names}.", names=names))


def _judge(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """List, snapshot and deadline by the item, as if it had been accepted today under it; the list as the ledger has
    it."""
    items: dict[int, ChecklistItem] = {}
    for some in chunks({row.values["item_id"] for row in rows if row.values.get("item_id") is not None}):
        statement = (
            select(ChecklistItem).where(ChecklistItem.id.in_(some)).options(joinedload(ChecklistItem.department))
        )
        items |= {item.id: item for item in session.execute(statement, execution_options=UNSCOPED).unique().scalars()}
    calendar = office_calendar(session)
    for row in rows:
        given = row.values
        item = items.get(given.get("item_id") or 0)
        if item is None:
            continue
        kind = given.setdefault("list_kind", item.list_kind)
        if kind is not item.list_kind:
            plan.warnings.append(
                _(
                    "Row {row}: “{item}” is on the other list today; the case stays on the ledger's.",
                    row=row.number,
                    item=item.name,
                )
            )
        urgent = given.get("urgency") is Urgency.URGENT
        given["item_snapshot"] = intake.snapshot(item)
        given["due_at"] = deadlines.due(
            given["accepted_at"], item.limit_value, item.limit_unit, calendar, urgent=urgent
        )


def _find_liaisons(session: Session, rows: Sequence[PlanRow]) -> None:
    """Who was the liaison then; for a case that is still open, who is now."""
    liaison = table_of(Liaison).c
    terms: dict[int, list[Any]] = defaultdict(list)
    for some in chunks({row.values["community_id"] for row in rows}):
        statement = select(liaison.id, liaison.community_id, liaison.start_on, liaison.end_on).where(
            liaison.community_id.in_(some), or_(liaison.end_on.is_(None), liaison.end_on >= liaison.start_on)
        )
        for one in session.execute(statement, execution_options=UNSCOPED):
            terms[one.community_id].append(one)
    for row in rows:
        given = row.values
        day = deadlines.local_day(given["accepted_at"])
        for term in terms[given["community_id"]]:
            then = term.start_on <= day and (term.end_on is None or term.end_on >= day)
            if then or (term.end_on is None and given["status"] not in ENDED):
                given.setdefault("liaison_id", term.id)


def _insert(session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
    """Numbers in the order of acceptance; every case with its first event."""
    if not rows:
        return []
    years: dict[int, list[PlanRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.values["accepted_at"]):
        years[row.values["accepted_at"].astimezone(ZONE).year].append(row)
    prefix = settings.get(session, "case_prefix")
    for year, some in sorted(years.items()):
        for number, row in enumerate(some, numbering.reserve(session, prefix, year, len(some))):
            row.values["case_no"] = numbering.case_no(prefix, year, number)
    columns = {attr for row in rows for attr in row.values} - {"item_snapshot"}
    ids = bulk.add(session, Case, [dict.fromkeys(columns) | _written(row) for row in rows], note)
    happened = [
        event for id_, row in zip(ids, rows, strict=True) for event in events.chain(id_, [_event(session, row, note)])
    ]
    bulk.append(session, CaseEvent, happened)
    return ids


def _written(row: PlanRow) -> dict[str, Any]:
    """What was closed has been handled by then at the latest."""
    return {**row.values, "handled_at": row.values.get("closed_at")}


def _event(session: Session, row: PlanRow, note: str) -> dict[str, Any]:
    actor, own = actor_of(session), row.extra.get(OWN_NO)
    opinion = for_the_record(_("{note}; its number there was {number}", note=note, number=own)) if own else note
    return {
        "at": now(),
        "step": IMPORTED,
        "from_status": None,
        "to_status": row.values["status"],
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "opinion": opinion or None,
        "payload": {"row": row.number, **({"number": own} if own else {})},
    }
