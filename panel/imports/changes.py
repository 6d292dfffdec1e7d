"""What a row changes of its existing record, and the texts before and after for the preview."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from panel.fields import Field, Personal, all_fields, field_named, fields
from panel.i18n import _, listed
from panel.imports.matching import FullRowMatcher, Matcher, round_trip
from panel.imports.plans import Outcome, PendingRecord, Plan, PlanRow
from panel.imports.rules import Rules
from panel.search.names import NOT_VISIBLE, visible_names
from panel.security.masking import is_masked
from panel.security.session import actor_of, policy_of

Names = Mapping[tuple[str, int], str]


def unmask(plan: Plan, row: PlanRow) -> None:
    """Accept a masked value that equals the mask of the stored one as unchanged; refuse any other."""
    for attr, text in row.masked.items() if row.has("masked") else ():
        declared = field_named(plan.model, attr)
        assert declared is not None
        if row.id is None or declared.kind.mask(row.stored.get(attr)) != text:
            message = _("This value is masked. Enter it in full, or leave the cell empty to keep what is stored.")
            plan.fail(row, declared.name, message)


def compare(session: Session, plan: Plan, rows: Sequence[PlanRow], matcher: Matcher) -> None:
    """Reduce the values of rows with an existing record to those that differ, and set row.changes."""
    declared = {f.attr: f for f in all_fields(plan.model)}
    existing = [row for row in rows if row.id is not None]
    # A preview that told an equal value from another one would tell a private value to whoever tries many: settle()
    # decides when the rows are written.
    undecided = not actor_of(session).system
    for row in existing:
        for attr, value in list(row.values.items()):
            stored = row.stored.get(attr)
            field = declared[attr]
            if undecided and field.personal is Personal.PRIVATE:
                continue
            if stored == value or matcher.same(field, stored, value) or round_trip(field, stored) == value:
                del row.values[attr]
    names = _names(session, plan, existing)
    hidden = policy_of(session).sees_masked(actor_of(session), plan.model)
    for row in existing:
        for attr, value in row.values.items():
            field = declared[attr]
            before, after = row.stored.get(attr), value
            row.changes.append((field, _words(field, before, names, hidden), _words(field, after, names, hidden)))


def settle(session: Session, plan: Plan, rules: Rules) -> None:
    """Decide what the preview left open: rows whose private values are those that are stored change nothing. Called
    before the plan is written."""
    private = {f.attr for f in fields(plan.model) if f.personal is Personal.PRIVATE}
    if not private or actor_of(session).system:
        return
    for row in plan.rows:
        if row.outcome is Outcome.CHANGED:
            for attr in private & row.values.keys():
                if row.values[attr] == row.stored.get(attr):
                    del row.values[attr]
            if not (row.values or row.edits or row.adds or row.renewed):
                row.outcome = Outcome.UNCHANGED
    matcher = rules.matcher()
    new = [row for row in plan.rows if row.outcome is Outcome.NEW and private & row.values.keys()]
    if isinstance(matcher, FullRowMatcher) and new:
        matcher.load(session, new)
        for row in new:
            if (stored := matcher.find_exactly(row)) is not None:
                row.id, row.outcome = stored._mapping["id"], Outcome.UNCHANGED


def _names(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> Names:
    """The names of the records that changed references point from and to, where the actor may read them."""
    ids: dict[str, set[int]] = defaultdict(set)
    for field in all_fields(plan.model):
        if field.target is None:
            continue
        ids[field.target] |= {
            id_
            for row in rows
            if field.attr in row.values
            for value in (row.stored.get(field.attr), row.values[field.attr])
            for id_ in (value if isinstance(value, tuple) else (value,))
            if isinstance(id_, int)
        }
    return visible_names(session, ids)


def _words(field: Field, value: Any, names: Names, hidden: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, PendingRecord):
        return value.name
    if field.reference:
        return names.get((field.reference.table, value)) or str(NOT_VISIBLE)
    if field.many:
        called = (names.get((field.many.table, id_)) or str(NOT_VISIBLE) for id_ in value)
        return listed(dict.fromkeys(called))
    return field.kind.mask(value) if is_masked(field, hidden=hidden) else field.kind.format(value)
