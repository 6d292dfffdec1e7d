"""Commands of the keys that private values are encrypted with."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

import click
from flask import Flask

from panel.base import UNSCOPED
from panel.i18n import _, in_default_locale
from panel.security import audit, keys
from panel.security.policy import Actor
from panel.security.records import AuditAction
from panel.security.session import set_actor
from panel.store import fingerprints, maintenance, rotation
from panel.store.records import Setting
from panel.web.cli import fail
from panel.web.panel import Panel


def install(app: Flask, panel: Panel) -> None:
    @app.cli.group("private")
    def private() -> None:
        """Encrypted values."""

    @private.command("rotate")
    def rotate() -> None:
        """Encrypt private values with a new key. Stop the server first. Safe to repeat after an interruption."""
        file, engine = Path(app.instance_path) / "data_key", panel.db.engine
        present = keys.keys_of(engine)
        in_file = tuple(file.read_text().split()) if file.is_file() else ()
        if in_file != present.data:
            _from_environment(panel, present)
            return
        if len(in_file) == 1:
            in_file = (secrets.token_hex(32), *in_file)
            _write(file, in_file)
        keys.use(engine, replace(present, data=in_file))
        count = rotation.rotate(engine)
        _accept(panel, in_file[0], count)
        _write(file, in_file[:1])
        keys.use(engine, replace(present, data=in_file[:1]))
        maintenance.rewrite(engine)
        click.echo(_("Encrypted anew: {n} records. The old key is gone; backups made before still need it.", n=count))


def _from_environment(panel: Panel, present: keys.Keys) -> None:
    """Rotate to the first of the keys that DATA_KEY names."""
    if len(present.data) < 2:
        fail(_("DATA_KEY is set in the environment: put a new key and a space before it, and call this again."))
    count = rotation.rotate(panel.db.engine)
    _accept(panel, present.data[0], count)
    click.echo(_("Encrypted anew: {n} records. Now leave only the first key in DATA_KEY.", n=count))


def _accept(panel: Panel, key: str, count: int) -> None:
    """Store the fingerprint of the new key, and note the rotation."""
    with panel.system_session() as session:
        set_actor(session, Actor("command line", system=True))
        row = session.query(Setting).filter_by(key=f"{fingerprints.PREFIX}DATA_KEY").execution_options(**UNSCOPED)
        if (stored := row.one_or_none()) is not None:
            stored.value = keys.fingerprint(key)
        note = in_default_locale(_("Private values encrypted with a new key: {n} records", n=count))
        audit.note(session, AuditAction.EVENT, Setting.__tablename__, None, note)


def _write(file: Path, in_order: tuple[str, ...]) -> None:
    """Write the keys, one a line, and put the complete file in the place of the old one."""
    partial = file.with_name(f".{file.name}.new")
    with partial.open("w") as out:
        partial.chmod(0o600)
        out.write("\n".join(in_order) + "\n")
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)
