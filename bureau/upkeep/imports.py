"""For how long imports can be taken back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.settings import settings
from panel.imports import import_undo


def keep_days(session: Session) -> int:
    """For how many days the office wants imports to be taken back."""
    return int(settings.get(session, "import_keep_days"))


def forget(session: Session) -> None:
    """Periodic: let go of what imports kept that can't be taken back any more."""
    import_undo.delete_expired(session, keep_days(session))
