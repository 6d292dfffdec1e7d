"""Import of checklist items: a version in use is never changed, the file adds the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.checklists import versions
from models import ChecklistItem
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.fields import fields
from panel.i18n import _
from panel.imports.matching import Matcher, key_of
from panel.imports.plans import Plan, PlanRow
from panel.imports.rules import Rules
from panel.kinds import today
from panel.security.policy import table_of
from panel.store import bulk


class ItemMatcher(Matcher):
    """Matches the newest version of an item by its code."""

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        items = self.candidates(session, "code", (row.values.get("code") for row in rows))
        self.stored = {(key_of(item.code),): item for item in sorted(items, key=lambda item: item.version_no)}


class ItemRules(Rules):
    """An item that a case refers to is never changed: the import adds its next version.

    Only its end of validity may change in place, because no case depends on it."""

    def matcher(self) -> Matcher:
        return ItemMatcher(self.model)

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        changed = {row.id: row for row in rows if row.id is not None and set(row.values) - versions.IN_PLACE}
        item = table_of(ChecklistItem).c
        newest_of: dict[str, Row[Any]] = {}
        for batch in chunks({row.stored["code"] for row in changed.values()}):
            newest = select(table_of(ChecklistItem)).where(item.code.in_(batch)).order_by(item.version_no)
            newest_of |= {version.code: version for version in session.execute(newest, execution_options=UNSCOPED)}
        for id_, row in list(changed.items()):
            last = newest_of[row.stored["code"]]
            if row.stored["version_no"] == last.version_no:
                continue
            if self._equals(row, last):
                row.values.clear()
                row.changes.clear()
                row.notes.append(_("Version {number} says so already.", number=last.version_no))
                del changed[id_]
            else:
                row.fail(_("Version {number} follows this one: change that one.", number=last.version_no))
        for id_ in versions.used(session, changed):
            self._plan_version(changed[id_])

    @staticmethod
    def _equals(row: PlanRow, version: Row[Any]) -> bool:
        """Whether the row, matched to an older version, equals this one: the file that made it is imported again."""
        compared = {f.attr for f in fields(ChecklistItem)} - {"version_no", "valid_from", "valid_until"} | set(
            row.values
        )
        return all(row.effective(attr) == version._mapping[attr] for attr in compared)

    @staticmethod
    def _plan_version(row: PlanRow) -> None:
        """Plan the next version of an item, valid from the day in the file or from today, and end the version before it
        on the day before."""
        number, start = row.stored["version_no"] + 1, row.values.get("valid_from") or today()
        stored_values = {f.attr: row.stored[f.attr] for f in fields(ChecklistItem)}
        row.renewed = {**stored_values, **row.values, "version_no": number, "valid_from": start}
        row.renewed["valid_until"] = versions.until(row.renewed["valid_until"], start)
        row.notes.append(
            _(
                "Cases refer to it: it stays as it is, and version {number} is added from {day}.",
                number=number,
                day=start,
            )
        )
        ends = row.stored["valid_until"]
        last = versions.last_day(row.stored["valid_from"], ends, start)
        if last != ends and row.id is not None:
            before = {"valid_until": ends}
            row.edits.append((ChecklistItem, bulk.Edit(row.id, row.version, {"valid_until": last}, before)))
