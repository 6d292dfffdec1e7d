"""A trial of PostgreSQL's dumps: restored into a database of its own on the same server, compared, and dropped. What is
a file of SQLite was compared when it was unpacked."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from panel.i18n import Message, _
from panel.security.transactions import reading
from panel.store.backups import copies
from panel.store.backups import manifest as manifests
from panel.store.backups.archive import Unpacked
from panel.store.backups.errors import BackupError
from panel.store.backups.manifest import PG_DUMP, SQLITE

log = logging.getLogger(__name__)


def problem(engine: Engine) -> Message | None:
    """Why dumps of this database can't be tried, so that their hashes alone are compared; None if they can."""
    if engine.dialect.name == "sqlite" or copies.tool_problem(engine) is not None:
        return None
    if shutil.which("pg_restore") is None:
        return _("pg_restore isn't installed: backups are compared by their hashes, not restored on trial.")
    with reading(), engine.connect() as connection:
        may = connection.exec_driver_sql(
            "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).scalar()
    if may:
        return None
    return _(
        "The account of the database may not create databases: backups are compared by their hashes, not restored on "
        "trial. Give it CREATEDB."
    )


def restore(engine: Engine, content: Unpacked) -> None:
    """Restore a dump on trial, where that is possible. Raises BackupError if it doesn't come back, or as another."""
    manifest = content.manifest
    if manifest is None or manifest.kind == SQLITE or engine.dialect.name == "sqlite" or problem(engine) is not None:
        return
    with _scratch(engine) as scratch:
        if scratch is None:
            return
        copies.restore_dump(scratch, content.database)
        if manifest.kind == PG_DUMP:  # of an earlier version: its rows were counted at another moment
            return
        with reading(), scratch.connect() as connection:
            found = manifests.difference(manifest, connection)
        if found:
            raise BackupError(_("Restored on trial, it isn't as it was made: {what}.", what=found))


@contextmanager
def _scratch(engine: Engine) -> Iterator[Engine | None]:
    """An empty database on the same server, dropped at the end; None if the server refuses it."""
    name = f"casework_trial_{secrets.token_hex(4)}"
    server = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool, hide_parameters=True)
    scratch = create_engine(engine.url.set(database=name), poolclass=NullPool, hide_parameters=True)
    with reading(), server.connect() as connection:
        try:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        except DBAPIError as error:
            log.warning("no backup was restored on trial: %s", error.orig)
            yield None
            return
        try:
            yield scratch
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
