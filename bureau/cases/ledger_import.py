"""Import of old ledgers: cases that were kept by hand, imported in the state that the ledger shows.

A row with a time of acceptance, a closure, an outcome or a result is such a historic case. It is numbered in the order
of acceptance, flagged as historic, and gets one event, "import". In an existing case those values are set by steps
alone: a cell that differs from the stored value fails."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session, joinedload

from bureau.calendar import deadlines
from bureau.calendar.calendar import office_calendar
from bureau.cases import complainants, events, import_repeats, intake, ledger_state, numbering
from bureau.cases.case_import import CaseRules
from bureau.cases.case_matching import CaseMatcher, is_day_alone, same_moment
from bureau.cases.steps import report_rules
from bureau.cases.steps.registry import IMPORTED
from bureau.settings import settings
from models import ENDED, Case, CaseEvent, ChecklistItem, Liaison, Urgency
from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.fields import field_named
from panel.i18n import Message, _, in_default_locale, listed
from panel.imports.matching import Key
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import PersonColumn
from panel.imports.validation import MISSING
from panel.kinds import ZONE, Kind, now
from panel.security.policy import table_of
from panel.security.session import actor_of
from panel.store import bulk
from schema.requirements import PENALTIES

#: A row with one of these columns comes from an old ledger.
HISTORIC_COLUMNS = ("accepted_at", "closed_at", "outcome", "result")
#: Columns of an old ledger that only steps may set in an existing case.
SET_BY_STEPS = ("accepted_at", "closed_at", "list_kind")
#: Format of our case numbers; any other number in an old ledger is the ledger's own.
CASE_NUMBER = re.compile(r"[^-]+-\d{4}-\d{6}")
#: Ledgers give times to the minute.
PRECISION = timedelta(minutes=1)
#: Columns whose words an old ledger's case keeps where they name no record or choice, with the column that holds them.
#: Item and source only of a closed case: an open one needs its deadline, and can still be asked about.
AS_WRITTEN = {"lead_officer": "lead_name", "item": "item_name", "source": "source_name"}
#: The note of a case whose outcome is a penalty: a ledger tells nothing of its record.
UNRECORDED = _(
    "A penalty without its record (document no., amount or filing no., two officers): it comes in as historic. Add the "
    "record to the case's actions afterwards."
)
OLD_REPORT = _("Reported more than {n} days ago: it comes in as historic.", n=report_rules.DAYS_BACK)
#: Keys of PlanRow.extra: the ledger's own number, and the values of SET_BY_STEPS in the row.
OWN_NO, STEP_VALUES = "own_no", "told"


class LedgerMatcher(CaseMatcher):
    """Matches a row with a time of acceptance by that."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            number = row.values.get("case_no")
            if number and is_historic(row) and not CASE_NUMBER.fullmatch(number):
                row.extra[OWN_NO] = row.values.pop("case_no")
        super().load(session, rows)

    def stored_alike(self, session: Session, rows: Sequence[PlanRow]) -> dict[Key, list[Row[Any]]]:
        return super().stored_alike(session, rows) | self.by_time(session, "accepted_at", rows)

    def time_key(self, row: PlanRow) -> Key | None:
        return self.key_by(row, "accepted_at") or super().time_key(row)

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        """Keep the values that only steps set, for the check of existing cases; the import drops them from `values`."""
        row.extra[STEP_VALUES] = {attr: row.values[attr] for attr in SET_BY_STEPS if attr in row.values}
        return super().find(row)


def is_historic(row: PlanRow) -> bool:
    """Whether a row comes from an old ledger."""
    return any(attr in row.values for attr in HISTORIC_COLUMNS)


def is_handled_before(row: PlanRow) -> bool:
    """Whether a new row tells of a case that was accepted before it came in; a mere report, however old, wasn't."""
    return bool(row.values.get("historic")) and is_historic(row)


class LedgerRules(CaseRules):
    """Import of cases: new reports and historic cases, both with their complainants."""

    def extra_columns(self) -> Mapping[str, Sequence[str | Message]]:
        return {**complainants.LABELS, **ledger_state.LABELS}

    def extra_kinds(self) -> Mapping[str, Kind]:
        return complainants.KINDS

    def column_of(self, model: type[Base], attr: str) -> str | None:
        return complainants.column_of(model, attr)

    def people(self) -> Mapping[str, PersonColumn]:
        return {complainants.NAME: PersonColumn(phones=(complainants.PHONE,))}

    def identifying(self) -> frozenset[str]:
        return frozenset(SET_BY_STEPS)

    def may_stay_text(self, row: PlanRow, name: str) -> bool:
        if name == "lead_officer":
            return is_historic(row)
        return name in AS_WRITTEN and row.values.get("closed_at") is not None

    def is_past(self, row: PlanRow) -> bool:
        return row.values.get("closed_at") is not None

    def matcher(self) -> LedgerMatcher:
        return LedgerMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        super().defaults(row)
        if is_historic(row):
            values = row.values
            values.setdefault("accepted_at", values.get("reported_at"))
            values.setdefault("reported_at", values["accepted_at"])
            values |= {"historic": True, "status": ledger_state.state_of(row)}
        elif (reported := row.values.get("reported_at")) is not None and reported < report_rules.earliest(now()):
            row.values["historic"] = True
            row.notes.append(OLD_REPORT)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        historic = [row for row in rows if row.id is None and is_handled_before(row)]
        super().check(session, plan, [row for row in rows if row.id is not None or not is_handled_before(row)])
        for row in rows:
            if row.id is not None:
                _check_set_by_steps(plan, row)
        _close_at_end_of_day(session, historic)
        for row in historic:
            _check_times(plan, row)
            if row.values.get("outcome") in PENALTIES:
                row.notes.append(UNRECORDED)
        for row in rows:
            if row.id is None and not row.failed:
                ledger_state.doubt(row)
        _keep_words(plan, [row for row in rows if not row.failed])
        complainants.read(session, plan, [row for row in rows if not row.failed])
        import_repeats.note(session, plan, [row for row in rows if row.id is None and not row.failed])
        _require_complainants(plan, [row for row in rows if row.id is None and not row.failed])
        historic = [row for row in historic if not row.failed]
        if historic:
            _apply_items(session, plan, historic)
            _find_liaisons(session, historic)

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        historic = [row for row in rows if is_handled_before(row)]
        reported = [row for row in rows if not is_handled_before(row)]
        ids = dict(zip(map(id, historic), _insert(session, historic, note), strict=True))
        if reported:
            ids |= dict(zip(map(id, reported), super().insert(session, reported, note), strict=True))
        case_ids = [ids[id(row)] for row in rows]
        complainants.add(session, zip(case_ids, rows, strict=True), note)
        return case_ids


def _require_complainants(plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Fail new reports that are complaints of nobody."""
    for row in rows:
        values = row.values
        if not values.get("historic") and values.get("source") in report_rules.COMPLAINTS and "party" not in row.extra:
            plan.fail(row, complainants.NAME, report_rules.NO_COMPLAINANT)


def _check_set_by_steps(plan: Plan, row: PlanRow) -> None:
    """Fail the row of an existing case whose values differ from those that steps have set."""
    for attr, value in row.extra.get(STEP_VALUES, {}).items():
        stored = row.stored.get(attr)
        same = value == stored
        if isinstance(stored, datetime):
            same = abs(value - stored) < PRECISION or same_moment(stored, value)
        if not same:
            declared = field_named(Case, attr)
            assert declared is not None
            shown = declared.kind.format(stored) or _("empty")
            plan.fail(row, attr, _("This is set by the steps of the case alone; there it is: {value}.", value=shown))


def _close_at_end_of_day(session: Session, rows: Sequence[PlanRow]) -> None:
    """A closure of which only the day is told is the end of that day: the close of the office, or the last second for a
    case that was accepted later; never a moment to come."""
    hours = settings.get(session, "office_hours")
    for row in rows:
        accepted, closed = row.values["accepted_at"], row.values.get("closed_at")
        if closed is None or accepted is None or not is_day_alone(closed):
            continue
        day = deadlines.local_day(closed)
        ends = [datetime.combine(day, clock, ZONE) for clock in (hours.closing, time(23, 59, 59))]
        end = next((end for end in ends if end >= accepted), closed)
        if closed <= now():
            row.values["closed_at"] = min(end, now().replace(microsecond=0))


def _check_times(plan: Plan, row: PlanRow) -> None:
    accepted, closed = row.values["accepted_at"], row.values.get("closed_at")
    if accepted is None:
        plan.fail(row, "accepted_at", MISSING)
        return
    for attr, moment in (("accepted_at", accepted), ("closed_at", closed)):
        if moment is not None and moment > now():
            plan.fail(row, attr, _("This time is still to come."))
    if closed is not None and closed < accepted:
        plan.fail(row, "closed_at", _("It can't be closed before it was accepted."))


def _keep_words(plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Keep the words for which there is no officer, item or source as text, so that they aren't lost."""
    kept: dict[str, list[str]] = {}
    for name, attr in AS_WRITTEN.items():
        declared, target = field_named(Case, name), field_named(Case, attr)
        assert declared is not None
        assert target is not None
        for row in rows:
            if (text := row.extra.get(name)) is None:
                continue
            if row.id is not None and not row.stored.get("historic"):
                plan.fail(row, name, _("There is no {label} “{value}”.", label=declared.label, value=text))
                continue
            words = target.kind.parse(text[: target.kind.length])  # type: ignore[attr-defined]
            if row.stored.get(attr) != words:
                row.values[attr] = words
                if row.id is not None:
                    row.changes.append((target, row.stored.get(attr) or "", words or ""))
            row.notes.append(_("{label} {name}: kept as written.", label=declared.label, name=text))
            if text not in (texts := kept.setdefault(name, [])):
                texts.append(text)
        if name in kept:
            names = listed(kept[name])
            plan.warnings.append(
                _("{label} that nobody knows, kept as written: {names}.", label=declared.label, names=names)
            )


def _apply_items(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Set snapshot and deadline by the current version of the item; the list too, unless the ledger gives one."""
    items: dict[int, ChecklistItem] = {}
    for batch in chunks({row.values["item_id"] for row in rows if row.values.get("item_id") is not None}):
        statement = (
            select(ChecklistItem).where(ChecklistItem.id.in_(batch)).options(joinedload(ChecklistItem.department))
        )
        items |= {item.id: item for item in session.execute(statement, execution_options=UNSCOPED).unique().scalars()}
    calendar = office_calendar(session)
    for row in rows:
        values = row.values
        item = items.get(values.get("item_id") or 0)
        if item is None:
            continue
        list_kind = values.setdefault("list_kind", item.list_kind)
        if list_kind is not item.list_kind:
            plan.warnings.append(
                _(
                    "Row {row}: “{item}” is on the other list today; the case stays on the ledger's.",
                    row=row.number,
                    item=item.name,
                )
            )
        urgent = values.get("urgency") is Urgency.URGENT
        values["item_snapshot"] = intake.snapshot(item)
        values["due_at"] = deadlines.due(
            values["accepted_at"], item.limit_value, item.limit_unit, calendar, urgent=urgent
        )


def _find_liaisons(session: Session, rows: Sequence[PlanRow]) -> None:
    """Set the liaison in office at acceptance; for an open case without one, the active liaison."""
    liaison = table_of(Liaison).c
    terms: dict[int, list[Any]] = defaultdict(list)
    for batch in chunks({row.values["community_id"] for row in rows}):
        statement = select(liaison.id, liaison.community_id, liaison.start_on, liaison.end_on).where(
            liaison.community_id.in_(batch), or_(liaison.end_on.is_(None), liaison.end_on >= liaison.start_on)
        )
        for term_row in session.execute(statement, execution_options=UNSCOPED):
            terms[term_row.community_id].append(term_row)
    for row in rows:
        values = row.values
        day = deadlines.local_day(values["accepted_at"])
        for term in terms[values["community_id"]]:
            in_office = term.start_on <= day and (term.end_on is None or term.end_on >= day)
            if in_office or (term.end_on is None and values["status"] not in ENDED):
                values.setdefault("liaison_id", term.id)


def _insert(session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
    """Number the cases in the order of acceptance and add each with its first event."""
    if not rows:
        return []
    years: dict[int, list[PlanRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.values["accepted_at"]):
        years[row.values["accepted_at"].astimezone(ZONE).year].append(row)
    prefix = settings.get(session, "case_prefix")
    for year, year_rows in sorted(years.items()):
        for number, row in enumerate(year_rows, numbering.reserve(session, prefix, year, len(year_rows))):
            row.values["case_no"] = numbering.case_no(prefix, year, number)
    columns = {attr for row in rows for attr in row.values} - {"item_snapshot"}
    ids = bulk.add(session, Case, [dict.fromkeys(columns) | _with_handled_at(row) for row in rows], note)
    first_events = [
        event for id_, row in zip(ids, rows, strict=True) for event in events.chain(id_, [_event(session, row, note)])
    ]
    bulk.append(session, CaseEvent, first_events)
    return ids


def _with_handled_at(row: PlanRow) -> dict[str, Any]:
    """The values of a case; ledgers have no time of handling, so that a closed case counts as handled at closure."""
    return {**row.values, "handled_at": row.values.get("closed_at")}


def _event(session: Session, row: PlanRow, note: str) -> dict[str, Any]:
    actor, own_number = actor_of(session), row.extra.get(OWN_NO)
    opinion = (
        in_default_locale(_("{note}; its number there was {number}", note=note, number=own_number))
        if own_number
        else note
    )
    return {
        "at": now(),
        "step": IMPORTED,
        "from_status": None,
        "to_status": row.values["status"],
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "opinion": opinion or None,
        "payload": {"row": row.number, **({"number": own_number} if own_number else {})},
    }
