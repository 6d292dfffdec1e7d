"""What every declared table has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Column, Date, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry, relationship
from sqlalchemy.util import immutabledict

from panel.fields import Field, LinksDeclared, field_named
from panel.i18n import Message, pinyin
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
    """Whoever may read the table at all reads every row of it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The roles say themselves which rows they reach."""


@dataclass(frozen=True, slots=True)
class Via:
    """A row is reached when the record is that its reference `attr` (a foreign key column) points at."""

    attr: str


@dataclass(frozen=True, slots=True)
class Own:
    """A row is read by the account that `attr` names and nobody else, whatever their roles; the program writes it."""

    attr: str


Path = Public | Anchor | Via | Own

#: Execution options of a statement that reads or writes every row, whoever the session acts for.
UNSCOPED: Mapping[str, Any] = immutabledict({"unscoped": True})


class Base(DeclarativeBase):
    """Every table. `__label__` and `__labels__`: what people call one record and the table.

    `__scope__` is the table's path to a scope; a table that declares none fails when the panel is assembled.
    `__display__` names the attributes that together are what people call a record.
    """

    registry = registry(
        metadata=MetaData(naming_convention=CONVENTION), type_annotation_map={datetime: Moments(), date: Date()}
    )

    __label__: ClassVar[Message]
    __labels__: ClassVar[Message]
    __scope__: ClassVar[Path]
    __display__: ClassVar[tuple[str, ...]] = ("id",)
    #: What a file calls a record where `__display__` doesn't tell it from every other: `"{name}({badge})"`. A record
    #: that lacks one of these attributes is called by its display.
    __in_files__: ClassVar[str] = ""
    #: Its records are offered as a drop-down in the templates of tables that refer to them.
    __offered__: ClassVar[bool] = True
    #: The list's order where the user has chosen none; a leading "-" turns it round.
    __order__: ClassVar[str] = "-id"
    #: Its exports carry the record's number: the key doesn't tell every row from every other.
    __numbered__: ClassVar[bool] = False
    #: Rows are written once by the program and never changed; triggers hold it.
    __append_only__: ClassVar[bool] = False
    #: Comes in from workbooks; what is judged or numbered as it is written down does not.
    __imported__: ClassVar[bool] = True

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-100)

    def __init_subclass__(cls, **options: Any) -> None:
        """On SQLite an id is never given twice (AUTOINCREMENT), as PostgreSQL's sequences hold anyway: audit, imports
        and notices name records by id long after they were deleted."""
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, LinksDeclared):
                setattr(cls, name, _links(cls, name, declared.field))
        super().__init_subclass__(**options)
        table = vars(cls).get("__table__")
        if isinstance(table, Table):
            table.dialect_options["sqlite"]["autoincrement"] = True

    def __str__(self) -> str:
        return display(self)


def _links(model: Any, name: str, field: Field) -> Any:
    """The relationship of a field that many() declared, and its table. A row goes with its record; as long as it is
    there, what it points at can't be deleted."""
    assert field.target is not None
    table = Table(
        f"{model.__tablename__}_{name}",
        model.metadata,
        Column("owner_id", ForeignKey(f"{model.__tablename__}.id", ondelete="CASCADE"), primary_key=True),
        Column("target_id", ForeignKey(f"{field.target}.id"), primary_key=True, index=True),
    )

    def target() -> Any:
        found = [m.class_ for m in model.registry.mappers if m.class_.__tablename__ == field.target]
        if not found:
            raise TypeError(f"{model.__name__}: {name} points at {field.target}, which is no declared table")
        return found[0]

    def order() -> Any:
        wanted = target().__order__
        column = getattr(target(), wanted.removeprefix("-"))
        return [column.desc() if wanted.startswith("-") else column, target().id]

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
    """What people call a record, in the reader's words. Records of the tables that are being `named` already are left
    out: a record may refer to itself, or two to each other."""
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
    return [name for _text, name, _spec, _conversion in Formatter().parse(model.__in_files__) if name]


def written_by(model: type[Any]) -> list[str]:
    """The attributes that make up what a file calls a record."""
    return list(dict.fromkeys([*_placeholders(model), *model.__display__]))


def in_files(record: Any) -> str:
    """What a file calls a record, so that it is found again."""
    model = type(record)
    values = {name: getattr(record, name) for name in _placeholders(model)}
    return str(model.__in_files__.format(**values)) if values and all(values.values()) else display(record)


class Record(Base):
    """A table that people edit: who and when, and a version that tells the second of two editors."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(default=now, sort_order=900)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), sort_order=901)
    updated_at: Mapped[datetime] = mapped_column(default=now, sort_order=902)
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"), sort_order=903)
    version: Mapped[int] = mapped_column(Integer, default=1, sort_order=904)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class is what it is given
        return {"version_id_col": cls.version}

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Broken rules that need other rows to tell: field name and sentence. Asked before a form or import writes."""
        return ()


def name_key(model: type[Any], name: str | None) -> str:
    """The key by which a record is sorted and found: its name by its sounds."""
    declared = field_named(model, "name")
    return pinyin.key_of(name, person=declared is not None and isinstance(declared.kind, PersonName))


def _name_key(context: DefaultExecutionContext) -> str:
    parameters = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return pinyin.key_of(parameters.get("name"))


class Named:
    """Mix-in for a table whose records people call by a `name`: sorted and looked up by pinyin as well."""

    __display__: ClassVar[tuple[str, ...]] = ("name",)
    __order__: ClassVar[str] = "name_key"

    name_key: Mapped[str] = mapped_column(String(200), default=_name_key, index=True, sort_order=910)
