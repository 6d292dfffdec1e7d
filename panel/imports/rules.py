"""What an import knows of a table: the labels that mean its columns, what it needs, and the rules that the bureau adds
to its declaration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from panel.base import Base, Record
from panel.fields import Field, all_fields, fields
from panel.i18n import Message, _, in_every_locale
from panel.imports.headers import ColumnLabels
from panel.imports.matching import AlikeMatcher, Finder, Matcher
from panel.imports.plans import Plan, PlanRow
from panel.kinds import Data
from panel.security.policy import Permission, model_of
from panel.store import bulk

#: The column that a workbook of failed rows carries, and that is not read again.
REASON = _("Reason of failure")
RECORD_NO = _("Record no.")
#: What a reference outside the reader's area is written as; read as if nothing stood there.
NOT_VISIBLE = _("not visible")
OUTSIDE = _("This record, or one that it refers to, is outside your area.")
#: What the column of record numbers is called among the others.
ID = "#id"
KEEP_DAYS = 180


class Rules:
    """What a table needs beyond its declaration; the bureau subclasses it."""

    #: The right that new rows ask for.
    adding = Permission.CREATE
    #: What becomes of a record whose import is taken back, and the tables that tell what happened to it: they don't
    #: count as referring to it.
    removal: Message = _("Deleted")
    histories: frozenset[str] = frozenset()

    def __init__(self, model: type[Base]) -> None:
        self.model = model

    def extra(self) -> Mapping[str, Sequence[str | Message]]:
        """Columns of other tables that may stand in the file, with their labels; the last one is the template's."""
        return {}

    def required(self) -> list[Field]:
        """The columns that a file must have and a new row must fill in."""
        return [f for f in fields(self.model) if f.required and f.default is None and not f.readonly]

    def telling(self) -> frozenset[str]:
        """Columns that the program sets and that are read nevertheless: they tell which record a row is about, and are
        taken for a new one."""
        return frozenset()

    def may_stay_words(self, row: PlanRow, name: str) -> bool:
        """Whether a reference that nothing is called may stay as words: they are found in the row's `extra` then."""
        return False

    def matcher(self) -> Matcher:
        keyed = any(f.key for f in fields(self.model))
        return Matcher(self.model) if keyed else AlikeMatcher(self.model)

    def defaults(self, row: PlanRow) -> None:
        """Fill in what a new row lacks."""

    def check(self, session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
        """Look at all good rows together, in a number of statements that doesn't grow with them: add errors, notes,
        warnings, and what else is written with a row."""

    def insert(self, session: Session, rows: Sequence[PlanRow], note: str) -> list[int]:
        """Write the new rows and return their ids."""
        return bulk.add(session, self.model, [row.values for row in rows], note)

    def holds(self, session: Session, ids: Collection[int]) -> Mapping[int, Message]:
        """Why added records can't be taken back, besides what their version and references tell."""
        return {}

    def take_back(self, session: Session, gone: Sequence[bulk.Removal], note: str) -> None:
        """Take back records that an import added, as rules allow it, whoever asks for it."""
        bulk.remove(session, self.model, gone, note)


@dataclass(slots=True)
class Registry:
    """Rules by table and finders by table, as the bureau declares them."""

    rules: dict[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: dict[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)
    #: For how many days an import can be taken back, and cells and values before are kept.
    keep_days: Callable[[Session], int] = lambda _session: KEEP_DAYS

    def rules_of(self, model: type[Base]) -> Rules:
        return self.rules.get(model.__tablename__, Rules)(model)

    def finder_of(self, model: type[Base]) -> Finder:
        return self.finders.get(model.__tablename__, Finder)(model)


def importable(model: type[Base]) -> bool:
    """Whether people edit the table at all; logs and what imports themselves write are not imported."""
    return issubclass(model, Record) and model.__imported__ and not model.__append_only__


def placing(model: type[Base]) -> list[tuple[Field, Field]]:
    """(reference, reference of the record it points at) where the latter places the former: a book's shelf
    by its library. Such a column stands in a file although the table has none of its own."""
    own = {f.name for f in fields(model)}
    found = []
    for reference in fields(model):
        if reference.reference and reference.reference.table != model.__tablename__:
            for above in fields(model_of(reference.reference.table)):
                if above.reference and above.key and above.name not in own and above.required:
                    found.append((reference, above))
    return found


#: What people write before the label of a reference: 所属街道, 所在社区.
BELONGING = ("所属", "所在")


def known_labels(model: type[Base], rules: Rules) -> ColumnLabels:
    """Every label that means a column of this table. What stands first has the better claim."""
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data)]
    claims: list[tuple[str, Iterable[str | Message]]] = [(ID, [RECORD_NO])]
    claims += [(f.name, [f.label, f.name]) for f in declared]
    claims += [(f.name, f.aliases) for f in declared]
    claims += [(name, labels) for name, labels in rules.extra().items()]
    for f in declared:
        labels = {*in_every_locale(f.label), *f.aliases}
        claims.append((f.name, [table + label for table in in_every_locale(model.__label__) for label in labels]))
        if f.reference:
            target = model_of(f.reference.table)
            called = {*labels, *in_every_locale(target.__label__)}
            claims.append((f.name, [before + label for label in called for before in BELONGING]))
            claims.append((f.name, [label + name for label in called for name in _name_labels(target)]))
            claims.append((f.name, _code_labels(target)))
    for reference, above in placing(model):
        target = model_of(above.reference.table) if above.reference else model
        labels = {*in_every_locale(above.label), *above.aliases, *in_every_locale(target.__label__)}
        named = [label + name for label in labels for name in _name_labels(target)]
        claims.append(
            (
                f"{reference.name}/{above.name}",
                [*labels, *(before + label for label in labels for before in BELONGING), *named],
            )
        )
    return ColumnLabels.of(claims)


def _name_labels(target: type[Base]) -> list[str]:
    return [label for f in fields(target) if f.name == "name" for label in in_every_locale(f.label)]


def _code_labels(target: type[Base]) -> list[str]:
    """What a record without a name is called by: a case by its number."""
    if _name_labels(target):
        return []
    return [label for f in fields(target) if f.key and not f.reference for label in in_every_locale(f.label)]
