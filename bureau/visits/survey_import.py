"""Import of the survey: whoever imports a row is noted as who verified it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from panel.i18n import _
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import today
from panel.security.session import actor_of


class SurveyRules(Rules):
    def defaults(self, row: PlanRow) -> None:
        """An entry that the file says to be verified on a day was there on that day."""
        if (day := row.values.get("verified_on")) is not None:
            row.values.setdefault("first_on", day)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        for row in rows:
            day = row.values.get("verified_on")
            if day is not None and day > today():
                plan.fail(row, "verified_on", _("This day is still to come."))
            elif row.id is None or day is not None:
                row.values["verified_by"] = actor_of(session).name[:80]
