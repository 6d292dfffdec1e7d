"""The command that writes a register, by the same functions as the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy import select

from bureau.calendar.month import Month
from bureau.registers import registers
from bureau.registers.model import Register
from bureau.registers.registers import REGISTERS
from bureau.registers.web import workbook
from models import Street
from panel.errors import UserError
from panel.exports import requests
from panel.i18n import _
from panel.kinds import Day, Invalid, today
from panel.security.policy import AccessDenied
from panel.web.cli import acting, fail
from panel.web.panel import Panel


def install(app: Flask, panel: Panel) -> None:
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
        declared = REGISTERS[name]
        try:
            first = Month.parse(month) if month else Month.of(today()).plus(-1)
            last = Month.parse(until) if until else None
            parsed_day = Day().parse(day)
            with acting(panel, person, write=True) as session:
                street_id = None if street is None else _street(session, street)
                community_id = _community(session, declared, street_id, community) if community is not None else None
                params = registers.checked_params(session, first, last, parsed_day, street_id, community=community_id)
                file = workbook.make(session, declared, params)
                out.write_bytes(file.content)
                workbook.note_export(session, declared, file)
                requests.note_file(session, file.name, table_name=declared.model.__tablename__, row_count=file.rows)
        except (Invalid, AccessDenied, UserError) as problem:
            fail(problem.message)
        except OSError:
            fail(_("{file} can't be written.", file=out))
        click.echo(_("{n} rows written: {file}", n=file.rows, file=out))


def _street(session: Any, name: str) -> int:
    id_ = session.execute(select(Street.id).where(Street.name == name)).scalar_one_or_none()
    if id_ is None:
        raise UserError(_("There is no street {name}.", name=name))
    return int(id_)


def _community(session: Any, register: Register, street: int | None, name: str) -> int:
    if not register.by_community:
        raise UserError(_("This register isn't kept for one community alone."))
    communities = registers.communities(session)
    ids = [place.id for place in communities if place.name == name and street in (None, place.street_id)]
    if not ids:
        raise UserError(_("There is no community {name}.", name=name))
    if len(ids) > 1:
        raise UserError(_("Several communities are called {name}: name the street as well.", name=name))
    return ids[0]
