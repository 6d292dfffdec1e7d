"""Helpers of commands: failure messages, files, and the session of an account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from panel.errors import UserError
from panel.i18n import _
from panel.security.accounts import User, roles_in_force
from panel.security.policy import SYSTEM, Actor
from panel.security.session import set_actor, writing
from panel.sheets import MAX_BYTES, TOO_LARGE
from panel.web.panel import Panel


def fail(message: object) -> NoReturn:
    """Print a message to stderr and exit with status 1."""
    click.echo(str(message), err=True)
    sys.exit(1)


def read_file(file: Path) -> bytes:
    """The bytes of a file. Raises UserError if it is missing or too large."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UserError(TOO_LARGE)
        return file.read_bytes()
    except OSError:
        raise UserError(_("There is no file {file}.", file=file)) from None


@contextmanager
def acting(panel: Panel, person: str | None, *, write: bool = False) -> Iterator[Any]:
    """A session that acts as the account with this user name, or as the system if `person` is None. Without `write` it
    takes no write lock. Raises UserError for an unknown account."""
    with panel.system_session() as session:
        writing.set(write)
        set_actor(session, actor_named(panel, session, person) if person else SYSTEM)
        yield session


def begin_writing(session: Any) -> None:
    """Let the session of a command write from now on, in a new transaction."""
    session.rollback()
    writing.set(True)


def actor_named(panel: Panel, session: Any, name: str) -> Actor:
    """The active account with this user name as an actor. Raises UserError if there is none."""
    statement = select(User).where(User.username == name, User.active).options(joinedload(User.roles))
    user = session.execute(statement).unique().scalar_one_or_none()
    if user is None:
        raise UserError(_("There is no account {name}.", name=name))
    roles = roles_in_force(user)
    return panel.policy.actor(user.name, user.id, roles, panel.facts(session, user.id, roles))
