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
from panel.errors import UserError
from panel.i18n import Message, _
from panel.jobs import periodic
from panel.jobs.periodic import Result
from panel.kinds import Invalid
from panel.search import text_index
from panel.security import passwords
from panel.security.accounts import User, UserRole
from panel.security.keys import fingerprint, keys_of
from panel.security.policy import SYSTEM, Actor
from panel.security.session import set_actor
from panel.store import fingerprints, maintenance, private_files, rotation
from panel.store.append_only import create_append_only_triggers
from panel.store.login import factors, tries
from panel.store.sealed import checking as sealed_logs
from panel.web.cli import fail
from panel.web.panel import Panel
from panel.web.system.log_work import heads_file

MIGRATIONS = str(Path(__file__).resolve().parents[3] / "migrations")
ROLE_NAMES = [role.name for role in ROLES]


def install(app: Flask, panel: Panel) -> None:
    install_accounts(app, panel)
    install_keeping(app, panel)
    install_keys(app, panel)

    @app.cli.command("setup")
    def setup() -> None:
        """Bring the database to the newest schema and load the reference data. Safe to repeat."""
        from seed import reference  # noqa: PLC0415 - data that no other command needs

        upgrade_database(panel)
        with panel.system_session() as session:
            try:
                fingerprints.remember(session, panel.keys())
            except UserError as problem:
                fail(problem.message)
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
        from seed import changes, pictures  # noqa: PLC0415 - see above
        from seed import demo as demo_data  # noqa: PLC0415

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
                secret=keys_of(panel.db.engine).hash,
            )
            if counts.get("case"):
                pictures.attach(session, attachments.store(app.instance_path))
                changes.build(session)
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
    @app.cli.command("check")
    def check() -> None:
        """Check the consistency of the database, sealed logs, event chains, numbers and attachments."""
        from bureau.upkeep import consistency  # noqa: PLC0415 - loads Alembic, which few commands need

        with Session(panel.db.engine) as session:  # only reads, without a write lock
            set_actor(session, SYSTEM)
            # Nothing can be read where whole tables or columns are missing.
            if problem := schema_problem(panel, quick=True):
                fail(problem)
            store = attachments.store(app.instance_path)
            problems = consistency.check(session, store, MIGRATIONS, heads_file(app))
            waiting = sum(sealed_logs.unsealed(session.connection()).values())
        problems += private_files.problems(Path(app.instance_path))
        if hidden := rotation.outdated(panel.db.engine):
            problems.append(_("{n} records hold private values in clear or by an old key: private rotate", n=hidden))
        for problem in problems:
            click.echo(str(problem))
        if waiting:
            click.echo(
                _("{n} rows of the logs are newer than their last seal; the periodic work seals them.", n=waiting)
            )
        if problems:
            fail(_("{n} things do not agree.", n=len(problems)))
        click.echo(_("All that is stored agrees."))


def install_keys(app: Flask, panel: Panel) -> None:
    @app.cli.group("keys")
    def keys() -> None:
        """The keys of the installation, which stand outside its database."""

    @keys.command("list")
    def list_() -> None:
        """Print the fingerprint of each key, and whether it is the one that the database was set up with."""
        with panel.db.engine.connect() as connection:
            stored = fingerprints.stored(connection)
        for name, key in panel.keys().items():
            present = fingerprint(key) if key else _("missing")
            agrees = _("as stored") if stored.get(name) == present else _("not as stored")
            click.echo(f"{name} {present} {agrees}")

    @keys.command("accept")
    @click.argument("name", type=click.Choice(sorted(fingerprints.REPLACEABLE)))
    def accept(name: str) -> None:
        """Accept the present key NAME in place of the former one. All sessions end."""
        with panel.system_session() as session:
            set_actor(session, Actor("command line", system=True))
            try:
                fingerprints.accept(session, name, panel.keys().get(name, ""))
            except UserError as problem:
                fail(problem.message)
        click.echo(_("{name} is accepted; everybody has to log in again.", name=name))


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
        """Give an account a new password, unlock it, and remove its second factor."""
        chosen, hashed = _password(panel, name, password)
        with panel.system_session() as session:
            set_actor(session, Actor("command line", system=True))
            account = session.execute(select(User).where(User.username == name)).scalar_one_or_none()
            if account is None:
                fail(_("There is no account {name}.", name=name))
            account.set_password(hashed, must_change=True)
            factors.remove(session, [account.id])
            tries.unlock(session, [account.id])
        click.echo(_("New password of {name}: {password}", name=name, password=chosen))


def schema_problem(panel: Panel, *, quick: bool = False) -> Message | None:
    """The problem of the database's schema with what to do, or None. `quick` skips the comparison of columns, for the
    start of a server."""
    from panel import schema_state  # noqa: PLC0415 - loads Alembic

    with panel.db.engine.connect() as connection:
        return schema_state.problem(connection, MIGRATIONS, quick=quick)


def upgrade_database(panel: Panel, *, keys: bool = True) -> None:
    """Migrate the database. Ends the command if that isn't possible or doesn't repair the schema, or if the keys aren't
    those of the database, unless these were said to be lost."""
    from panel import schema_state  # noqa: PLC0415 - loads Alembic

    with panel.db.engine.connect() as connection:
        if problem := schema_state.migration_obstacle(connection, MIGRATIONS):
            fail(problem)
        if keys and (problem := fingerprints.problem(connection, panel.keys(), panel.app.instance_path)):
            fail(problem)
    migrate(panel)
    if problem := schema_problem(panel):
        fail(problem)


def migrate(panel: Panel) -> None:
    """Upgrade to the newest revision, create the append-only triggers again, which a rebuilt table loses, and make the
    text indexes that are missing. What a migration has encrypted or removed is overwritten in the file."""
    from panel import migrations, schema_state  # noqa: PLC0415 - load Alembic

    with panel.db.engine.connect() as connection:
        before = schema_state.revision_of(connection)
    migrations.upgrade(MIGRATIONS)
    with panel.db.engine.connect() as connection:
        after = schema_state.revision_of(connection)
    if before not in (None, after) and not maintenance.rewrite(panel.db.engine):
        click.echo(str(maintenance.rewrite_obstacle(panel.db.engine)), err=True)
    with panel.db.engine.begin() as connection:
        create_append_only_triggers(connection)
        text_index.install(connection, text_index.indexed())
