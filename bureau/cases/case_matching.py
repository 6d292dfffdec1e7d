"""Find the stored case of a row: by its number, by time, community, place and item, or by where the row stands.

Ledgers often tell the day alone, so that several cases of one day may agree in all of these; then the words of the
description decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from bureau.cases import import_undo
from bureau.checklists import items
from models import Case, CaseStatus
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.fields import Field
from panel.i18n import Message, _
from panel.imports.matching import Key, Matcher, key_of
from panel.imports.plans import PlanRow
from panel.imports.records import ImportBatch, ImportRow
from panel.kinds import ZONE, Moment
from panel.security.policy import table_of

#: How much (0 to 1) two descriptions must have in common to be those of one case where only a day tells the time.
SIMILAR = 0.6


def is_day_alone(moment: datetime) -> bool:
    """Whether a moment was told by its day alone: it is midnight in the office's zone."""
    return moment.astimezone(ZONE).time() == time()


def same_moment(stored: datetime, told: datetime) -> bool:
    """Whether a stored moment is the one that a file tells; a day alone is any moment of that day."""
    if is_day_alone(told):
        return stored.astimezone(ZONE).date() == told.astimezone(ZONE).date()
    return stored == told


class CaseMatcher(Matcher):
    """Matches by case number; without one by time of the report, community, place and item. A report without a time is
    matched by community, place and description with the case of the same row of an earlier file."""

    #: The column of the time by which rows are matched.
    time_attr = "reported_at"

    def load(self, session: Session, rows: Sequence[PlanRow]) -> None:
        #: The code of each version of an item: a case of an older version is the same case.
        self.codes = items.codes(session)
        for case in self.candidates(session, "case_no", (row.values.get("case_no") for row in rows)):
            self.stored["no", case.case_no] = case
        unnumbered = [row for row in rows if not row.values.get("case_no")]
        #: Rows and stored cases that agree in time, community, place and item.
        self.alike: dict[Key, list[PlanRow]] = defaultdict(list)
        for row in unnumbered:
            if (key := self.time_key(row)) is not None:
                self.alike[key].append(row)
        self.pairs = _paired(self.alike, self.stored_alike(session, unnumbered))
        self.pairs |= self._of_earlier_files(session, [row for row in unnumbered if self.time_key(row) is None])

    def stored_alike(self, session: Session, rows: Sequence[PlanRow]) -> dict[Key, list[Row[Any]]]:
        """The stored cases that the rows may be about, by their time_key()."""
        return self.by_time(session, self.time_attr, rows)

    def by_time(self, session: Session, attr: str, rows: Sequence[PlanRow]) -> dict[Key, list[Row[Any]]]:
        cases: dict[Key, list[Row[Any]]] = defaultdict(list)
        for case in self.not_undone(session, self.candidates(session, attr, (row.values.get(attr) for row in rows))):
            key = (attr, case._mapping[attr], case.community_id, key_of(case.place), self._stored_item(case))
            cases[key].append(case)
        return cases

    def not_undone(self, session: Session, cases: Sequence[Row[Any]]) -> list[Row[Any]]:
        """These cases without those of an undone import, so that a corrected file makes new cases."""
        voided = {case.id for case in cases if case.status is CaseStatus.VOIDED}
        undone = import_undo.voided_by_undo(session, voided)
        return [case for case in cases if case.id not in undone]

    def time_key(self, row: PlanRow) -> Key | None:
        """Time, community, place and item of a row; None without a time."""
        return self.key_by(row, self.time_attr)

    def key_by(self, row: PlanRow, attr: str) -> Key | None:
        values = row.values
        if values.get(attr) is None:
            return None
        return (attr, values[attr], values.get("community_id"), key_of(values.get("place")), self._item(row))

    def key(self, row: PlanRow) -> Key | None:
        if row.values.get("case_no"):
            return ("no", row.values["case_no"])
        if (key := self.time_key(row)) is None:
            return None
        return (*key, _words(row)) if len(self.alike[key]) > 1 else key

    def find(self, row: PlanRow) -> Row[Any] | Message | None:
        number = row.values.get("case_no")
        case = self.stored.get(("no", number)) if number else self.pairs.get(row)
        if case is None and number:
            return _("There is no case with this number. Leave the number empty for a new case.")
        return case

    def same(self, field: Field, stored: Any, value: Any) -> bool:
        if isinstance(field.kind, Moment) and isinstance(stored, datetime) and isinstance(value, datetime):
            return same_moment(stored, value)
        if field.attr == "item_id" and stored is not None and value in self.codes:
            return self.codes.get(stored) == self.codes[value]
        return super().same(field, stored, value)

    def _item(self, row: PlanRow) -> str | None:
        """The item of a row as part of its key: its code, or the words of an old ledger."""
        item: int | None = row.values.get("item_id")
        if item is not None:
            return self.codes.get(item)
        return key_of(row.extra["item"]) if row.has_extra("item") else None

    def _stored_item(self, case: Row[Any]) -> str | None:
        """The item of a stored case as _item() gives it."""
        if case.item_id is not None:
            return self.codes.get(case.item_id)
        return key_of(case.item_name) if case.item_name else None

    def _of_earlier_files(self, session: Session, rows: Sequence[PlanRow]) -> dict[PlanRow, Row[Any]]:
        """The cases that came from the same rows of earlier files, where community, place and description agree."""
        batch, imported, case = table_of(ImportBatch), table_of(ImportRow), table_of(Case)
        by_place: dict[Key, PlanRow] = {(row.sheet[:80], row.number): row for row in rows}
        found: dict[int, tuple[PlanRow, Row[Any]]] = {}
        for numbers in chunks(sorted({row.number for row in rows})):
            statement = (
                select(imported.c.sheet, imported.c.number, case)
                .join(batch, batch.c.id == imported.c.batch_id)
                .join(case, case.c.id == imported.c.record_id)
                .where(batch.c.table_name == case.name, imported.c.number.in_(numbers))
                .order_by(imported.c.id)
            )
            for stored in session.execute(statement, execution_options=UNSCOPED):
                row = by_place.get((stored[0], stored[1]))
                if row is not None and _is_same_report(row, stored):
                    found[stored.id] = (row, stored)
        kept = {case.id for case in self.not_undone(session, [stored for _row, stored in found.values()])}
        return {row: stored for id_, (row, stored) in found.items() if id_ in kept}


def _is_same_report(row: PlanRow, case: Row[Any]) -> bool:
    place = key_of(row.values.get("place"))
    same_place = row.values.get("community_id") == case.community_id and place == key_of(case.place)
    return same_place and _words(row) == key_of(case.description)


def _words(row: PlanRow) -> str:
    return key_of(row.values.get("description"))


def _paired(
    alike: Mapping[Key, Sequence[PlanRow]], stored: Mapping[Key, Sequence[Row[Any]]]
) -> dict[PlanRow, Row[Any]]:
    """The stored case of each row, among those that agree in time, community, place and item: the one with the same
    description. If one row and one case are left, the description was changed."""
    pairs: dict[PlanRow, Row[Any]] = {}
    for key, cases in stored.items():
        by_words: dict[str, list[Row[Any]]] = defaultdict(list)
        for case in cases:
            by_words[key_of(case.description)].append(case)
        rest = []
        for row in alike.get(key, ()):
            if same := by_words.get(_words(row)):
                pairs[row] = same.pop(0) if len(same) > 1 else same[0]
            else:
                rest.append(row)
        taken = {case.id for case in pairs.values()}
        left = [case for case in cases if case.id not in taken]
        if len(rest) == len(left) == 1 and _may_be_same(key, rest[0], left[0]):
            pairs[rest[0]] = left[0]
    return pairs


def _may_be_same(key: Key, row: PlanRow, case: Row[Any]) -> bool:
    """Whether a case whose description differs from the row's may be the row's. A time of day tells it apart from
    others; without one the descriptions must be similar."""
    if not is_day_alone(key[1]):
        return True
    return SequenceMatcher(None, _words(row), key_of(case.description)).ratio() >= SIMILAR
