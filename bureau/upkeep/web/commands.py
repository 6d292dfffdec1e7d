"""Commands of the installation: set-up, demo, periodic work, backup, check, accounts."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.access.roles import ROLES, conflict
from bureau.cases import attachments
from panel.i18n import Message, _
from panel.jobs import periodic
from panel.jobs.periodic import Result
from panel.kinds import Invalid
from panel.security import passwords
from panel.security.accounts import User, UserRole
from panel.security.policy import SYSTEM, Actor
from panel.security.session import set_actor
from panel.store import backup as backups
from panel.store.append_only import create_append_only_triggers
from panel.web.cli import fail
from panel.web.panel import Panel

MIGRATIONS = str(Path(__file__).resolve().parents[3] / "migrations")
ROLE_NAMES = [role.name for role in ROLES]


def install(app: Flask, panel: Panel) -> None:
    install_accounts(app, panel)
    install_keeping(app, panel)

    @app.cli.command("setup")
    def setup() -> None:
        """Bring the database to the newest schema and load the reference data. Safe to repeat."""
        from seed import reference  # noqa: PLC0415 - data that no other command needs

        upgrade_database(panel)
        with panel.system_session() as session:
            added = reference.load(session)
        click.echo(
            _(
                "The database is ready. Added: {items} checklist items, {departments} departments, "
                "{days} calendar days.",
                items=added["items"],
                departments=added["departments"],
                days=added["days"],
            )
        )

    @app.cli.command("demo")
    @click.option("--cases", default=2400, show_default=True, help="Cases to make up.")
    @click.option("--password", help="Password of every demo account; made up if not given.")
    def demo(cases: int, password: str | None) -> None:
        """Add the demo district with one account for each role. Existing records are reused."""
        from seed import demo as demo_data  # noqa: PLC0415 - see above
        from seed import pictures  # noqa: PLC0415

        checked_password = password or passwords.temporary()
        try:
            passwords.check(checked_password, "")
        except Invalid as problem:
            fail(problem.message)
        with panel.system_session() as session:
            counts = demo_data.build(
                session,
                cases=cases,
                password_hash=panel.passwords.hash(checked_password),
                secret=app.config["SECRET_KEY"],
            )
            if counts.get("case"):
                pictures.attach(session, attachments.store(app.instance_path))
        if counts.get("user"):
            click.echo(
                _(
                    "Demo district ready: {cases} cases. Log in as {names}; password {password}",
                    cases=counts.get("case", 0),
                    names=", ".join(ROLE_NAMES),
                    password=checked_password,
                )
            )
        else:
            click.echo(
                _(
                    "The demo district is there already; its accounts are {names}. "
                    "Forgotten the password? flask --app admin_app user reset NAME",
                    names=", ".join(ROLE_NAMES),
                )
            )

    @app.cli.command("tick")
    @click.option("--all", "force", is_flag=True, help="Do all of it, whether due or not.")
    def tick(force: bool) -> None:
        """Do the periodic work that is due, as the running server does every few minutes."""
        panel.complete()
        results = periodic.tick(panel, force=force)
        failed = [name for name, result in results.items() if result is Result.FAILED]
        if failed:
            fail(_("Periodic work failed, see the log: {names}", names=", ".join(failed)))
        done = [name for name, result in results.items() if result is Result.DONE]
        click.echo(_("Done: {names}", names=", ".join(done)) if done else _("Nothing was due."))


def install_keeping(app: Flask, panel: Panel) -> None:
    @app.cli.command("backup")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    def backup(file: Path) -> None:
        """Copy the whole database and every attachment into FILE, a ZIP archive, while the panel runs."""
        try:
            size = backups.backup(panel.db.engine, file, attachments.store(app.instance_path))
        except backups.BackupError as problem:
            fail(problem.message)
        click.echo(_("Backed up to {file}, {size} KB.", file=file, size=max(1, size // 1024)))

    @app.cli.command("restore")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=False))
    def restore(file: Path) -> None:
        """Fill an empty database from a backup FILE and put its attachments back."""
        try:
            backups.restore(panel.db.engine, file, attachments.store(app.instance_path))
        except backups.BackupError as problem:
            fail(problem.message)
        upgrade_database(panel)
        click.echo(_("Restored from {file}.", file=file))

    @app.cli.command("check")
    def check() -> None:
        """Check the consistency of the database, event chains, numbers and attachments."""
        from bureau.upkeep import consistency  # noqa: PLC0415 - loads Alembic, which few commands need

        with Session(panel.db.engine) as session:  # only reads, without a write lock
            set_actor(session, SYSTEM)
            # Nothing can be read where whole tables or columns are missing.
            if problem := schema_problem(panel, quick=True):
                fail(problem)
            problems = consistency.check(session, attachments.store(app.instance_path), MIGRATIONS)
        for problem in problems:
            click.echo(str(problem))
        if problems:
            fail(_("{n} things do not agree.", n=len(problems)))
        click.echo(_("All that is stored agrees."))


def _password(panel: Panel, name: str, typed: str | None) -> tuple[str, str]:
    """The given or a generated password and its hash. Ends the command for a weak password."""
    chosen = typed or passwords.temporary()
    try:
        passwords.check(chosen, name)
    except Invalid as problem:
        fail(problem.message)
    return chosen, panel.passwords.hash(chosen)


def install_accounts(app: Flask, panel: Panel) -> None:
    @app.cli.group("user")
    def user() -> None:
        """Accounts."""

    @user.command("add")
    @click.argument("name")
    @click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLE_NAMES))
    @click.option("--password", help="Made up and printed if not given; must be changed at the first log-in.")
    def add(name: str, roles: tuple[str, ...], password: str | None) -> None:
        """Add an account, or a role to one that exists."""
        chosen, hashed = _password(panel, name, password)
        with panel.system_session() as session:
            account = session.execute(select(User).where(User.username == name)).scalar_one_or_none()
            held = frozenset(role.role for role in account.roles) if account else frozenset()
            if problem_found := conflict(session, held | set(roles)):
                fail(problem_found)
            created = account is None
            if account is None:
                account = User(username=name, name=name, password_hash=hashed, stamp=secrets.token_hex(16))
                session.add(account)
            account.roles += [UserRole(role=role) for role in sorted(set(roles) - held)]
        if created:
            click.echo(_("Account {name} added; password {password}", name=name, password=chosen))
        else:
            click.echo(_("Account {name} exists; its roles are up to date.", name=name))

    @user.command("reset")
    @click.argument("name")
    @click.option("--password", help="Made up and printed if not given; must be changed at the next log-in.")
    def reset(name: str, password: str | None) -> None:
        """Give an account a new password, and unlock it."""
        chosen, hashed = _password(panel, name, password)
        with panel.system_session() as session:
            set_actor(session, Actor("command line", system=True))
            account = session.execute(select(User).where(User.username == name)).scalar_one_or_none()
            if account is None:
                fail(_("There is no account {name}.", name=name))
            account.password_hash, account.must_change, account.stamp = hashed, True, secrets.token_hex(16)
            account.failures, account.locked_until = 0, None
        click.echo(_("New password of {name}: {password}", name=name, password=chosen))


def schema_problem(panel: Panel, *, quick: bool = False) -> Message | None:
    """The problem of the database's schema with what to do, or None. `quick` skips the comparison of columns, for the
    start of a server."""
    from panel import schema_state  # noqa: PLC0415 - loads Alembic

    with panel.db.engine.connect() as connection:
        return schema_state.problem(connection, MIGRATIONS, quick=quick)


def upgrade_database(panel: Panel) -> None:
    """Migrate the database. Ends the command if that isn't possible or doesn't repair the schema."""
    from panel import schema_state  # noqa: PLC0415 - loads Alembic

    with panel.db.engine.connect() as connection:
        if problem := schema_state.migration_obstacle(connection, MIGRATIONS):
            fail(problem)
    migrate(panel)
    if problem := schema_problem(panel):
        fail(problem)


def migrate(panel: Panel) -> None:
    """Upgrade to the newest revision and create the append-only triggers again, which a rebuilt table loses."""
    from panel import migrations  # noqa: PLC0415 - loads Alembic

    migrations.upgrade(MIGRATIONS)
    with panel.db.engine.begin() as connection:
        create_append_only_triggers(connection)
