"""Base classes of the declared tables, their scope, and the names of their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Column, ColumnElement, Date, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry, relationship
from sqlalchemy.util import immutabledict

from panel.fields import Field, LinksDeclared, Lock, Requirement, field_named
from panel.i18n import Message, _, pinyin
from panel.kinds import Moments, PersonName, now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


@dataclass(frozen=True, slots=True)
class Public:
    """Scope: all rows, for every role that may read the table."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Scope: the rows that each role's `rows` select."""


@dataclass(frozen=True, slots=True)
class Via:
    """Scope: the rows whose reference `attr` (a foreign key column) points at a record in scope."""

    attr: str


@dataclass(frozen=True, slots=True)
class Own:
    """Scope: the rows whose column `attr` is the actor's account id, for all roles, and those whose column `role` names
    a role of the actor. Only the program writes them."""

    attr: str
    role: str = ""


Path = Public | Anchor | Via | Own

#: Execution options of a statement that the actor's scope isn't applied to.
UNSCOPED: Mapping[str, Any] = immutabledict({"unscoped": True})


class Base(DeclarativeBase):
    """Base class of all tables. `__label__` and `__labels__` are the labels of one record and of the table.

    `__scope__` is required: Public(), Anchor(), Via() or Own(). `__display__` are the attributes that form the name of
    a record."""

    registry = registry(
        metadata=MetaData(naming_convention=CONVENTION), type_annotation_map={datetime: Moments(), date: Date()}
    )

    __label__: ClassVar[Message]
    __labels__: ClassVar[Message]
    __scope__: ClassVar[Path]
    __display__: ClassVar[tuple[str, ...]] = ("id",)
    #: The pattern of a record's name in files, if `__display__` isn't unique: `"{name}({badge})"`. If one of these
    #: attributes is empty, `__display__` is used.
    __name_in_files__: ClassVar[str] = ""
    #: What look-ups show after the name, besides the key references, to tell records of one name apart.
    __told_apart_by__: ClassVar[tuple[str, ...]] = ()
    #: Whether templates of tables that refer to this one offer its records as a drop-down.
    __offered__: ClassVar[bool] = True
    #: The default order of the list; a leading "-" means descending.
    __order__: ClassVar[str] = "-id"
    #: Whether the list's own order has those that have ended last; for tables in the order of their names.
    __ended_last__: ClassVar[bool] = False
    #: Whether exports have the record number although there is a key, because the key isn't unique.
    __numbered__: ClassVar[bool] = False
    #: The references by which a search for another record finds it: a case by the street of its community.
    __found_by__: ClassVar[tuple[str, ...]] = ()
    #: Whether the searched texts have an index; for tables that grow to many thousands of rows.
    __text_index__: ClassVar[bool] = False
    #: Whether rows are only inserted, by the program; triggers prevent changes.
    __append_only__: ClassVar[bool] = False
    #: Whether the rows of an append-only table are sealed in blocks; see panel/store/sealed/.
    __sealed__: ClassVar[bool] = True
    #: Whether old rows of a sealed table may leave for an archive. It needs a column `at`.
    __archivable__: ClassVar[bool] = False
    #: Child tables whose rows are edited in the form of this one: `("invoiceline",)`.
    __rows__: ClassVar[tuple[str, ...]] = ()
    #: Whether workbooks can be imported into the table.
    __imported__: ClassVar[bool] = True
    #: From when on a whole row stays as it is.
    __locked__: ClassVar[tuple[Lock, ...]] = ()
    #: Rules that read other tables.
    __requires__: ClassVar[tuple[Requirement, ...]] = ()

    #: The attribute that the versions of one thing share. A filter by one version finds what refers to any of them.
    __shared_by_versions__: ClassVar[str] = ""

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-100)

    @classmethod
    def offered(cls) -> tuple[ColumnElement[bool], ...]:
        """Conditions of the records that look-ups and templates offer for a new reference."""
        return ()

    @classmethod
    def not_offered(cls, name: str) -> Message:
        """Why a record that isn't offered can't be chosen in a form."""
        return _("{name} can't be chosen any more. Choose another.", name=name)

    @classmethod
    def is_ended(cls, _columns: Any) -> ColumnElement[bool] | None:
        """The condition for records that have ended, so that nothing new refers to them, whoever writes it; None if
        none ends. The columns are those of the table."""
        return None

    @classmethod
    def of_past(cls, _columns: Any) -> ColumnElement[bool] | None:
        """The condition for records that tell of the past, so that they may refer to what has ended."""
        return None

    @classmethod
    def offered_to_filters(cls) -> tuple[ColumnElement[bool], ...]:
        """Conditions of the records that the look-up of a filter offers, to find what refers to past ones too."""
        return ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Map many() fields and set AUTOINCREMENT, so that SQLite never uses an id again, as PostgreSQL doesn't either:
        the audit, imports and notices refer to deleted records by id."""
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, LinksDeclared):
                setattr(cls, name, _links(cls, name, declared.field))
        super().__init_subclass__(**options)
        table = vars(cls).get("__table__")
        if isinstance(table, Table):
            table.dialect_options["sqlite"]["autoincrement"] = True

    def __str__(self) -> str:
        return display(self)

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Errors (field name, message) of rules that involve other rows. Called before a form writes."""
        return ()


def _links(model: Any, name: str, field: Field) -> Any:
    """The relationship of a many() field, with its table. Links are deleted with their owner; a linked record can't be
    deleted."""
    assert field.target is not None
    table = Table(
        f"{model.__tablename__}_{name}",
        model.metadata,
        Column("owner_id", ForeignKey(f"{model.__tablename__}.id", ondelete="CASCADE"), primary_key=True),
        Column("target_id", ForeignKey(f"{field.target}.id"), primary_key=True, index=True),
    )

    def target() -> Any:
        targets = [m.class_ for m in model.registry.mappers if m.class_.__tablename__ == field.target]
        if not targets:
            raise TypeError(f"{model.__name__}: {name} points at {field.target}, which is no declared table")
        return targets[0]

    def order() -> Any:
        order_name = target().__order__
        column = getattr(target(), order_name.removeprefix("-"))
        return [column.desc() if order_name.startswith("-") else column, target().id]

    return relationship(
        target,
        secondary=table,
        primaryjoin=lambda: model.id == table.c.owner_id,
        secondaryjoin=lambda: target().id == table.c.target_id,
        order_by=order,
        passive_deletes=True,
        info={"field": field},
    )


def display(record: Any, named: frozenset[type] = frozenset()) -> str:
    """The name of a record in the reader's language. Referenced records of the tables in `named` are left out, because
    records may refer to themselves or to each other."""
    parts, named = [], named | {type(record)}
    for name in record.__display__:
        value = getattr(record, name)
        declared = field_named(type(record), name)
        if isinstance(value, Base):
            parts += [] if type(value) in named else [display(value, named)]
        elif value not in (None, ""):
            parts.append(declared.kind.format(value) if declared and not declared.reference else str(value))
    return " ".join(parts)


def _placeholders(model: type[Any]) -> list[str]:
    return [name for _text, name, _spec, _conversion in Formatter().parse(model.__name_in_files__) if name]


def name_attributes(model: type[Any]) -> list[str]:
    """The attributes that name_in_files() reads."""
    return list(dict.fromkeys([*_placeholders(model), *model.__display__]))


def name_in_files(record: Any) -> str:
    """The name of a record in files, by which an import finds it."""
    model = type(record)
    return written_name(model, {name: getattr(record, name) for name in _placeholders(model)}) or display(record)


def written_name(model: type[Any], values: Mapping[str, Any]) -> str:
    """The pattern of the names in files filled with these values; "" without a pattern, or if one of them is empty."""
    names = _placeholders(model)
    return str(model.__name_in_files__.format(**values)) if names and all(values.get(name) for name in names) else ""


class Record(Base):
    """Base class of tables that people edit: with the time and account of the last change, and a version, by which the
    second of two editors is noticed."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(default=now, sort_order=900)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), sort_order=901)
    updated_at: Mapped[datetime] = mapped_column(default=now, sort_order=902)
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), sort_order=903)
    version: Mapped[int] = mapped_column(Integer, default=1, sort_order=904)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - called with the class
        return {"version_id_col": cls.version}


def name_key(model: type[Any], name: str | None) -> str:
    """The pinyin key of a record's name, by which it is sorted and found."""
    declared = field_named(model, "name")
    return pinyin.key_of(name, person=declared is not None and isinstance(declared.kind, PersonName))


def _name_key(context: DefaultExecutionContext) -> str:
    parameters = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return pinyin.key_of(parameters.get("name"))


class Named:
    """Mix-in for a table with a `name`: sorted and looked up by pinyin."""

    __display__: ClassVar[tuple[str, ...]] = ("name",)
    __order__: ClassVar[str] = "name_key"

    name_key: Mapped[str] = mapped_column(String(200), default=_name_key, index=True, sort_order=910)


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements without the ORM."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
