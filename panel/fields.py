"""What a column says about itself, once: everything the engine does is read from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Table, type_coerce
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import column_property, mapped_column

from panel.i18n import Message, _
from panel.kinds import Kind, Many, Reference


class Personal(Enum):
    """How a value about a person is treated."""

    #: Not personal.
    NO = "no"
    #: A work phone or the like: clear to those who work with it, masked for roles that see masked data.
    WORK = "work"
    #: A private person's: masked for everybody; clear only by a reveal, which is logged.
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A declared column. `attr` is the model's attribute, `name` what forms, filters and addresses call it."""

    kind: Kind
    label: Message
    attr: str = ""
    name: str = ""
    help: Message | None = None
    #: Part of the natural key that finds an existing record.
    key: bool = False
    #: Other headers that mean this column in a workbook.
    aliases: tuple[str, ...] = ()
    required: bool = False
    personal: Personal = Personal.NO
    #: Set by the program, shown but never typed.
    readonly: bool = False
    group: Message = field(default_factory=lambda: _("General"))
    #: A column of its own in the list; otherwise only in form and details.
    listed: bool = True
    #: In the list, shown in grey below the field of this name instead of in a column of its own.
    below: str | None = None
    #: The list's search box looks here.
    search: bool = False
    #: Offered as a filter.
    filter: bool = True
    #: Offered for sorting; only indexed columns are.
    sort: bool = False
    default: Any = None
    #: Worked out by the database; shown and never written.
    computed: bool = False

    @property
    def reference(self) -> Reference | None:
        return self.kind if isinstance(self.kind, Reference) else None

    @property
    def many(self) -> Many | None:
        return self.kind if isinstance(self.kind, Many) else None

    @property
    def target(self) -> str | None:
        """The table of the records that the field points at."""
        return self.kind.table if isinstance(self.kind, Reference | Many) else None


def col(
    kind: Kind,
    label: Message,
    *,
    help: Message | None = None,
    key: bool = False,
    aliases: Sequence[str] = (),
    required: bool = False,
    personal: Personal = Personal.NO,
    readonly: bool = False,
    group: Message | None = None,
    listed: bool = True,
    below: str | None = None,
    search: bool = False,
    filter: bool = True,
    unique: bool = False,
    index: bool = False,
    default: Any = None,
) -> Any:
    """Declare a column. `required` makes it NOT NULL; `unique` and `index` the database's, a default is the form's."""
    declared = Field(
        kind=kind,
        label=label,
        help=help,
        key=key,
        aliases=tuple(aliases),
        required=required,
        personal=personal,
        readonly=readonly,
        group=group or _("General"),
        listed=listed,
        below=below,
        search=search,
        filter=filter,
        sort=index or unique,
        default=default,
    )
    extra: list[Any] = []
    if isinstance(kind, Reference):
        extra.append(ForeignKey(f"{kind.table}.id", ondelete="RESTRICT"))
        index = index or not unique
    return mapped_column(
        kind.sql(),
        *extra,
        nullable=not required,
        unique=unique or None,
        index=index or None,
        default=default,
        info={"field": declared},
    )


def computed(
    kind: Kind,
    label: Message,
    expression: Any,
    *,
    help: Message | None = None,
    group: Message | None = None,
    listed: bool = True,
    below: str | None = None,
    filter: bool = True,
) -> Any:
    """Declare a column that the database works out of others of its row: listed, filtered and exported, never typed or
    imported. SQL in words makes a stored column; an expression of columns, or of a hybrid, is worked out when read."""
    declared = Field(
        kind=kind,
        label=label,
        help=help,
        readonly=True,
        group=group or _("General"),
        listed=listed,
        below=below,
        filter=filter,
        computed=True,
    )
    if isinstance(expression, str):
        return mapped_column(kind.sql(), Computed(expression, persisted=True), info={"field": declared})
    return column_property(type_coerce(expression, kind.sql()), info={"field": declared})


@dataclass(frozen=True, slots=True)
class LinksDeclared:
    """What many() leaves in a class until the class is mapped; Base makes the relationship and its table of it."""

    field: Field


def many(
    table: str,
    label: Message,
    *,
    help: Message | None = None,
    aliases: Sequence[str] = (),
    group: Message | None = None,
    listed: bool = True,
    below: str | None = None,
    filter: bool = True,
) -> Any:
    """Declare references to any number of records of a table: `genres: Mapped[list[Genre]] = many("genre", …)`. The ids
    of both stand in a table of their own, which goes with its record and is changed by whoever may edit that."""
    return LinksDeclared(
        Field(
            kind=Many(table),
            label=label,
            help=help,
            aliases=tuple(aliases),
            group=group or _("General"),
            listed=listed,
            below=below,
            filter=filter,
        )
    )


def rule(name: str, sql: str, message: Message, *, field: str = "") -> CheckConstraint:
    """A named CHECK with the sentence its violation is told in; `field` is where it is told, if the condition speaks of
    columns that stand on no form."""
    return CheckConstraint(sql, name=name, info={"message": message, "field": field})


def fields(model: type[Any]) -> tuple[Field, ...]:
    """The declared columns of a model, in the order of declaration."""
    mapper = sa_inspect(model)
    known = _KNOWN.get(model)
    if known is not None and known[0] == len(mapper.column_attrs):
        return known[1]
    found = _declared(model)
    _KNOWN[model] = (len(mapper.column_attrs), found)
    return found


#: By model: how many columns it had when they were read, and its fields. A column added later is read anew.
_KNOWN: dict[type[Any], tuple[int, tuple[Field, ...]]] = {}


def _declared(model: type[Any]) -> tuple[Field, ...]:
    found = []
    for attribute in sa_inspect(model).column_attrs:
        declared = attribute.info.get("field") or getattr(attribute.columns[0], "info", {}).get("field")
        if declared is not None:
            name = attribute.key.removesuffix("_id") if declared.reference else attribute.key
            found.append(replace(declared, attr=attribute.key, name=name))
    return tuple(found)


def links(model: type[Any]) -> tuple[Field, ...]:
    """What a model declares by many(): its `attr` is a relationship, no column."""
    if model not in _LINKS:
        relations = [r for r in sa_inspect(model).relationships if "field" in r.info]
        _LINKS[model] = tuple(replace(r.info["field"], attr=r.key, name=r.key) for r in relations)
    return _LINKS[model]


_LINKS: dict[type[Any], tuple[Field, ...]] = {}


def table_of_links(model: type[Any], field: Field) -> Table:
    """The table that holds what a field declared by many() points at: owner_id, target_id."""
    table = sa_inspect(model).relationships[field.attr].secondary
    assert isinstance(table, Table)
    return table


def all_fields(model: type[Any]) -> tuple[Field, ...]:
    """Everything that a record says: its columns, then the records it points at by many()."""
    return (*fields(model), *links(model))


def field_named(model: type[Any], name: str) -> Field | None:
    return next((field for field in all_fields(model) if name in (field.name, field.attr)), None)
