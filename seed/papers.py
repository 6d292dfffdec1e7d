"""Document numbers of made-up referrals and agreements: the next ones of their series, reserved at the end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bureau.cases import numbering
from bureau.mediation.mediation import SERIES
from bureau.referrals.numbers import PREFIX_OF
from bureau.settings import settings
from panel.kinds import ZONE, Choices


class Papers:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._prefixes: dict[Choices, str] = {}
        for kind, key in (*PREFIX_OF.items(), *SERIES.items()):
            self._prefixes[kind] = settings.get(session, key)
        self._next: dict[tuple[str, int], int] = {}

    def next_no(self, kind: Choices, at: datetime) -> str:
        key = prefix, year = self._prefixes[kind], at.astimezone(ZONE).year
        if key not in self._next:
            self._next[key] = numbering.following(self._session, prefix, year)
        self._next[key] += 1
        return numbering.document_no(prefix, year, self._next[key] - 1)

    def keep(self) -> None:
        """Let the series of the panel go on after the numbers given."""
        for (prefix, year), number in self._next.items():
            numbering.raise_to(self._session, prefix, year, number - 1)
