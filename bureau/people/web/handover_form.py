"""The form of a handover: its controls for a liaison and for an officer, and what was entered in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import url_for

from bureau.people.handover import NewLiaison, Takers
from bureau.people.holdings import KINDS, Held
from models import Liaison
from panel import ids
from panel.fields import Field, field_named
from panel.i18n import Message, _
from panel.kinds import Day, Invalid, Text, tidy, today
from panel.web.lookups import chosen
from panel.web.pages import Group, Input, Words

REASON = Text(200)


@dataclass(frozen=True, slots=True)
class Account:
    """The active account of whoever leaves: what is said of it, and whether it serves for nothing else."""

    help: Message
    ends: bool


@dataclass(slots=True)
class Form:
    """The controls by group, and the values that could be read. `prefix` keeps the controls of two people apart."""

    values: Mapping[str, str]
    posted: bool
    groups: list[Group] = field(default_factory=list)

    def control(self, name: str, label: Words, control: str, default: str = "", **options: Any) -> Input:
        value = self.values.get(name, "") if self.posted else self.values.get(name, default)
        input_ = Input(name, label, control, value=value, **options)
        if control == "lookup" and value:
            found = chosen("officer", value)
            input_.text = found.label if found is not None else ""
            if found is None:
                input_.errors = [str(_("Choose one from the list."))]
        return input_

    @property
    def errors(self) -> list[tuple[str, Words, str]]:
        return [(i.name, i.label, error) for group in self.groups for i in group.inputs for error in i.errors]

    def input(self, name: str) -> Input | None:
        return next((i for group in self.groups for i in group.inputs if i.name == name), None)


def add_act(form: Form) -> None:
    """The day and the reason."""
    begins = form.control(
        "begins",
        _("First day of whoever takes over"),
        "date",
        today().isoformat(),
        required=True,
        help=_("The term of whoever hands over ends on the day before."),
    )
    reason = form.control("reason", _("Reason"), "text", required=True, maxlength=REASON.length)
    form.groups.append(Group(_("Handover"), [begins, reason]))


def act_of(form: Form) -> tuple[date, str]:
    """The day and the reason that were entered; the controls get the errors."""
    begins, reason = form.input("begins"), form.input("reason")
    assert begins is not None
    assert reason is not None
    day, words = None, tidy(reason.value)[: REASON.length]
    try:
        day = Day().parse(begins.value)
    except Invalid as problem:
        begins.errors = [str(problem.message)]
    else:
        if day is None:
            begins.errors = [str(_("This must be filled in."))]
    if not words:
        reason.errors = [str(_("This must be filled in."))]
    return day or today(), words


def add_liaison(form: Form, taker: Liaison | None, account: Account | None) -> None:
    """Who takes over as liaison: whoever is in office already, or a new row."""
    group = Group(_("Liaison who takes over"))
    if taker is not None:
        group.inputs.append(Input("taker", _("In office"), "shown", text=taker.name))
    else:
        for name in ("name", "mobile", "post"):
            declared = _field(name)
            group.inputs.append(
                form.control(
                    f"new.{name}",
                    declared.label,
                    "tel" if name == "mobile" else "text",
                    maxlength=getattr(declared.kind, "length", None),
                    help=_("Gets a row of their own in the roster.") if name == "name" else None,
                )
            )
        group.inputs.append(
            form.control(
                "vacant",
                _("Post is vacant"),
                "flag",
                "0",
                help=_("Open cases then wait without a liaison; the next one gets them when they begin."),
            )
        )
    if account is not None:
        group.inputs.append(_account(form, "liaison_account", account))
    form.groups.append(group)


def _field(name: str) -> Field:
    declared = field_named(Liaison, name)
    assert declared is not None
    return declared


def new_liaison(form: Form) -> tuple[NewLiaison | None, bool]:
    """The new liaison that was entered, and whether the post is vacant; the controls get the errors."""
    values: dict[str, Any] = {}
    for name in ("name", "mobile", "post"):
        input_ = form.input(f"new.{name}")
        if input_ is None:
            return None, False
        try:
            values[name] = _field(name).kind.parse(input_.value)
        except Invalid as problem:
            input_.errors = [str(problem.message)]
    vacant = form.values.get("vacant") == "1"
    name_input = form.input("new.name")
    if name_input is not None and not name_input.errors:
        if vacant and values.get("name"):
            name_input.errors = [str(_("A post is vacant, or somebody takes over: one of the two."))]
        elif not values.get("name") and (values.get("mobile") or values.get("post")):
            name_input.errors = [str(_("This must be filled in."))]
    if not values.get("name"):
        return None, vacant
    return NewLiaison(values["name"], values.get("mobile"), values.get("post")), vacant


def add_officer(
    form: Form,
    held: Sequence[Held],
    communities: Mapping[int, str],
    account: Account | None,
    *,
    leaves: bool,
) -> None:
    """Who takes over from an officer: one for all, others by kind and by community."""
    lookup = url_for("assignment.ajax_lookup", name="officer")
    everything = form.control("taker", _("Officer who takes over"), "lookup", lookup_url=lookup)
    everything.help = _("For all that is not given to somebody else below.")
    group = Group(_("Officer who takes over"), [everything])
    if leaves:
        group.inputs.append(form.control("retire", _("No longer in service"), "flag", "1"))
    if account is not None:
        group.inputs.append(_account(form, "officer_account", account))
    form.groups.append(group)
    kinds = sorted({one.kind for one in held if not KINDS[one.kind].follows}, key=lambda name: KINDS[name].rank)
    if len(kinds) > 1:
        inputs = [form.control(f"kind.{k}", KINDS[k].label, "lookup", lookup_url=lookup) for k in kinds]
        form.groups.append(Group(_("Others by kind"), inputs))
    if len(communities) > 1:
        inputs = [form.control(f"at.{id_}", name, "lookup", lookup_url=lookup) for id_, name in communities.items()]
        form.groups.append(Group(_("Others by community, which counts most"), inputs))


def takers_of(form: Form) -> Takers:
    """Who gets a record: whoever is named for its community, else for its kind, else for all."""

    def taker(held: Held) -> int | None:
        for name in (f"at.{held.community}", f"kind.{held.kind}", "taker"):
            if (id_ := ids.parse(form.values.get(name))) is not None:
                return id_
        return None

    return taker


def _account(form: Form, name: str, account: Account) -> Input:
    default = "1" if account.ends else "0"
    return form.control(name, _("Deactivate the account"), "flag", default, help=account.help)
