"""The command that writes a monthly ledger, by the same functions as the page."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.calendar.month import Month
from bureau.ledger.web import files
from models import Basis, Ledger, Squad
from panel.errors import UserError
from panel.exports import requests
from panel.i18n import _
from panel.kinds import Invalid
from panel.security.policy import AccessDenied
from panel.web.cli import acting, fail
from panel.web.panel import Panel


def install(app: Flask, panel: Panel) -> None:
    @app.cli.command("ledger")
    @click.argument("month")
    @click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
    @click.option(
        "--by",
        "basis",
        type=click.Choice([member.value for member in Basis]),
        default=Basis.ACCEPTED.value,
        show_default=True,
        help="Cases accepted in the month, or closed in it.",
    )
    @click.option("--squad", metavar="NAME", help="Only this squad's part.")
    @click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")
    def ledger(month: str, out: Path, basis: str, squad: str | None, person: str | None) -> None:
        """Write the ledger of MONTH (2026-05) as a workbook, as it was handed up or as it stands."""
        try:
            parsed_month = Month.parse(month)
            with acting(panel, person) as session:
                squad_id = None if squad is None else _squad(session, squad)
                file = files.make(session, files.checked_params(session, parsed_month, Basis.of(basis), squad_id))
            out.write_bytes(file.content)
            with acting(panel, person, write=True) as session:
                requests.note_file(session, file.name, table_name=Ledger.__tablename__, row_count=file.rows)
        except (Invalid, AccessDenied, UserError) as problem:
            fail(problem.message)
        except OSError:
            fail(_("{file} can't be written.", file=out))
        click.echo(_("{n} cases written: {file}", n=file.rows, file=out))


def _squad(session: Session, name: str) -> int:
    squad_id = session.execute(select(Squad.id).where(Squad.name == name)).scalar_one_or_none()
    if squad_id is None:
        raise UserError(_("There is no squad {name}.", name=name))
    return squad_id
