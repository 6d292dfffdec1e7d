"""Resolve references in a file: names become ids. A name without a record is an error, or a record to create."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from panel.fields import Field, all_fields, field_named, fields
from panel.i18n import Message, _, in_every_locale
from panel.imports import link_cells, words
from panel.imports.additions import Additions, may_create
from panel.imports.cells import note_empty
from panel.imports.matching import Finder, Missing
from panel.imports.plans import WRITTEN, Beside, Part, PendingRecord, Plan, PlanRow
from panel.imports.rules import OUTSIDE, Registry, parent_references
from panel.kinds import Invalid, Word, word_of
from panel.search.names import NOT_VISIBLE
from panel.security.policy import Permission, model_of
from panel.security.session import permitted
from panel.store import bulk


class Resolver:
    """Resolves the references of a plan. The names of each referenced table are read once."""

    def __init__(self, session: Session, plan: Plan, registry: Registry) -> None:
        self.session, self.plan, self.registry = session, plan, registry
        self.rules = registry.rules_of(plan.model)
        self.finders: dict[str, Finder] = {}
        self.pending_names: dict[tuple[str, str], str] = {}
        self.additions = Additions(session, plan)
        self._parent_finders: dict[str, Finder] = {}
        self.not_visible = in_every_locale(NOT_VISIBLE)
        self._sheet_places: dict[tuple[str, str], str] = {}

    def finder(self, declared: Field) -> Finder:
        table = declared.target
        assert table is not None
        if table not in self.finders:
            finder = self.registry.finder_of(model_of(table))
            declared_fields = [f for f in all_fields(self.plan.model) if f.target == table]
            texts = {part.sheet for part in self.plan.parts}
            for part in self.plan.parts:
                for f in declared_fields:
                    texts |= link_cells.texts(part, f.name) if f.many else {part.text(row, f.name) for row in part.rows}
            finder.read(self.session, texts)
            self.finders[table] = finder
        return self.finders[table]

    def match_sheet_names(self, required: Sequence[Field]) -> None:
        """Take a missing required reference from the sheet's name, where that names a record: one sheet a street."""
        for part in self.plan.parts:
            for declared in required:
                if declared.reference is None or declared.name in part.columns.values():
                    continue
                if isinstance(self.finder(declared).find(part.sheet), int):
                    part.from_sheet_name.add(declared.name)

    def resolve(self) -> None:
        """Look up every reference of every row."""
        for declared in fields(self.plan.model):
            if declared.reference is None:
                continue
            for part in self.plan.parts:
                places = [name for name in part.columns.values() if name.startswith(f"{declared.name}/")]
                for row in part.rows:
                    text = part.text(row, declared.name)
                    if text in self.not_visible:
                        row.texts[declared.name] = ""
                    elif text:
                        self._resolve(part, row, declared, text, places)
        link_cells.resolve(self)

    def _resolve(self, part: Part, row: PlanRow, declared: Field, text: str, places: Sequence[str]) -> None:
        finder = self.finder(declared)
        place = next((t for name in places if (t := part.text(row, name)) and word_of(t) is not Word.NOTHING), "")
        parent = place or self._place_beside(part, row, declared) or part.sheet
        match = self._find(row, finder, text, parent)
        if isinstance(match, int):
            row.values[declared.attr] = match
            if stated := place or self._place_of_sheet(part, declared):
                self._doubt_place(row, declared, finder, text, stated)
        elif self._says_nothing(row, declared, finder, text):
            row.texts[declared.name] = ""
        elif self.rules.may_stay_text(row, declared.name):
            row.extra[declared.name] = text
        elif match.ambiguous and not declared.key:
            row.ambiguous[declared.name] = match.message
        elif match.creatable and may_create(self.session, finder.model):
            self._create_or_suggest(row, declared, finder, text, match)
        elif not match.ambiguous and (added := self.additions.pending(finder, text)) is not None:
            self._add(row, declared, added)
        else:
            if not match.ambiguous and self.additions.may_add(finder):
                self.additions.offer(finder, text, self._parents(finder, parent))
            self._fail(row, declared, finder, text, match)

    def _find(self, row: PlanRow, finder: Finder, text: str, place: str) -> int | Missing:
        """The record with a name; of a person also where a title stands behind the name."""
        match = finder.find(text, place)
        if isinstance(match, int) or match.ambiguous or not (name := finder.name_in(text)):
            return match
        named = finder.find(name, place)
        if isinstance(named, int):
            row.notes.append(_("“{value}” is read as {result}.", value=text, result=name))
        return match if not isinstance(named, int) and not named.ambiguous else named

    def _add(self, row: PlanRow, declared: Field, added: PendingRecord | Message) -> None:
        if isinstance(added, Message):
            self.plan.fail(row, declared.name, added)
        else:
            row.values[declared.attr] = added

    def _parents(self, finder: Finder, place: str) -> dict[str, int]:
        """The ids of the parents that a file names for a missing record, by the name of the reference to them."""
        found: dict[str, int] = {}
        for above in fields(finder.model):
            if above.reference and above.key:
                table = above.reference.table
                # Apart from self.finders, which are read for all names of a column: this one for the first place alone.
                if table not in self._parent_finders:
                    self._parent_finders[table] = self.registry.finder_of(model_of(table))
                    self._parent_finders[table].read(self.session, {place})
                if isinstance(match := self._parent_finders[table].find(place), int):
                    found[above.name] = match
        return found

    def _fail(self, row: PlanRow, declared: Field, finder: Finder, text: str, missing: Missing) -> None:
        self.plan.fail(row, declared.name, missing.message, missing.suggestion)
        if finder.asks(text) and not missing.ambiguous:
            may_add = missing.creatable and may_create(self.session, finder.model)
            words.note(self.plan, row, declared, lambda word: words.record_offers(finder, word, may_add=may_add))

    def _says_nothing(self, row: PlanRow, declared: Field, finder: Finder, text: str) -> bool:
        """Whether a text that names no record says that there is none: 无, or 暂缺 in a column of people."""
        named = field_named(finder.model, "name")
        word = word_of(text)
        if word is not Word.NOTHING and not (word is Word.VACANT and named is not None and named.kind.person):
            return False
        if not declared.required:
            note_empty(row, declared, text)
            if self.plan.options.clear and not declared.key:
                row.values[declared.attr] = None
        return True

    def check_targets(self) -> None:
        """Check references once each row's existing record is known.

        A name that also fits the stored reference leaves it unchanged, even if others have the same name. A newly
        referenced record must lie inside the actor's scope."""
        for declared in fields(self.plan.model):
            if declared.reference is None:
                continue
            targets: set[int] = set()
            for row in self.plan.rows:
                text = self.plan.part_of(row).text(row, declared.name)
                if not text:
                    continue
                stored = row.stored.get(declared.attr)
                if stored is not None and self.finder(declared).has_name(text, stored):
                    row.values[declared.attr] = stored
                elif isinstance(value := row.values.get(declared.attr), int):
                    targets.add(value)
                elif row.has("ambiguous") and declared.name in row.ambiguous:
                    self.plan.fail(row, declared.name, row.ambiguous[declared.name])
            outside = targets.difference(
                permitted(self.session, model_of(declared.reference.table), Permission.CHOOSE, targets)
            )
            if not outside:
                continue
            for row in self.plan.rows:
                value, stored = row.values.get(declared.attr), row.stored.get(declared.attr)
                if value in outside and value != stored and self.plan.part_of(row).text(row, declared.name):
                    self.plan.fail(row, declared.name, OUTSIDE)
        link_cells.check_targets(self)

    def _place_beside(self, part: Part, row: PlanRow, declared: Field) -> str:
        """The name of the parent that another reference of the row gives, to tell records of one name apart: the
        library of a shelf."""
        assert declared.reference is not None
        declared_by_name = {f.name: f for f in fields(self.plan.model)}
        for above in fields(model_of(declared.reference.table)):
            if above.reference and above.key and (neighbour := declared_by_name.get(above.name)):
                if isinstance(id_ := row.effective(neighbour.attr), int):
                    return self.finder(neighbour).primary_names.get(id_, "")
                if text := part.text(row, above.name):
                    return text
        return ""

    def _place_of_sheet(self, part: Part, declared: Field) -> str:
        """The sheet's name if it names a parent of the referenced records: one sheet a street."""
        key = (part.sheet, declared.name)
        if key not in self._sheet_places:
            with_parents = {reference.name for reference, _above in parent_references(self.plan.model)}
            known = declared.name in with_parents and self.finder(declared).knows_place(part.sheet)
            self._sheet_places[key] = part.sheet if known else ""
        return self._sheet_places[key]

    def _doubt_place(self, row: PlanRow, declared: Field, finder: Finder, text: str, stated: str) -> None:
        """Doubt a row if the parent stated in the file isn't the parent of the record found, where the actor may see
        that record. A row about the past gets a note."""
        found = row.values[declared.attr]
        visible = finder.reach is None or found in finder.reach
        if found in finder.places and visible and not finder.is_in(found, stated):
            message = _("{label} “{value}” isn't in {place}.", label=declared.label, value=text, place=stated)
            if self.rules.is_past(row):
                row.notes.append(message)
            else:
                row.doubt(message)

    def _create_or_suggest(self, row: PlanRow, declared: Field, finder: Finder, text: str, missing: Missing) -> None:
        """Plan to create the missing record if the user said so, for this word or, where it can't mean a stored record,
        for all; otherwise fail the row, and ask or list the name as creatable."""
        table = finder.model.__tablename__
        named = field_named(finder.model, "name")
        assert named is not None
        try:
            name = self.pending_names.setdefault((table, finder.key(text)), str(named.kind.parse(text)))
        except Invalid as problem:
            self.plan.fail(row, declared.name, problem.message)
            return
        asked = finder.asks(text)
        meant = self.plan.replaced.get(declared.name, {}).get(text) == text
        if meant or (self.plan.options.create_missing and not asked):
            row.values[declared.attr] = PendingRecord(table, name)
            return
        if not asked:
            names = self.plan.creatable.setdefault(table, [])
            if name not in names:
                names.append(name)
        self._fail(row, declared, finder, text, missing)


def collect_creating(plan: Plan) -> None:
    """Set plan.creating: the missing records that rows to be written refer to."""
    plan.creating = {}
    for row in plan.rows:
        if row.outcome in WRITTEN:
            for value in _written_values(row):
                if isinstance(value, PendingRecord) and value.name not in plan.creating.setdefault(value.table, []):
                    plan.creating[value.table].append(value.name)


def create_missing(session: Session, plan: Plan, note: str) -> None:
    """Insert the records of plan.creating and replace each PendingRecord in the rows by its id."""
    ids: dict[PendingRecord, int] = {}
    for table, names in plan.creating.items():
        rows = [{"name": name, **plan.additions.get(table, {}).get(name, {})} for name in names]
        new_ids = bulk.add(session, model_of(table), rows, note)
        ids |= {PendingRecord(table, name): id_ for name, id_ in zip(names, new_ids, strict=True)}
    unclaimed = dict(ids)
    for row in plan.rows:
        if row.outcome in WRITTEN:
            for value in _written_values(row):
                if isinstance(value, PendingRecord) and (id_ := unclaimed.pop(value, None)) is not None:
                    row.besides.append(Beside(model_of(value.table), id_, alone=True))
            row.values = _with_ids(row.values, ids)
            if row.has("adds"):
                row.adds[:] = [(model, _with_ids(values, ids)) for model, values in row.adds]


def _written_values(row: PlanRow) -> Iterator[Any]:
    """The values of a row and of the records that are added with it."""
    yield from row.values.values()
    for _model, values in row.adds if row.has("adds") else ():
        yield from values.values()


def _with_ids(values: Mapping[str, Any], ids: Mapping[PendingRecord, int]) -> dict[str, Any]:
    return {attr: ids.get(v, v) if isinstance(v, PendingRecord) else v for attr, v in values.items()}
