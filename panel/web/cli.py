"""What commands have in common: one line on failure, the account that they act as, files on the command line."""

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
from panel.security.accounts import User
from panel.security.policy import SYSTEM, Actor
from panel.security.session import set_actor, writing
from panel.sheets import MAX_BYTES, TOO_LARGE
from panel.web.panel import Panel


def fail(message: object) -> NoReturn:
    click.echo(str(message), err=True)
    sys.exit(1)


def content(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UserError(TOO_LARGE)
        return file.read_bytes()
    except OSError:
        raise UserError(_("There is no file {file}.", file=file)) from None


@contextmanager
def acting(panel: Panel, person: str | None, *, write: bool = False) -> Iterator[Any]:
    """A session that acts as an account, or as the system; one that only reads keeps nobody from writing."""
    with panel.system_session() as session:
        writing.set(write)
        set_actor(session, actor_named(panel, session, person) if person else SYSTEM)
        yield session


def actor_named(panel: Panel, session: Any, name: str) -> Actor:
    statement = select(User).where(User.username == name, User.active).options(joinedload(User.roles))
    user = session.execute(statement).unique().scalar_one_or_none()
    if user is None:
        raise UserError(_("There is no account {name}.", name=name))
    roles = frozenset(role.role for role in user.roles)
    return Actor(user.name, user.id, roles, panel.facts(session, user.id, roles))
