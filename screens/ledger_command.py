"""The command that writes a monthly ledger. It takes the path that the page takes."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from casework.month import Month
from models import Basis, Squad
from panel.access import Refused
from panel.kinds import Invalid
from panel.plans import Unusable
from panel.text import _
from panel.web.assemble import Panel
from screens import ledgerfile
from screens.commands import fail
from screens.files import acting


def install(app: Flask, panel: Panel) -> None:
    @app.cli.command("ledger")
    @click.argument("month")
    @click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
    @click.option(
        "--by",
        "basis",
        type=click.Choice([one.value for one in Basis]),
        default=Basis.ACCEPTED.value,
        show_default=True,
        help="Cases accepted in the month, or closed in it.",
    )
    @click.option("--squad", metavar="NAME", help="Only this squad's part.")
    @click.option("--as", "person", metavar="USER", help="Act as this account: its rights and its scope.")
    def ledger(month: str, out: Path, basis: str, squad: str | None, person: str | None) -> None:
        """Write the ledger of MONTH (2026-05) as a workbook, as it was handed up or as it stands."""
        try:
            wanted = Month.parse(month)
            with acting(panel, person) as session:
                id_ = None if squad is None else _squad(session, squad)
                made = ledgerfile.make(session, ledgerfile.order(session, wanted, Basis.of(basis), id_))
            out.write_bytes(made.content)
        except (Invalid, Refused, Unusable) as problem:
            fail(problem.message)
        except OSError:
            fail(_("{file} can't be written.", file=out))
        click.echo(_("{n} cases written: {file}", n=made.rows, file=out))


def _squad(session: Session, name: str) -> int:
    found = session.execute(select(Squad.id).where(Squad.name == name)).scalar_one_or_none()
    if found is None:
        raise Unusable(_("There is no squad {name}.", name=name))
    return found
