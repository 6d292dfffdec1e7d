"""The controls of the filters above a list, and the chips of those in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement

from panel import ids
from panel.fields import Field, fields
from panel.i18n import _, listed
from panel.kinds import Choice, Flag
from panel.search import filters, listing, private_numbers
from panel.search.listing import Query
from panel.search.names import NOT_VISIBLE
from panel.search.periods import PERIODS
from panel.security.policy import Permission, model_of
from panel.web import forms
from panel.web.context import current_actor, current_panel
from panel.web.lookups import chosen_names, may_only_choose
from panel.web.pages import Chip, FilterInput, Input

if TYPE_CHECKING:
    from panel.web.views import SchemaView

#: More choices than these are listed in a box that scrolls.
MOST_TICKS = 20
#: The most values of other filters that narrow a look-up.
MOST_BESIDE = 50


def build(view: SchemaView, query: Query, *, masked: bool) -> list[FilterInput]:
    """The controls, without those for records of which the actor may not even see names."""
    policy, actor = current_panel().policy, current_actor()
    return [
        _input(view, f, query)
        for f in filters.filterable(view.model, masked=masked)
        if f.target is None or policy.may(actor, Permission.CHOOSE, model_of(f.target)) or f.name in query.names()
    ]


def _input(view: SchemaView, field: Field, query: Query) -> FilterInput:
    plain = forms.control(field.kind, field, view.endpoint)
    control = FilterInput(**{one.name: getattr(plain, one.name) for one in dataclass_fields(Input)})
    values = query.values
    control.values = list(values.get(field.name, []))
    control.value = (control.values or [""])[0]
    control.lines, control.maxlength = 1, listing.MAX_VALUE
    control.empty = values.get(f"{field.name}.empty", [""])[0]
    control.group = values.get(f"{field.name}.or", [""])[0]
    control.may_be_empty = bool(control.empty) or not (field.required or field.through)
    control.in_use = field.name in query.names()
    if control.control in ("textarea", "tel", "url"):
        control.control = "text"
    if filters.is_span(field):
        control.value = values.get(f"{field.name}.from", [control.value])[0]
        control.until = values.get(f"{field.name}.to", [""])[0]
        if control.control == "datetime-local":
            control.control, control.value, control.until = "date", control.value[:10], control.until[:10]
    if filters.has_periods(field):
        control.periods = [(name, period.label) for name, period in PERIODS.items()]
        control.period = values.get(f"{field.name}.in", [""])[0]
    if field.target:
        control.control = "many"
        control.lookup_url = view.get_url(".ajax_lookup", name=field.name, every=1)
        control.chosen = _chosen(field.target, control.values)
    if isinstance(field.kind, Flag):
        control.choices = [("1", field.kind.format(True)), ("0", field.kind.format(False))]
    control.choices = [(value, label) for value, label in control.choices if value]
    if control.choices:
        control.control = "ticks" if len(control.choices) <= MOST_TICKS else "several"
    if field.name in query.problems:
        control.errors = [str(query.problems[field.name])]
    control.aside = not (control.in_use or field.through or field.listed or isinstance(field.kind, Choice))
    return control


def _chosen(table: str, values: list[str]) -> list[tuple[str, str]]:
    names = chosen_names(table, values)
    return [(value, names.get(value) or str(NOT_VISIBLE)) for value in values]


def narrowing(view: SchemaView, table: str, beside: list[str]) -> list[ColumnElement[bool]]:
    """Conditions on the records that a filter looks up, by what other filters of the form have: with the street 3 as
    "community.street:3" communities of that street are offered, with a squad its officers. None by or for records that
    the actor may not read."""
    policy, actor, model = current_panel().policy, current_actor(), model_of(table)
    if may_only_choose(model):
        return []
    declared = [f for f in filters.filterable(view.model) if f.target]
    targets = {f.name: f.target for f in declared if policy.may(actor, Permission.READ, model_of(str(f.target)))}
    chosen: dict[str, set[int]] = {}
    for text in beside[:MOST_BESIDE]:
        name, _colon, value = text.rpartition(":")
        target, id_ = targets.get(name), ids.parse(value)
        if target and id_ is not None:
            chosen.setdefault(target, set()).add(id_)
    led = [f for f in fields(model) if f.reference and f.target in chosen and f.target != table]
    return [getattr(model, f.attr).in_(chosen[str(f.target)]) for f in led]


Url = Callable[..., str]


def active(controls: list[FilterInput], query: Query, url: Url) -> tuple[list[Chip], list[list[Chip]]]:
    """The filters in use, each with the address without it: those that must all be met, and groups of alternatives."""
    by_name = {control.name: control for control in controls}
    chips: list[Chip] = []
    groups: dict[str, list[Chip]] = {}
    for name in query.names():
        control = by_name[name]
        parts = [_value_words(control, value) for value in control.values]
        parts += [str(label) for period, label in control.periods if period == control.period]
        span = [query.values.get(f"{name}.{end}", [""])[0] for end in ("from", "to")]
        if any(span):
            parts.append(" – ".join(span))
        if control.empty:
            parts.append(str(_("empty") if control.empty == "1" else _("filled in")))
        dropped = {key: None for key in query.values if filters.split(key)[0] == name}
        words = _("{label}: {value}", label=control.label, value=listed(parts))
        chip = Chip(words, url(query, page=1, **dropped))
        (groups.setdefault(control.group, []) if control.group else chips).append(chip)
    if query.search:
        searched = _("Search")
        chips.append(Chip(_("{label}: {value}", label=searched, value=query.search), url(query, page=1, q="")))
    if query.sealed:
        chips.append(Chip(private_numbers.message(query.sealed_shown), url(query, page=1, sealed="")))
    return chips, list(groups.values())


def _value_words(control: FilterInput, value: str) -> str:
    known: Mapping[str, Any] = dict(control.chosen if control.control == "many" else control.choices)
    return str(known.get(value, value))
