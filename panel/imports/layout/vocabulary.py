"""The words of headers that mean something for a table: from its declarations, its import rules, and those of the
tables that its records refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from panel.base import Base
from panel.fields import Field, all_fields, fields
from panel.i18n import Message, in_every_locale
from panel.imports.layout.labels import ColumnLabels, Owner, fold, spellings_of
from panel.imports.rules import ID, RECORD_NO, Rules, importable, parent_references
from panel.kinds import Data, Mobile, Moment, PersonName, Telephone
from panel.security.policy import model_of

#: Prefixes that people write before the label of a reference: 所属街道, 所在社区, 联系社区.
REFERENCE_PREFIXES = ("所属", "所在", "联系", "包联", "挂联", "负责", "管辖", "服务", "对应")

Claim = tuple[str, Iterable[str | Message]]


def known_labels(model: type[Base], rules: Rules) -> ColumnLabels:
    """Every label that means a column of this table; the claims that come first are the stronger ones."""
    declared = [f for f in all_fields(model) if not isinstance(f.kind, Data)]
    claims: list[Claim] = [(ID, [RECORD_NO])]
    claims += [(f.name, [f.label, f.name]) for f in declared]
    claims += [(f.name, f.aliases) for f in declared]
    claims += list(rules.extra_columns().items())
    for f in declared:
        labels = {*in_every_locale(f.label), *f.aliases}
        claims.append((f.name, [table + label for table in in_every_locale(model.__label__) for label in labels]))
        claims += _reference_claims(f, labels)
    parents = parent_references(model)
    for reference, above in parents:
        claims.append((f"{reference.name}/{above.name}", _parent_labels(above)))
    named = next((f for f in declared if f.name == "name"), None)
    if named is not None:
        claims.append(("name", [model.__label__]))
    claims += [(f.name, _name_words(model_of(f.target))) for f in declared if f.target]
    importable_names = {f.name for f in declared if not f.readonly or f.key} | rules.identifying()
    return ColumnLabels.of(
        claims,
        owners=_owners(model, rules, declared),
        people=_people(model, rules, declared),
        phones=_phones(rules),
        names=frozenset(spellings_of(_labels_of_names())),
        elsewhere=_elsewhere(),
        references=frozenset(
            [f.name for f in declared if f.target] + [f"{reference.name}/{above.name}" for reference, above in parents]
        ),
        moments=frozenset(f.name for f in declared if isinstance(f.kind, Moment) and f.name in importable_names),
        required=frozenset(f.name for f in rules.required()),
    )


def _reference_claims(f: Field, labels: Iterable[str]) -> list[Claim]:
    if not f.reference:
        return []
    target = model_of(f.reference.table)
    labels_and_table = dict.fromkeys([*labels, *in_every_locale(target.__label__), *_name_words(target)])
    return [
        (f.name, [before + label for label in labels_and_table for before in REFERENCE_PREFIXES]),
        (f.name, [label + name for label in labels_and_table for name in _name_labels(target)]),
        (f.name, _code_labels(target)),
    ]


def _parent_labels(above: Field) -> list[str]:
    """Labels of the record above a reference: the street of a community."""
    assert above.reference is not None
    target = model_of(above.reference.table)
    labels = {*in_every_locale(above.label), *above.aliases, *in_every_locale(target.__label__)}
    prefixed = [before + label for label in labels for before in REFERENCE_PREFIXES]
    return [
        *labels,
        *prefixed,
        *(label + name for label in labels for name in _name_labels(target)),
        *_name_words(target),
    ]


def _name_labels(target: type[Base]) -> list[str]:
    return [label for f in fields(target) if f.name == "name" for label in in_every_locale(f.label)]


def _code_labels(target: type[Base]) -> list[str]:
    """Labels of the key of a table without names: a case is referred to by its number."""
    if _name_labels(target):
        return []
    keys = [f for f in fields(target) if f.key and not f.reference]
    return [label for f in keys for label in (*in_every_locale(f.label), *f.aliases)]


def _name_words(model: type[Base]) -> list[str]:
    """Words for a record of a table, such as 社区联络员 and 联络人, without those that end with its name's label."""
    words = [*in_every_locale(model.__label__), *in_every_locale(model.__labels__)]
    own_labels = tuple(_name_labels(model))
    words += [word for f in fields(model) if f.name == "name" for word in f.aliases]
    return [word for word in dict.fromkeys(words) if not (own_labels and word.endswith(own_labels))]


def _owners(model: type[Base], rules: Rules, declared: Iterable[Field]) -> Mapping[str, Owner]:
    """The words for people and things whose columns may stand below one label."""
    owners: dict[str, Owner] = {}

    def add(words: Iterable[str | Message], owner: Owner) -> None:
        for spelling in spellings_of(words):
            if len(spelling) > 1:
                owners.setdefault(spelling, owner)

    add(_name_words(model), Owner(own=True))
    columns = {table: name for name, person in rules.people().items() if (table := person.table)}
    for f in declared:
        if f.target and not f.readonly and f.target != model.__tablename__:
            columns.setdefault(f.target, f.name)
            add([f.label, *f.aliases], _owner(f.name, model_of(f.target)))
    for name, labels in rules.extra_columns().items():
        if (person := rules.people().get(name)) is not None:
            add(labels, _owner(name, model_of(person.table)) if person.table else Owner(name, person=True))
    for other in _importable_models():
        add(_name_words(other), _owner(columns.get(other.__tablename__, ""), other))
    return owners


def _owner(name: str, model: type[Base]) -> Owner:
    return Owner(name, person=_is_person(model), stored=True, labels=_labels_of(model))


@cache
def _labels_of(model: type[Base]) -> frozenset[str]:
    return frozenset(spellings_of(label for f in fields(model) for label in _words_of(f)))


def _words_of(f: Field) -> list[str | Message]:
    return [f.label, *f.aliases]


def _is_person(model: type[Base]) -> bool:
    """Whether the records are people with telephones, such as officers; accounts have none."""
    declared = fields(model)
    named = any(f.name == "name" and isinstance(f.kind, PersonName) for f in declared)
    return named and any(isinstance(f.kind, Mobile | Telephone) for f in declared)


def _people(model: type[Base], rules: Rules, declared: Iterable[Field]) -> Mapping[str, tuple[str, ...]]:
    """The columns that name a person, with those of their telephones."""
    own_phones = tuple(f.name for f in declared if isinstance(f.kind, Mobile | Telephone))
    people: dict[str, tuple[str, ...]] = {name: person.phones for name, person in rules.people().items()}
    for f in declared:
        if isinstance(f.kind, PersonName) and not f.readonly:
            people[f.name] = own_phones
        elif f.target and f.target != model.__tablename__ and _is_person(model_of(f.target)):
            people[f.name] = ()
    return people


def _phones(rules: Rules) -> frozenset[str]:
    """Words for a telephone, of whomever."""
    own = {name for person in rules.people().values() for name in person.phones}
    labels = [label for name, words in rules.extra_columns().items() if name in own for label in words]
    return _phones_of_all() | frozenset(spellings_of(labels))


@cache
def _importable_models() -> tuple[type[Base], ...]:
    return tuple(mapper.class_ for mapper in Base.registry.mappers if importable(mapper.class_))


@cache
def _phones_of_all() -> frozenset[str]:
    phones = [f for model in _importable_models() for f in fields(model) if isinstance(f.kind, Mobile | Telephone)]
    return frozenset(spellings_of(label for f in phones for label in _words_of(f)))


@cache
def _labels_of_names() -> tuple[Message, ...]:
    return tuple(f.label for model in _importable_models() for f in fields(model) if f.name == "name")


@cache
def _elsewhere() -> frozenset[str]:
    """Folded labels of every column of every table that is imported."""
    return frozenset(fold(spelling) for model in _importable_models() for spelling in _labels_of(model))
