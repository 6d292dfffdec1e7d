"""Retention of the data for undoing imports."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.settings import settings
from panel.imports.undo import import_undo


def keep_days(session: Session) -> int:
    """Days for which an import can be undone, from the settings."""
    return int(settings.get(session, "import_keep_days"))


def forget(session: Session) -> None:
    """Periodic: delete the undo data of older imports."""
    import_undo.delete_expired(session, keep_days(session))
