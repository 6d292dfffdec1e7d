"""Commands of the sealed logs."""

from __future__ import annotations

import click
from flask import Flask

from bureau.upkeep.web import growth
from panel.errors import UserError
from panel.i18n import _, in_default_locale, listed
from panel.security import audit
from panel.security.policy import Actor
from panel.security.records import AuditAction
from panel.security.session import set_actor
from panel.store.sealed import heads
from panel.store.sealed.records import LogBlock
from panel.web.cli import fail
from panel.web.panel import Panel
from panel.web.system.log_work import heads_file, seal_and_write


def install(app: Flask, panel: Panel) -> None:
    @app.cli.group("logs")
    def logs() -> None:
        """Sealed logs."""

    @logs.command("seal")
    def seal() -> None:
        """Seal what isn't sealed yet, write the head to its file, and print it."""
        count = seal_and_write(panel)
        with panel.db.engine.connect() as connection:
            head = heads.current(connection)
        if head is None:
            fail(_("There are no logs to seal yet."))
        click.echo(_("Sealed: {n} rows. Head: block {block}, {seal}", n=count, block=head.block, seal=head.seal))

    @logs.command("archive")
    @click.option("--months", type=click.IntRange(6), required=True, help="Entries older than so many months.")
    def archive(months: int) -> None:
        """Move old entries of audit, log-ins and exports to sealed files in the folder archive."""
        try:
            names = growth.run_archive(growth.months_ago(months))
        except UserError as problem:
            fail(problem.message)
        click.echo(_("Archived: {names}", names=listed(names)) if names else _("Nothing is that old."))

    @logs.command("accept")
    @click.option("--reason", required=True, help="Why the logs are as they are, such as the restored backup's day.")
    def accept(reason: str) -> None:
        """Accept the logs as they stand, after an older backup was restored: earlier heads don't count any more."""
        with panel.system_session() as session:
            set_actor(session, Actor("command line", system=True))
            note = in_default_locale(_("Logs accepted as they stand: {reason}", reason=reason))
            audit.note(session, AuditAction.EVENT, LogBlock.__tablename__, None, note)
        seal_and_write(panel, reason)
        click.echo(_("Accepted; noted in the audit trail and in {file}.", file=heads_file(app)))
