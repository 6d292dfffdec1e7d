"""Retention of the data for undoing imports, and for taking back changes and deletions."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.settings import settings
from panel.imports.undo import import_undo
from panel.security import earlier


def keep_days(session: Session) -> int:
    """Days for which an import can be undone and earlier values are kept, from the settings."""
    return int(settings.get(session, "import_keep_days"))


def forget(session: Session) -> None:
    """Periodic: delete the undo data of older imports, and older earlier values."""
    days = keep_days(session)
    import_undo.delete_expired(session, days)
    earlier.delete_expired(session, days)
