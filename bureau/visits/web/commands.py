"""The command that plans visits."""

from __future__ import annotations

import click
from flask import Flask

from bureau.visits import planning
from panel.i18n import _
from panel.kinds import Day, Invalid, today
from panel.web.cli import fail
from panel.web.panel import Panel


def install(app: Flask, panel: Panel) -> None:
    @app.cli.group("duty")
    def group() -> None:
        """Monday visits."""

    @group.command("plan")
    @click.option("--since", metavar="DAY", help="Plan Mondays from this day on; past ones count as missed.")
    def plan(since: str | None) -> None:
        """Plan the visits of the coming Mondays, as the running server does by itself. Safe to repeat."""
        try:
            day = Day().parse(since)
        except Invalid as problem:
            fail(problem.message)
        if day is not None and (today() - day).days > planning.MAX_DAYS_BACK:
            fail(_("At most {n} days back.", n=planning.MAX_DAYS_BACK))
        with panel.system_session() as session:
            result = planning.plan_and_miss(session, since=day)
        click.echo(
            _(
                "Visits: {planned} planned, {moved} given to another officer or liaison, {missed} missed.",
                planned=result.planned,
                moved=result.moved,
                missed=result.missed,
            )
        )
