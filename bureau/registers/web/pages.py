"""Registers on screen and at the command line: choose, look, take along. Both take the same path."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import click
from flask import Flask, abort, flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select

from bureau.calendar.month import Month
from bureau.printing.register_sheet import Marked
from bureau.registers.web import registers
from bureau.registers.web.registers import REGISTERS, Register, RegisterRequest
from models import Street
from panel import ids
from panel.errors import UserError
from panel.i18n import Message, _, n_
from panel.kinds import Day, Invalid, tidy, today
from panel.security.policy import AccessDenied, Permission
from panel.security.session import act_for
from panel.web.cli import acting, fail
from panel.web.context import current_actor, current_panel
from panel.web.exports import XLSX
from panel.web.features import Route
from panel.web.pages import Button, Cell, Chip, Column, Input, Page, Row, Words
from panel.web.panel import Panel

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
        made = registers.make(panel.session, register, _order())
    except Invalid:
        abort(404)
    panel.session.rollback()
    with panel.system_session() as own:
        act_for(own, replace(current_actor(), system=True))
        registers.written(own, register, made)
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


def install_command(app: Flask, panel: Panel) -> None:
    @app.cli.command("register")
    @click.argument("name", type=click.Choice(sorted(REGISTERS)))
    @click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The workbook.")
    @click.option("--month", metavar="MONTH", help="The month (2026-05); last month if not given.")
    @click.option("--until", metavar="MONTH", help="The last month of a longer period.")
    @click.option("--on", "day", metavar="DAY", help="The day of a roster; today if not given.")
    @click.option("--street", metavar="NAME", help="Only this street.")
    @click.option("--community", metavar="NAME", help="Only this community, in the register of visits.")
    @click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")
    def register(  # noqa: PLR0917 - one for each option
        name: str,
        out: Path,
        month: str | None,
        until: str | None,
        day: str | None,
        street: str | None,
        community: str | None,
        person: str | None,
    ) -> None:
        """Write a register as a workbook to print and sign."""
        chosen = REGISTERS[name]
        try:
            first = Month.parse(month) if month else Month.of(today()).plus(-1)
            last = Month.parse(until) if until else None
            on = Day().parse(day)
            with acting(panel, person, write=True) as session:
                id_ = None if street is None else _street(session, street)
                place = _community(session, chosen, id_, community) if community is not None else None
                wanted = registers.order(session, first, last, on, id_, community=place)
                made = registers.make(session, chosen, wanted)
                out.write_bytes(made.content)
                registers.written(session, chosen, made)
        except (Invalid, AccessDenied, UserError) as problem:
            fail(problem.message)
        except OSError:
            fail(_("{file} can't be written.", file=out))
        click.echo(_("{n} rows written: {file}", n=made.rows, file=out))


def _street(session: Any, name: str) -> int:
    found = session.execute(select(Street.id).where(Street.name == name)).scalar_one_or_none()
    if found is None:
        raise UserError(_("There is no street {name}.", name=name))
    return int(found)


def _community(session: Any, register: Register, street: int | None, name: str) -> int:
    if not register.by_community:
        raise UserError(_("This register isn't kept for one community alone."))
    reached = registers.communities(session)
    found = [one.id for one in reached if one.name == name and street in (None, one.street_id)]
    if not found:
        raise UserError(_("There is no community {name}.", name=name))
    if len(found) > 1:
        raise UserError(_("Several communities are called {name}: name the street as well.", name=name))
    return found[0]


ROUTES = (
    Route("/registers", "registers", page),
    Route("/registers/file", "registers_file", download),
)
