"""References in a file: the words become ids; what is missing is an error, or made with the import."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from panel.fields import Field, all_fields, field_named, fields
from panel.i18n import _, in_every_locale
from panel.imports import link_cells
from panel.imports.matching import Finder, Missing, within
from panel.imports.plans import WRITTEN, Beside, Made, Part, Plan, PlanRow
from panel.imports.rules import NOT_VISIBLE, OUTSIDE, Registry
from panel.kinds import Invalid
from panel.security.policy import Permission, model_of
from panel.security.session import actor_of, policy_of
from panel.store import bulk


class Resolver:
    """Resolves the references of a plan; the names of a table are read once."""

    def __init__(self, session: Session, plan: Plan, registry: Registry) -> None:
        self.session, self.plan, self.registry = session, plan, registry
        self.rules = registry.rules_of(plan.model)
        self.finders: dict[str, Finder] = {}
        self.made: dict[tuple[str, str], str] = {}
        self.unseen = in_every_locale(NOT_VISIBLE)

    def finder(self, declared: Field) -> Finder:
        table = declared.target
        assert table is not None
        if table not in self.finders:
            finder = self.registry.finder_of(model_of(table))
            own = [f for f in all_fields(self.plan.model) if f.target == table]
            texts = {part.sheet for part in self.plan.parts}
            for part in self.plan.parts:
                for f in own:
                    texts |= link_cells.texts(part, f.name) if f.many else {part.text(row, f.name) for row in part.rows}
            finder.read(self.session, texts)
            self.finders[table] = finder
        return self.finders[table]

    def from_sheet_name(self, required: Sequence[Field]) -> None:
        """A sheet that lacks a required reference may be named like the record that all its rows belong to."""
        for part in self.plan.parts:
            for declared in required:
                if declared.reference is None or declared.name in part.columns.values():
                    continue
                if isinstance(self.finder(declared).find(part.sheet), int):
                    part.named.add(declared.name)

    def resolve(self) -> None:
        """Look up every reference of every row."""
        for declared in fields(self.plan.model):
            if declared.reference is None:
                continue
            for part in self.plan.parts:
                places = [name for name in part.columns.values() if name.startswith(f"{declared.name}/")]
                for row in part.rows:
                    text = part.text(row, declared.name)
                    if text in self.unseen:
                        row.texts[declared.name] = ""
                    elif text:
                        self._resolve(part, row, declared, text, places)
        link_cells.resolve(self)

    def _resolve(self, part: Part, row: PlanRow, declared: Field, text: str, places: Sequence[str]) -> None:
        finder = self.finder(declared)
        said = next((there for name in places if (there := part.text(row, name))), "")
        found = finder.find(text, said or self._beside(part, row, declared) or part.sheet)
        if isinstance(found, int):
            row.values[declared.attr] = found
            if said:
                self._note_place(row, declared, finder, text, said)
        elif self.rules.may_stay_words(row, declared.name):
            row.extra[declared.name] = text
        elif found.several and not declared.key:
            row.unsure[declared.name] = found.message
        elif found.creatable and self._may_create(finder):
            self._offer(row, declared, finder, text, found)
        else:
            self.plan.fail(row, declared.name, found.message, found.suggestion)

    def settle(self) -> None:
        """Now that it is known which record each row is about: a text that also means what is stored leaves it as it
        is; what a row newly points at must lie inside the actor's scope."""
        for declared in fields(self.plan.model):
            if declared.reference is None:
                continue
            pointed: set[int] = set()
            for row in self.plan.rows:
                text = self.plan.part_of(row).text(row, declared.name)
                if not text:
                    continue
                stored = row.stored.get(declared.attr)
                if stored is not None and self.finder(declared).means(text, stored):
                    row.values[declared.attr] = stored
                elif isinstance(value := row.values.get(declared.attr), int):
                    pointed.add(value)
                elif row.holds("unsure") and declared.name in row.unsure:
                    self.plan.fail(row, declared.name, row.unsure[declared.name])
            outside = pointed.difference(
                within(self.session, model_of(declared.reference.table), Permission.READ, pointed)
            )
            if not outside:
                continue
            for row in self.plan.rows:
                value, stored = row.values.get(declared.attr), row.stored.get(declared.attr)
                if value in outside and value != stored and self.plan.part_of(row).text(row, declared.name):
                    self.plan.fail(row, declared.name, OUTSIDE)
        link_cells.settle(self)

    def _beside(self, part: Part, row: PlanRow, declared: Field) -> str:
        """Another reference of the same row that places this one: the library beside a shelf."""
        assert declared.reference is not None
        own = {f.name: f for f in fields(self.plan.model)}
        for above in fields(model_of(declared.reference.table)):
            if above.reference and above.key and (beside := own.get(above.name)):
                if isinstance(id_ := row.held(beside.attr), int):
                    return self.finder(beside).called.get(id_, "")
                if text := part.text(row, above.name):
                    return text
        return ""

    def _note_place(self, row: PlanRow, declared: Field, finder: Finder, text: str, said: str) -> None:
        """The library named beside a shelf need not be the one that it belongs to."""
        place = finder.places.get(row.values[declared.attr])
        told = finder.reach is None or row.values[declared.attr] in finder.reach
        if place and finder.place_key(said) != place and told:
            row.notes.append(_("{label} “{value}” isn't in {place}.", label=declared.label, value=text, place=said))

    def _may_create(self, finder: Finder) -> bool:
        return policy_of(self.session).may(actor_of(self.session), Permission.CREATE, finder.model)

    def _offer(self, row: PlanRow, declared: Field, finder: Finder, text: str, found: Missing) -> None:
        """Make the record with the import, if that is wanted; else say that it could be."""
        table = finder.model.__tablename__
        named = field_named(finder.model, "name")
        assert named is not None
        try:
            name = self.made.setdefault((table, finder.key(text)), str(named.kind.parse(text)))
        except Invalid as problem:
            self.plan.fail(row, declared.name, problem.message)
            return
        if self.plan.options.create_missing:
            row.values[declared.attr] = Made(table, name)
            return
        names = self.plan.creatable.setdefault(table, [])
        if name not in names:
            names.append(name)
        self.plan.fail(row, declared.name, found.message, found.suggestion)


def settle_creating(plan: Plan) -> None:
    """What is really made: only what a row that is written refers to."""
    plan.creating = {}
    for row in plan.rows:
        if row.outcome in WRITTEN:
            for value in row.values.values():
                if isinstance(value, Made) and value.name not in plan.creating.setdefault(value.table, []):
                    plan.creating[value.table].append(value.name)


def make_missing(session: Session, plan: Plan, note: str) -> None:
    """Add what is to be made, and put its ids into the rows."""
    ids: dict[Made, int] = {}
    for table, names in plan.creating.items():
        found = bulk.add(session, model_of(table), [{"name": name} for name in names], note)
        ids |= {Made(table, name): id_ for name, id_ in zip(names, found, strict=True)}
    unclaimed = dict(ids)
    for row in plan.rows:
        if row.outcome in WRITTEN:
            for value in row.values.values():
                if isinstance(value, Made) and (id_ := unclaimed.pop(value, None)) is not None:
                    row.besides.append(Beside(model_of(value.table), id_, alone=True))
            row.values = {attr: ids.get(v, v) if isinstance(v, Made) else v for attr, v in row.values.items()}
