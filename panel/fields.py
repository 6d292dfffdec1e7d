"""Declarations of columns, from which the engine generates everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Computed, ForeignKey, Table, type_coerce
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import column_property, mapped_column

from panel.i18n import Message, _
from panel.kinds import Kind, Many, Reference
from panel.kinds.encrypted import Encrypted


class Personal(Enum):
    """Whether a value is personal data, and who sees it."""

    #: Not personal.
    NO = "no"
    #: Work data of a person, such as a work phone: masked only for roles with `masked`.
    WORK = "work"
    #: Data of a private person: masked for everybody; shown only by a reveal, which is logged.
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, eq=False)
class Lock:
    """The condition from which on a value stays as it is, and the sentence that says why and how it is changed
    nevertheless. `when` gets the columns of the row as stored, and gives a condition of SQL; it may read other tables.

    A lock of a column stands at col(locked=…), one of a whole row in `__locked__` of its table. It covers what people
    type, not what the program sets (`readonly`). A row of which anything is locked isn't deleted either."""

    when: Callable[[Any], ColumnElement[bool]]
    why: Message
    #: Of a whole row: no new row is added either for which the condition holds.
    adding: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """A rule of a row that reads other tables, which no constraint of the database can hold: in `__requires__` of its
    table. `broken` gets the columns of the row as it will be stored, and gives a condition of SQL."""

    broken: Callable[[Any], ColumnElement[bool]]
    message: Message
    #: The name of the field to show it at.
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A declared column. `attr` is the model's attribute, `name` its name in forms, filters and addresses."""

    kind: Kind
    label: Message
    attr: str = ""
    name: str = ""
    help: Message | None = None
    #: Part of the key by which an import finds the existing record.
    key: bool = False
    #: Further headers of this column in workbooks.
    aliases: tuple[str, ...] = ()
    required: bool = False
    personal: Personal = Personal.NO
    #: Stored encrypted: neither compared nor sorted by the database, which finds equal values by the keyed hash in the
    #: column `<attr>_hash` beside it. The search reads and decrypts what the reader may see.
    encrypted: bool = False
    #: Set by the program; not in forms.
    readonly: bool = False
    group: Message = field(default_factory=lambda: _("General"))
    #: Shown in the list; otherwise only in form and details.
    listed: bool = True
    #: In the list, shown in grey below the field of this name instead of as a column.
    below: str | None = None
    #: Searched by the list's search box.
    search: bool = False
    #: Offered as a filter.
    filter: bool = True
    #: Offered for sorting; only indexed columns are.
    sort: bool = False
    default: Any = None
    #: Harmless: changed on the row of a list too.
    inline: bool = False
    #: Computed by the database.
    computed: bool = False
    #: From when on it stays as it is.
    locked: Lock | None = None
    #: Of filters: the references that lead to the record which has it.
    through: tuple[str, ...] = ()
    #: Of a column that the table doesn't have: its declaration (panel/search/extra_columns.py).
    extra: Any = None
    #: Asked only while another field has one of these values: its name and the values. Of the forms of steps.
    only_if: tuple[str, tuple[Any, ...]] | None = None

    @property
    def reference(self) -> Reference | None:
        return self.kind if isinstance(self.kind, Reference) else None

    @property
    def hash_attr(self) -> str:
        """The name of the column with its keyed hash, if there is one (panel/security/hashes.py)."""
        return f"{self.attr}_hash"

    @property
    def masked_in_logs(self) -> bool:
        """Whether logs, which can't be changed afterwards, hold its values masked."""
        return self.encrypted or self.personal is not Personal.NO

    @property
    def many(self) -> Many | None:
        return self.kind if isinstance(self.kind, Many) else None

    @property
    def target(self) -> str | None:
        """The table that the field refers to."""
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
    encrypted: bool = False,
    readonly: bool = False,
    group: Message | None = None,
    listed: bool = True,
    below: str | None = None,
    search: bool = False,
    filter: bool = True,
    unique: bool = False,
    index: bool = False,
    default: Any = None,
    locked: Lock | None = None,
    inline: bool = False,
) -> Any:
    """Declare a column. `required` makes it NOT NULL; `unique` and `index` are set in the database, and allow sorting.
    `encrypted` is for texts of private people, with filter=False; a key or a unique one has its hash beside it.
    `inline` is for what hangs on no rule: a phone, a remark. The other options are those of Field."""
    declared = Field(
        kind=kind,
        label=label,
        help=help,
        key=key,
        aliases=tuple(aliases),
        required=required,
        personal=personal,
        encrypted=encrypted,
        readonly=readonly,
        group=group or _("General"),
        listed=listed,
        below=below,
        search=search,
        filter=filter,
        sort=index or unique,
        default=default,
        locked=locked,
        inline=inline,
    )
    extra: list[Any] = []
    if isinstance(kind, Reference):
        extra.append(ForeignKey(f"{kind.table}.id", ondelete="RESTRICT"))
        index = index or not unique
    return mapped_column(
        Encrypted() if encrypted else kind.sql(),
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
    """Declare a column that the database computes from others of its row: listed, filtered and exported, never typed or
    imported. A text of SQL makes a stored column; an expression is computed when it is read."""
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
    """What many() puts into a class; Base replaces it by a relationship and its table."""

    field: Field


def many(
    table: str,
    label: Message,
    *,
    help: Message | None = None,
    aliases: Sequence[str] = (),
    group: Message | None = None,
    readonly: bool = False,
    listed: bool = True,
    below: str | None = None,
    filter: bool = True,
    locked: Lock | None = None,
) -> Any:
    """Declare references to any number of records of a table: `genres: Mapped[list[Genre]] = many("genre", …)`. The
    links are stored in a table of their own. They are part of the record: the permission to edit it covers them."""
    return LinksDeclared(
        Field(
            kind=Many(table),
            label=label,
            help=help,
            aliases=tuple(aliases),
            readonly=readonly,
            group=group or _("General"),
            listed=listed,
            below=below,
            filter=filter,
            locked=locked,
        )
    )


def rule(name: str, sql: str, message: Message, *, field: str = "") -> CheckConstraint:
    """A CHECK constraint with the message of its violation. `field` is the name of the field to show it at, if the
    condition names no field of the form."""
    return CheckConstraint(sql, name=name, info={"message": message, "field": field})


def fields(model: type[Any]) -> tuple[Field, ...]:
    """The declared columns of a model, in the order of declaration."""
    # Called for every cell of a page: the mapper is asked without the detour of inspect().
    count = len(model.__mapper__.column_attrs)
    cached = _KNOWN.get(model)
    if cached is not None and cached[0] == count:
        return cached[1]
    declared = _declared(model)
    _KNOWN[model] = (count, declared)
    return declared


#: Cache by model: the number of its columns, and its fields. A change of the number makes the entry invalid.
_KNOWN: dict[type[Any], tuple[int, tuple[Field, ...]]] = {}


def _declared(model: type[Any]) -> tuple[Field, ...]:
    result = []
    for attribute in sa_inspect(model).column_attrs:
        declared = attribute.info.get("field") or getattr(attribute.columns[0], "info", {}).get("field")
        if declared is not None:
            name = attribute.key.removesuffix("_id") if declared.reference else attribute.key
            result.append(replace(declared, attr=attribute.key, name=name))
    return tuple(result)


def links(model: type[Any]) -> tuple[Field, ...]:
    """The many() fields of a model. Their `attr` is a relationship."""
    if model not in _LINKS:
        relations = [r for r in sa_inspect(model).relationships if "field" in r.info]
        _LINKS[model] = tuple(replace(r.info["field"], attr=r.key, name=r.key) for r in relations)
    return _LINKS[model]


_LINKS: dict[type[Any], tuple[Field, ...]] = {}


def table_of_links(model: type[Any], field: Field) -> Table:
    """The table of a many() field, with the columns owner_id and target_id."""
    table = sa_inspect(model).relationships[field.attr].secondary
    assert isinstance(table, Table)
    return table


def all_fields(model: type[Any]) -> tuple[Field, ...]:
    """All fields of a model: columns first, then many() fields."""
    return _every(model)[1]


def field_named(model: type[Any], name: str) -> Field | None:
    return _every(model)[2].get(name)


def _every(model: type[Any]) -> tuple[tuple[Field, ...], tuple[Field, ...], dict[str, Field]]:
    """The columns of a model, all its fields, and these by name and attribute."""
    columns = fields(model)
    cached = _EVERY.get(model)
    if cached is None or cached[0] is not columns:
        every = (*columns, *links(model))
        named = {key: field for field in reversed(every) for key in (field.name, field.attr)}
        _EVERY[model] = cached = (columns, every, named)
    return cached


#: Cache by model; it holds as long as fields() gives the same columns.
_EVERY: dict[type[Any], tuple[tuple[Field, ...], tuple[Field, ...], dict[str, Field]]] = {}
