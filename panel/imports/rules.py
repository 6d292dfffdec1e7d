"""Import rules of a table: the labels of its columns, its required columns, and hooks that subclasses override."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from panel.base import Base, Record
from panel.fields import Field, fields
from panel.i18n import Message, _
from panel.imports.matching import Finder, FullRowMatcher, Matcher
from panel.imports.plans import Options, Plan, PlanRow
from panel.kinds import Kind
from panel.security.policy import Permission, model_of
from panel.store import bulk

#: Label of the column of reasons in a workbook of failed rows; not read when the workbook is imported.
REASON = _("Reason of failure")
RECORD_NO = _("Record no.")
OUTSIDE = _("This record, or one that it refers to, is outside your area.")
#: Name of the column of record numbers among the names of fields.
ID = "#id"
#: Ending of the name of a column with the clock of a moment whose day stands in another column: "accepted_at.clock"
#: beside "accepted_at". Both cells are read as one moment.
CLOCK = ".clock"
UNDO_DAYS = 180


@dataclass(frozen=True, slots=True)
class PersonColumn:
    """A further column that names a person. `table` is where such people are stored, "" for nowhere; `phones` are the
    columns of their telephone."""

    table: str = ""
    phones: tuple[str, ...] = ()


class Rules:
    """Import rules of a table beyond its declaration. Subclass it for a table with rules of its own."""

    #: The permission that new rows need.
    create_permission = Permission.CREATE
    #: What the undo page says happens to an added record, and the tables of its history, whose references to it don't
    #: prevent undo.
    removal: Message = _("Deleted")
    histories: frozenset[str] = frozenset()

    def __init__(self, model: type[Base]) -> None:
        self.model = model
        #: The options of the import, which plan() sets.
        self.options = Options()

    def is_past(self, row: PlanRow) -> bool:
        """Whether a row tells of the past, so that it may refer to what isn't in use any more."""
        return False

    def extra_columns(self) -> Mapping[str, Sequence[str | Message]]:
        """Further columns of a file by name, with their labels. The last label is used in the template."""
        return {}

    def extra_kinds(self) -> Mapping[str, Kind]:
        """The kinds of extra columns, to know which hold a person's name. Their texts are parsed by check()."""
        return {}

    def passed_over(self) -> Sequence[str]:
        """Headers of our own papers that an import neither reads nor asks about."""
        return ()

    def people(self) -> Mapping[str, PersonColumn]:
        """The further columns that name a person, so that columns below or beside them are known to be theirs."""
        return {}

    def required(self) -> list[Field]:
        """The fields that a file must have and a new row must fill in."""
        return [f for f in fields(self.model) if f.required and f.default is None and not f.readonly]

    def identifying(self) -> frozenset[str]:
        """Names of read-only fields that are imported nevertheless: they identify the record of a row, and are set on
        a new one."""
        return frozenset()

    def may_stay_text(self, row: PlanRow, name: str) -> bool:
        """Whether an unresolved reference is accepted as text; it is then put into row.extra."""
        return False

    def matcher(self) -> Matcher:
        keyed = any(f.key for f in fields(self.model))
        return Matcher(self.model) if keyed else FullRowMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        """Fill in missing values of a new row."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Check all good rows together, and add errors, notes, warnings and further records to write. The number of
        statements must not grow with the rows."""

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Insert the new rows and return their ids in order."""
        return bulk.add(session, self.model, [row.values for row in rows], note)

    def written(self, session: Session, plan: Plan, note: str) -> None:
        """Called when the rows and the other records of a plan are written, in the same transaction."""

    def ends(self, before: Mapping[str, Any]) -> bool:
        """Whether a change of a record from these stored values ended somebody's term."""
        return False

    def column_of(self, model: type[Base], attr: str) -> str | None:
        """Name of the column from which a record beside the row's own takes this attribute; None for no column."""
        return None

    def removal_obstacles(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        """Why records that an import added can't be removed, by id, besides later changes and references."""
        return {}

    def undo(self, session: Session, removals: Sequence[bulk.Removal], note: str) -> None:
        """Remove records that an import added. The session is elevated: the actor's permissions aren't checked."""
        bulk.remove(session, self.model, removals, note)

    def restored(self, session: Session, ids: Collection[int], note: str) -> None:
        """Called with the records to which an undo gave their earlier values back. The session is elevated."""


@dataclass(slots=True)
class Registry:
    """Import rules and finders by table name, as features register them."""

    rules: dict[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: dict[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)
    #: Days for which an import can be undone, and the cells and earlier values that this needs are kept.
    keep_days: Callable[[Session], int] = lambda _session: UNDO_DAYS

    def rules_of(self, model: type[Base]) -> Rules:
        return self.rules.get(model.__tablename__, Rules)(model)

    def finder_of(self, model: type[Base]) -> Finder:
        return self.finders.get(model.__tablename__, Finder)(model)


def importable(model: type[Base]) -> bool:
    """Whether the table can be imported: not for logs and for tables that imports themselves write."""
    return issubclass(model, Record) and model.__imported__ and not model.__append_only__


def parent_references(model: type[Base]) -> list[tuple[Field, Field]]:
    """(reference, key reference of the record it points at): a book's shelf and the shelf's library.

    A file may have a column for the latter, although the table has none, to tell records of one name apart."""
    own = {f.name for f in fields(model)}
    pairs = []
    for reference in fields(model):
        if reference.reference and reference.reference.table != model.__tablename__:
            for above in fields(model_of(reference.reference.table)):
                if above.reference and above.key and above.name not in own and above.required:
                    pairs.append((reference, above))
    return pairs
