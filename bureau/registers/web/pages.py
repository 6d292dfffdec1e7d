"""Registers on screen: choose, look, take along."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, send_file, url_for

from bureau.calendar.month import Month
from bureau.printing.register_sheet import Marked
from bureau.registers import registers
from bureau.registers.model import Register, RegisterRequest
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from panel import ids
from panel.i18n import Message, _, n_
from panel.kinds import Day, Invalid, tidy, today
from panel.security.policy import Permission
from panel.security.session import set_actor
from panel.web.context import current_actor, current_panel
from panel.web.exports import XLSX
from panel.web.features import Route
from panel.web.pages import Button, Cell, Chip, Column, Input, Page, Row, Words

#: Rows of the preview; the file has them all.
SHOWN = 20
MONTHS = 36


@dataclass(slots=True)
class RegisterPage(Page):
    """`tabs` lead to the other registers; `columns` and `rows` are the first of what the file holds."""

    name: str = ""
    tabs: list[Chip] = field(default_factory=list)
    help: Words = ""
    inputs: list[Input] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0


def may_open() -> bool:
    return bool(registers.may(current_panel().session, Permission.EXPORT))


def page() -> Any:
    session = current_panel().session
    allowed = registers.may(session, Permission.EXPORT)
    if not allowed:
        abort(403)
    register = _register(allowed)
    try:
        wanted = _order()
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("registers", name=register.name))
    rows = registers.fill(session, register, wanted).rows
    shown = RegisterPage(title=_("Registers"), name=register.name, help=register.help, count=len(rows))
    shown.sub = Message("{name} · {words}", name=register.label, words=n_("{n} row", "{n} rows", len(rows)))
    shown.tabs = [Chip(one.label, url_for("registers", name=one.name), active=one is register) for one in allowed]
    shown.inputs = _inputs(register, wanted)
    shown.columns = [Column(str(i), column.label) for i, column in enumerate(register.columns)]
    shown.rows = [Row(i, "", [_cell(value) for value in row]) for i, row in enumerate(rows[:SHOWN])]
    address = url_for("registers_file", name=register.name, **_address(register, wanted))
    shown.buttons = [Button(_("Download"), address, "download", primary=True)]
    return render_template("registers/registers.html", page=shown)


def download() -> Any:
    panel = current_panel()
    register = _register(registers.may(panel.session, Permission.EXPORT))
    try:
        made = workbook.make(panel.session, register, _order())
    except Invalid:
        abort(404)
    panel.session.rollback()
    with panel.system_session() as own:
        set_actor(own, replace(current_actor(), system=True))
        workbook.written(own, register, made)
    return send_file(BytesIO(made.content), XLSX, as_attachment=True, download_name=made.name)


def _register(allowed: list[Register]) -> Register:
    """The one that was asked for, or the first."""
    name = request.args.get("name")
    if name and name not in REGISTERS:
        abort(404)
    found = next((one for one in allowed if name in (None, "", one.name)), None)
    if found is None:
        abort(403)
    return found


def _order() -> RegisterRequest:
    """What was asked for: last month, today and every street, if nothing else was said."""
    given = request.args
    try:
        first = Month.parse(given["month"]) if tidy(given.get("month")) else Month.of(today()).plus(-1)
        last = Month.parse(given["until"]) if tidy(given.get("until")) else None
        day = Day().parse(given.get("on"))
    except Invalid:
        abort(404)
    street, community = _number("street"), _number("community")
    return registers.order(current_panel().session, first, last, day, street, community=community)


def _number(name: str) -> int | None:
    """An id in the address; 404 for what is none."""
    found = ids.parse(request.args.get(name))
    if found is None and tidy(request.args.get(name)):
        abort(404)
    return found


def _address(register: Register, wanted: RegisterRequest) -> dict[str, Any]:
    chosen = {"street": wanted.street, "community": wanted.community if register.by_community else None}
    found: dict[str, Any] = {name: id_ for name, id_ in chosen.items() if id_ is not None}
    if register.by_day:
        return {"on": wanted.day.isoformat(), **found}
    return {"month": str(wanted.first), "until": str(wanted.last), **found}


def _inputs(register: Register, wanted: RegisterRequest) -> list[Input]:
    this = Month.of(today())
    months = sorted({wanted.first, wanted.last, *(this.plus(-i) for i in range(MONTHS))}, reverse=True)
    choices = [(str(month), month.words) for month in months]
    streets = [("", str(_("All streets"))), *((str(i), n) for i, n in registers.streets(current_panel().session))]
    street = Input("street", _("Street"), "select", str(wanted.street or ""), choices=streets)
    if register.by_day:
        return [Input("on", _("As of"), "date", wanted.day.isoformat()), street]
    inputs = [
        Input("month", _("From month"), "select", str(wanted.first), choices=choices),
        Input("until", _("To month"), "select", str(wanted.last), choices=choices),
        street,
    ]
    if register.by_community:
        reached = registers.communities(current_panel().session)
        named = [
            (str(one.id), one.name if wanted.street else f"{one.street} {one.name}")
            for one in reached
            if wanted.street in (None, one.street_id)
        ]
        every = ("", str(_("All communities")))
        inputs.append(
            Input("community", _("Community"), "select", str(wanted.community or ""), choices=[every, *named])
        )
    return inputs


def _cell(value: Any) -> Cell:
    marked = isinstance(value, Marked)
    plain = value.value if marked else value
    text = plain.isoformat() if isinstance(plain, date) else str(plain or "")
    return Cell(text, tone="bad" if marked else None)


ROUTES = (
    Route("/registers", "registers", page),
    Route("/registers/file", "registers_file", download),
)
