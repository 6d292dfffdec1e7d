"""Check that the engine can serve a declared schema, before the first page is served.

Scopes are checked by the policy (panel/security/policy.py), because commands depend on them too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Index, Integer, Select, UniqueConstraint
from sqlalchemy.orm import ColumnProperty, Mapper
from sqlalchemy.sql import visitors

from panel.base import Base, Record, name_attributes
from panel.fields import Personal, all_fields, fields, links
from panel.i18n import Message
from panel.kinds import Mobile, Text
from panel.security.hashes import sources

#: Names of arguments and inputs that addresses and forms use themselves, so that no column can have them.
RESERVED = frozenset(
    {"id", "q", "is", "sort", "page", "size", "url", "columns", "column", "pick", "version", "sealed", "widths"}
    | {"copy_of", "csrf_token", "form_token"}
)


class SchemaError(TypeError):
    """The engine can't serve this schema; the message says what to declare instead."""


def check(viewed: Iterable[type[Base]]) -> None:
    """Raise SchemaError for the first fault of the declared tables. `viewed` are the tables with a screen."""
    models = [mapper.class_ for mapper in Base.registry.mappers]
    tables = {model.__tablename__ for model in models if hasattr(model, "__tablename__")}
    for model in models:
        for fault in _faults(model, tables):
            raise SchemaError(f"{model.__name__}: {fault}")
    screens = list(viewed)
    for fault in (*_duplicates(screens), *_references(screens), *_reserved(screens), *_child_rows(screens)):
        raise SchemaError(fault)


def _faults(model: type[Base], tables: set[str]) -> Iterator[str]:
    mapper: Mapper[Any] = model.__mapper__
    if mapper.inherits is not None:
        yield "a table that inherits another can't be served; give it a reference to the other instead"
    table: Any = mapper.local_table
    key = list(table.primary_key)
    if [column.name for column in key] != ["id"] or not isinstance(key[0].type, Integer):
        yield "the primary key must be the one integer column id that Base declares; make other columns unique instead"
    for name in ("__label__", "__labels__"):
        if getattr(model, name, None) is None:
            yield f"it declares no {name}"
    known = set(mapper.all_orm_descriptors.keys())
    for name in (*model.__display__, model.__order__.removeprefix("-")):
        if name not in known:
            yield f"it is displayed or ordered by {name}, which it doesn't have"
    yield from _columns(model)
    yield from _private(model, table)
    for f in fields(model):
        if f.reference and f.reference.table not in tables:
            yield f"{f.attr} refers to {f.reference.table}, which is no declared table"


def _private(model: type[Base], table: Any) -> Iterator[str]:
    """Uses of a private column by which an answer would equal, order by or find its values: names, order, search, keys
    of an import, and unique values, whose refusal tells of another record."""
    private = {f.attr: f for f in fields(model) if f.personal is Personal.PRIVATE}
    named = {*name_attributes(model), *model.__told_apart_by__, model.__order__.removeprefix("-")}
    unique = {column.name for column in table.columns if column.unique}
    for constraint in (*table.constraints, *(index for index in table.indexes if index.unique)):
        if isinstance(constraint, UniqueConstraint | Index):
            unique |= {column.name for column in constraint.columns}
    unique |= set(sources(model, unique))
    for attr, f in private.items():
        uses = {
            "a name or order": attr in named or (attr == "name" and "name_key" in table.columns),
            "the search": f.search,
            "a key": f.key,
            "unique": attr in unique,
        }
        if used := next((use for use, is_so in uses.items() if is_so), None):
            yield f"{attr} is private, so that it can't be {used}: the answer would tell it to those who may not see it"


def _columns(model: type[Base]) -> Iterator[str]:
    declared, table = {f.attr for f in fields(model)}, model.__table__
    for attribute in model.__mapper__.column_attrs:
        expression = attribute.columns[0]
        if attribute.key not in declared and _is_computed(attribute):
            yield f"{attribute.key} is computed; declare it by computed(kind, label, expression)"
        if any(isinstance(part, Select) for part in visitors.iterate(expression)):
            yield f"{attribute.key} reads other rows, which no scope can be put on; compute it of its own row"
    if model.__append_only__ and links(model):
        yield f"it is append-only, so that {links(model)[0].name} could never be changed; declare a table of its own"
    for f in fields(model):
        if f.encrypted and (f.filter or f.sort or not isinstance(f.kind, Text | Mobile)):
            yield f"{f.attr} is encrypted: it must be a text, and can be neither filtered nor sorted"
        if f.encrypted and f.key and f.hash_attr not in table.c:
            yield f"{f.attr} is encrypted and a key: it needs its keyed hash beside it, in a column {f.hash_attr}"
        if f.inline and (f.readonly or f.key or f.locked or f.personal is Personal.PRIVATE):
            yield f"{f.attr} can't be edited on the row of a list: it is read-only, a key, locked or private"
    labels = [f.label for f in all_fields(model)]
    if duplicate := next((label for label in labels if labels.count(label) > 1), None):
        yield f"two columns are called “{duplicate.msgid}”, so that no file could tell them apart"
    if issubclass(model, Record) and not model.__mapper__.version_id_col is not None:
        yield "its mapper must keep the version column of Record"


def _is_computed(attribute: ColumnProperty[Any]) -> bool:
    expression: Any = attribute.columns[0]
    return getattr(expression, "table", None) is None or getattr(expression, "computed", None) is not None


def _duplicates(models: list[type[Base]]) -> Iterator[str]:
    known: dict[str | Message, type[Base]] = {}
    for model in models:
        other = known.setdefault(model.__tablename__, model)
        if other is not model or models.count(model) > 1:
            yield f"{model.__name__}: there are two screens of {model.__tablename__}"
        if (other := known.setdefault(model.__labels__, model)) is not model:
            yield f"{model.__name__} and {other.__name__} are both called “{model.__labels__.msgid}”"


def _reserved(models: list[type[Base]]) -> Iterator[str]:
    for model in models:
        for f in all_fields(model):
            if f.name in RESERVED and (f.filter or not model.__append_only__):
                yield f"{model.__name__}: a column can't be called {f.name}, which is a word of addresses and forms"


def _child_rows(models: list[type[Base]]) -> Iterator[str]:
    """Faults of child tables: each needs a screen, one required reference to its parent, and rows that can be
    edited."""
    by_table = {model.__tablename__: model for model in models}
    for model in models:
        for name in model.__rows__:
            child = by_table.get(name)
            if child is None:
                yield f"{model.__name__}: its form has rows of {name}, which has no screen; give it a view"
                continue
            parent_references = [f for f in fields(child) if f.reference and f.reference.table == model.__tablename__]
            if len(parent_references) != 1 or not parent_references[0].required or parent_references[0].readonly:
                yield f"{child.__name__}: as rows of {model.__name__} it needs one reference to it, and a required one"
            if child.__append_only__ or not issubclass(child, Record):
                yield f"{child.__name__}: rows in a form must be of a Record that can be changed"


def _references(models: list[type[Base]]) -> Iterator[str]:
    """Faults of references: each needs a relationship, and a screen of the table that it refers to, whose look-up forms
    and filters ask. What the program alone sets and no filter asks for needs none."""
    tables = {model.__tablename__ for model in models}
    for model in models:
        for f in all_fields(model):
            place = f"{model.__name__}: {f.attr}"
            if f.target and f.target not in tables and (f.filter or not f.readonly):
                yield f"{place} refers to {f.target}, which has no screen; give it a view"
            if f.reference is None:
                continue
            relationship = model.__mapper__.relationships.get(f.name)
            if not f.attr.endswith("_id") or relationship is None:
                yield f"{place} needs a relationship beside it, called {f.attr.removesuffix('_id')}"
            elif relationship.mapper.class_.__tablename__ != f.reference.table or relationship.uselist:
                yield f"{place} and the relationship {f.name} must lead to the same record"
