"""The page of registers: parameters, preview and download."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.calendar.month import Month
from bureau.printing.register_sheet import Marked
from bureau.registers import registers
from bureau.registers.model import Register, RegisterRequest
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from panel import ids
from panel.i18n import Message, _, n_
from panel.kinds import Day, Invalid, tidy, today
from panel.security.granted import granted
from panel.security.policy import Permission
from panel.web.context import current_panel
from panel.web.downloads import logging_file, noting, send_download
from panel.web.features import Route
from panel.web.pages import Button, Cell, Chip, Column, Input, Page, Row, Words

#: Rows of the preview; the file has them all.
SHOWN = 20
MONTHS = 36


@dataclass(slots=True)
class RegisterPage(Page):
    """`tabs` link to the other registers; `columns` and `rows` are a preview of the workbook."""

    name: str = ""
    tabs: list[Chip] = field(default_factory=list)
    help: Words = ""
    inputs: list[Input] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    count: int = 0


def may_open() -> bool:
    return bool(registers.permitted(current_panel().session, Permission.EXPORT))


def page() -> Any:
    session = current_panel().session
    permitted = registers.permitted(session, Permission.EXPORT)
    if not permitted:
        abort(403)
    register = _register(permitted)
    with granted(session, Permission.EXPORT, register.model):
        return _page(register, permitted)


def _page(register: Register, permitted: list[Register]) -> Any:
    session = current_panel().session
    try:
        params = _params()
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("registers", name=register.name))
    rows = registers.fill(session, register, params).rows
    register_page = RegisterPage(title=_("Registers"), name=register.name, help=register.help, count=len(rows))
    register_page.sub = Message("{name} · {words}", name=register.label, words=n_("{n} row", "{n} rows", len(rows)))
    register_page.tabs = [
        Chip(other.label, url_for("registers", name=other.name), active=other is register) for other in permitted
    ]
    register_page.inputs = _inputs(register, params)
    register_page.columns = [Column(str(i), column.label) for i, column in enumerate(register.columns)]
    register_page.rows = [Row(i, "", [_cell(value) for value in row]) for i, row in enumerate(rows[:SHOWN])]
    address = url_for("registers_file", name=register.name, **_address(register, params))
    register_page.buttons = [Button(_("Download"), address, "download", primary=True)]
    return render_template("registers/registers.html", page=register_page)


def download() -> Any:
    panel = current_panel()
    register = _register(registers.permitted(panel.session, Permission.EXPORT))
    try:
        with granted(panel.session, Permission.EXPORT, register.model):
            file = workbook.make(panel.session, register, _params())
    except Invalid:
        abort(404)
    with logging_file() as session:
        workbook.note_export(session, register, file)
    noting(register.model.__tablename__, file.rows)
    return send_download(BytesIO(file.content), file.name)


def _register(permitted: list[Register]) -> Register:
    """The register named in the address, by default the first permitted one. 404 for an unknown name, 403 without the
    right."""
    name = request.args.get("name")
    if name and name not in REGISTERS:
        abort(404)
    register = next((candidate for candidate in permitted if name in (None, "", candidate.name)), None)
    if register is None:
        abort(403)
    return register


def _params() -> RegisterRequest:
    """The parameters in the address; by default last month, today and all streets. 404 for values that can't be
    parsed."""
    args = request.args
    try:
        first = Month.parse(args["month"]) if tidy(args.get("month")) else Month.of(today()).plus(-1)
        last = Month.parse(args["until"]) if tidy(args.get("until")) else None
        day = Day().parse(args.get("on"))
    except Invalid:
        abort(404)
    street, community = _id_in_address("street"), _id_in_address("community")
    return registers.checked_params(current_panel().session, first, last, day, street, community=community)


def _id_in_address(name: str) -> int | None:
    """An id in the address. 404 for any other text."""
    id_ = ids.parse(request.args.get(name))
    if id_ is None and tidy(request.args.get(name)):
        abort(404)
    return id_


def _address(register: Register, params: RegisterRequest) -> dict[str, Any]:
    chosen = {"street": params.street, "community": params.community if register.by_community else None}
    filters: dict[str, Any] = {name: id_ for name, id_ in chosen.items() if id_ is not None}
    if register.by_day:
        return {"on": params.day.isoformat(), **filters}
    return {"month": str(params.first), "until": str(params.last), **filters}


def _inputs(register: Register, params: RegisterRequest) -> list[Input]:
    this_month = Month.of(today())
    months = sorted({params.first, params.last, *(this_month.plus(-i) for i in range(MONTHS))}, reverse=True)
    choices = [(str(month), month.label) for month in months]
    streets = [("", str(_("All streets"))), *((str(i), n) for i, n in registers.streets(current_panel().session))]
    street = Input("street", _("Street"), "select", str(params.street or ""), choices=streets)
    if register.by_day:
        return [Input("on", _("As of"), "date", params.day.isoformat()), street]
    inputs = [
        Input("month", _("From month"), "select", str(params.first), choices=choices),
        Input("until", _("To month"), "select", str(params.last), choices=choices),
        street,
    ]
    if register.by_community:
        communities = registers.communities(current_panel().session)
        options = [
            (str(place.id), place.name if params.street else f"{place.street} {place.name}")
            for place in communities
            if params.street in (None, place.street_id)
        ]
        all_communities = ("", str(_("All communities")))
        inputs.append(
            Input(
                "community", _("Community"), "select", str(params.community or ""), choices=[all_communities, *options]
            )
        )
    return inputs


def _cell(value: Any) -> Cell:
    marked = isinstance(value, Marked)
    plain = value.value if marked else value
    text = plain.isoformat() if isinstance(plain, date) else str(plain or "")
    return Cell(text, tone="bad" if marked else None)


ROUTES = (
    Route("/registers", "registers", page),
    Route("/registers/file", "registers_file", download, asks="to export the table of the register that is asked for"),
)
