"""Filters of a list: what a table can be filtered by, and the conditions for what an address asks.

In an address a filter is its name, for values of which one must be met, or the name with a suffix: `.from` and `.to`
are the inclusive ends of a span, `.in` a period of panel/search/periods.py, `.empty` is "1" or "0", and filters with
the same number at `.or` are alternatives. A record's filters include those of records that it refers to, such as
`community.street`, where `__found_by__` of the table referred to names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, inspect, or_, select
from sqlalchemy.orm import aliased

from panel.base import Base
from panel.fields import Field, Personal, all_fields, field_named, table_of_links
from panel.i18n import Message, _, listed
from panel.kinds import Amount, Choice, Data, Day, Flag, Invalid, Kind, Label, Moment, Time, Whole, narrow, today
from panel.search.periods import PERIODS
from panel.security.policy import model_of

#: Numbers of groups of alternatives.
GROUPS = ("1", "2", "3")
#: References that a filter follows at most.
MOST_STEPS = 3
_SUFFIX = re.compile(r"\.(from|to|in|empty|or)$")

Values = Mapping[str, Sequence[str]]


def is_hidden(field: Field, *, masked: bool) -> bool:
    """Whether the reader sees the field's values masked, so that no answer may depend on them."""
    return field.personal is Personal.PRIVATE or (masked and field.personal is not Personal.NO)


def filterable(model: type[Base], *, masked: bool = False) -> list[Field]:
    """The fields to filter by; those of a record that a reference leads to stand before the reference. Masked fields
    are excluded, since filtering would reveal their values."""
    declared = [f for f in all_fields(model) if f.filter and not isinstance(f.kind, Data)]
    own = [f for f in declared if not is_hidden(f, masked=masked)]
    led = {f.name: list(_led_to(f, (f.name,), {model})) for f in own if f.reference}
    labels = [f.label for f in (*own, *(g for group in led.values() for g, _via in group))]
    result: list[Field] = []
    for f in own:
        for g, via in led.get(f.name, ()):
            is_unique = labels.count(g.label) == 1
            result.append(g if is_unique else replace(g, label=_("{via} · {label}", via=via, label=g.label)))
        result.append(f)
    return result


def _led_to(reference: Field, path: tuple[str, ...], seen: set[type[Base]]) -> Iterator[tuple[Field, Message]]:
    """The filters of the record that a reference leads to, each with the label of that reference."""
    try:
        target = model_of(reference.target or "")
    except LookupError:  # a table that isn't declared; panel/schema_check.py names it
        return
    if target in seen or len(path) > MOST_STEPS:
        return
    for name in target.__found_by__:
        field = field_named(target, name)
        if field is None or not field.reference or not field.filter or field.personal is not Personal.NO:
            continue
        yield from _led_to(field, (*path, field.name), {*seen, target})
        led = replace(field, name=".".join((*path, field.name)), through=path, required=True, listed=False)
        yield led, reference.label


def is_span(field: Field) -> bool:
    """Whether the field is filtered by a range, from – to."""
    return isinstance(field.kind, Day | Moment | Time | Whole | Amount)


def has_periods(field: Field) -> bool:
    return isinstance(field.kind, Day | Moment)


def suffixes(field: Field) -> tuple[str, ...]:
    """What may follow the field's name in an address, the name alone first and ".or" last."""
    if field.through:
        return "", ".or"
    spans = (".from", ".to") if is_span(field) else ()
    return ("", *spans, *((".in",) if has_periods(field) else ()), ".empty", ".or")


def split(key: str) -> tuple[str, str]:
    """The name of a filter and its suffix, "" for none."""
    match = _SUFFIX.search(key)
    return (key[: match.start()], match[0]) if match else (key, "")


def conditions(model: type[Base], field: Field, values: Values) -> list[ColumnElement[bool]]:
    """The conditions for a filter's values, all of which must hold. Raises Invalid."""
    if field.through:
        return _through(model, field, values)
    if field.many:
        return _of_links(model, field, values)
    column, kind = getattr(model, field.attr), field.kind
    result: list[ColumnElement[bool]] = []
    if empty := values.get(f"{field.name}.empty"):
        result.append(column.is_(None) if empty[0] == "1" else column.is_not(None))
    for suffix in (".from", ".to"):
        if texts := values.get(field.name + suffix):
            result.append(_bound(column, kind, texts[0], until=suffix == ".to"))
    if texts := values.get(f"{field.name}.in"):
        result.append(or_(*(_within(column, kind, name) for name in texts)))
    if texts := values.get(field.name, []):
        result.append(_one_of(column, field, texts))
    return result


def _one_of(column: Any, field: Field, texts: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a column has one of these values; that a text contains one of them."""
    kind = field.kind
    if isinstance(kind, Moment):
        return or_(*(and_(_bound(column, kind, t, until=False), _bound(column, kind, t, until=True)) for t in texts))
    if field.reference:
        return _refers_to(column, model_of(field.reference.table), [kind.parse(value) for value in texts])
    if isinstance(kind, Choice | Label | Flag | Day | Time | Whole | Amount):
        known: ColumnElement[bool] = column.in_([kind.parse(value) for value in texts])
        return known
    return or_(*(column.icontains(narrow(value), autoescape=True) for value in texts))


def points_at(model: type[Base], declared: Field, ids: Sequence[int] | None = None) -> ColumnElement[bool]:
    """The condition that a many() field links one of the records `ids`, or any record; counting only links to records
    in the actor's scope."""
    table, target = table_of_links(model, declared), model.__mapper__.relationships[declared.attr].mapper.class_
    reached = select(target.id) if ids is None else select(target.id).where(target.id.in_(ids))
    return model.id.in_(select(table.c.owner_id).where(table.c.target_id.in_(reached)))


def _of_links(model: type[Base], field: Field, values: Values) -> list[ColumnElement[bool]]:
    result = []
    if empty := values.get(f"{field.name}.empty"):
        has_links = points_at(model, field)
        result.append(~has_links if empty[0] == "1" else has_links)
    if texts := values.get(field.name):
        result.append(points_at(model, field, field.kind.parse(texts)))
    return result


def _through(model: type[Base], field: Field, values: Values) -> list[ColumnElement[bool]]:
    """The condition on a record that references lead to. All of them are looked up inside the reader's scope, so that
    nobody learns what an invisible record refers to."""
    texts = values.get(field.name)
    if not texts:
        return []
    target = model_of(field.target or "")
    wanted = aliased(target)
    ids = select(wanted.id).where(_refers_to(wanted.id, target, [field.kind.parse(text) for text in texts]))
    return [_leads(model, field.through, field, ids)]


def _leads(entity: Any, path: Sequence[str], field: Field, ids: Select[Any]) -> ColumnElement[bool]:
    """The condition that references lead from an entity to a record whose field refers to one of these."""
    if not path:
        refers: ColumnElement[bool] = getattr(entity, field.attr).in_(ids)
        return refers
    reference = field_named(inspect(entity).mapper.class_, path[0])
    assert reference is not None
    target = aliased(model_of(reference.target or ""))
    led: ColumnElement[bool] = getattr(entity, reference.attr).in_(
        select(target.id).where(_leads(target, path[1:], field, ids))
    )
    return led


def _refers_to(column: Any, target: type[Base], ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a reference points at one of these records, or at another version of it."""
    if target.__shared_by_versions__:
        stated, version = aliased(target), aliased(target)
        same = getattr(version, target.__shared_by_versions__) == getattr(stated, target.__shared_by_versions__)
        ids = select(version.id).where(same, stated.id.in_(ids))  # type: ignore[assignment]
    condition: ColumnElement[bool] = column.in_(ids)
    return condition


def _within(column: Any, kind: Kind, name: str) -> ColumnElement[bool]:
    """The condition for a period by its word. Raises Invalid for another word."""
    if name not in PERIODS:
        words = listed(str(period.label) for period in PERIODS.values())
        raise Invalid(_("“{value}” is none of: {names}.", value=name[:40], names=words))
    first, last = (day.isoformat() for day in PERIODS[name].days(today()))
    return and_(_bound(column, kind, first, until=False), _bound(column, kind, last, until=True))


def _bound(column: Any, kind: Kind, text: str, *, until: bool) -> ColumnElement[bool]:
    """The condition for an inclusive end. Of a moment without a time the day counts, to its last microsecond."""
    bound = kind.parse(text)
    if until and isinstance(kind, Moment) and not re.search(r"[:：时点]", text):
        bound = bound.replace(hour=23, minute=59, second=59, microsecond=999_999)
    result: ColumnElement[bool] = column <= bound if until else column >= bound
    return result
