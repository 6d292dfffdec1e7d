"""Periodic work of the logs: seal new rows, and write the head of the chain to its file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from panel.jobs import periodic
from panel.store.proposals import end_roles
from panel.store.sealed import heads, sealing
from panel.web.panel import Panel

#: Rows may be changed unnoticed for so long.
SEAL_EVERY, HEAD_EVERY = timedelta(minutes=15), timedelta(days=1)


def heads_file(app: Flask) -> Path:
    """The file of the daily heads."""
    return Path(app.config.get("LOG_HEADS") or Path(app.instance_path) / "log_heads.txt")


def install(panel: Panel) -> None:
    """Register the work. It is done after the transaction that claims it, so that nobody waits for it."""

    def seal(_session: Session) -> object:
        return lambda: sealing.seal(panel.db.engine)

    def write_head(_session: Session) -> object:
        return lambda: seal_and_write(panel)

    periodic.register(panel, "roles.end", timedelta(hours=1), end_roles)
    periodic.register(panel, "logs.seal", SEAL_EVERY, seal)
    periodic.register(panel, "logs.head", HEAD_EVERY, write_head)


def seal_and_write(panel: Panel, accepted: str = "") -> int:
    """Seal what is there and write the head. Returns the number of rows sealed."""
    count = sealing.seal(panel.db.engine)
    with panel.db.engine.connect() as connection:
        heads.write(connection, heads_file(panel.app), accepted)
    return count
