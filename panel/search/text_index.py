"""The text index of tables that grow: which rows contain a word, without reading them all.

A table with `__text_index__` has two tables beside it. `<table>_text` keeps what is indexed of each row, as text:
fields that everybody may see, and apart from them those that are masked for some. `<table>_words` is the index itself:
FTS5 without content on SQLite, a tsvector on PostgreSQL, both over the pieces of panel/search/grams.py.

Both are made and filled by `install`, after each migration, and follow every flush and bulk write at the end of its
transaction. They hold no private value. What the rows refer to isn't in them: a search looks the names of communities,
officers or items up in their own small tables, so that renaming one changes no row here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, MetaData, bindparam, cast, column, delete, event, insert, select, text
from sqlalchemy import table as table_clause
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Session

from panel.base import Base
from panel.chunks import BATCH_SIZE, chunks
from panel.fields import Field, Personal, fields
from panel.search import grams
from panel.security.policy import table_of
from panel.security.watches import Watch

#: Raise it when the pieces are cut in another way, and `install` fills the indexes anew.
WAY_OF_CUTTING = 1
#: Stands between two fields, so that no word is found across them.
_BETWEEN = "_"
_SHAPES = table_clause("text_index", column("name"), column("shape"))
_PARTS = ("open", "work")


@dataclass(frozen=True, slots=True)
class Texts:
    """What is indexed of a row: a line each field. `work` holds the fields that are masked for some roles."""

    open: str = ""
    work: str = ""


def indexed() -> list[type[Base]]:
    """The declared tables that have an index."""
    return [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__text_index__]


def _indexed_fields(model: type[Base]) -> list[Field]:
    return [f for f in fields(model) if f.search and not f.reference and f.personal is not Personal.PRIVATE]


def _attributes(model: type[Base]) -> list[str]:
    names = [f.attr for f in _indexed_fields(model)]
    return [*names, "name_key"] if "name_key" in table_of(model).c else names


def tables() -> set[str]:
    """The names of the tables that belong to the index, which no migration knows."""
    names = {_SHAPES.name}
    for model in indexed():
        words = f"{model.__tablename__}_words"
        names |= {f"{model.__tablename__}_text", words}
        names |= {f"{words}_{part}" for part in ("data", "idx", "content", "docsize", "config")}
    return names


def _texts_of(model: type[Base], row: Any) -> Texts:
    personal = {f.attr: f.personal for f in _indexed_fields(model)}
    lines: dict[bool, list[str]] = {True: [], False: []}
    for attr in _attributes(model):
        if value := row[attr]:
            lines[personal.get(attr, Personal.NO) is Personal.WORK].append(" ".join(str(value).splitlines()))
    return Texts("\n".join(lines[False]), "\n".join(lines[True]))


def _pieces(stored: str) -> list[list[str]]:
    """The pieces of each field, and last the endings of the numbers in them."""
    lines = stored.split("\n")
    found = [grams.stored(line) for line in lines] + [grams.endings(line) for line in lines]
    return [pieces for pieces in found if pieces]


def _as_words(stored: str) -> str:
    """For FTS5: pieces apart by spaces."""
    return f" {_BETWEEN} ".join(map(" ".join, _pieces(stored)))


def _as_vector(stored: str) -> str:
    """For PostgreSQL: pieces with their positions, of which it counts 16,383."""
    position, found = 0, []
    for pieces in _pieces(stored):
        for piece in pieces:
            position += 1
            found.append(f"'{piece}':{min(position, 16_383)}")
        position += 1
    return " ".join(found)


def _text_table(model: type[Base]) -> Any:
    return table_clause(f"{model.__tablename__}_text", column("id"), column("open"), column("work"))


def _stored(connection: Connection, model: type[Base], ids: Sequence[int]) -> dict[int, Texts]:
    texts = _text_table(model)
    rows = connection.execute(select(texts.c.id, texts.c.open, texts.c.work).where(texts.c.id.in_(ids)))
    return {id_: Texts(open_, work) for id_, open_, work in rows}


def _current(connection: Connection, model: type[Base], ids: Sequence[int]) -> dict[int, Texts]:
    columns = table_of(model).c
    statement = select(columns.id, *(columns[attr] for attr in _attributes(model))).where(columns.id.in_(ids))
    return {row["id"]: _texts_of(model, row) for row in connection.execute(statement).mappings()}


def update(connection: Connection, model: type[Base], ids: Collection[int]) -> None:
    """Bring the index of these rows up to date, deleted ones included."""
    for chunk in chunks(sorted(ids)):
        before, after = _stored(connection, model, chunk), _current(connection, model, chunk)
        changed = [id_ for id_ in chunk if before.get(id_) != after.get(id_)]
        _take_out(connection, model, {id_: before[id_] for id_ in changed if id_ in before})
        _put_in(connection, model, {id_: after[id_] for id_ in changed if id_ in after})


def _words_table(model: type[Base]) -> Any:
    """The index; a column of its own name, which FTS5 has, takes orders."""
    name = f"{model.__tablename__}_words"
    return table_clause(name, column("rowid"), column("open"), column("work"), column(name))


def _take_out(connection: Connection, model: type[Base], rows: Mapping[int, Texts]) -> None:
    if not rows:
        return
    words, texts = _words_table(model), _text_table(model)
    if connection.dialect.name == "sqlite":
        # An index without content is told what it has to forget.
        forgotten = [{**_words_row(id_, row), words.name: "delete"} for id_, row in rows.items()]
        connection.execute(insert(words), forgotten)
    else:
        connection.execute(delete(words).where(words.c.rowid.in_(list(rows))))
    connection.execute(delete(texts).where(texts.c.id.in_(list(rows))))


def _put_in(connection: Connection, model: type[Base], rows: Mapping[int, Texts]) -> None:
    if not rows:
        return
    words, texts = _words_table(model), _text_table(model)
    connection.execute(insert(texts), [{"id": id_, "open": row.open, "work": row.work} for id_, row in rows.items()])
    if connection.dialect.name == "sqlite":
        connection.execute(insert(words), [_words_row(id_, row) for id_, row in rows.items()])
        return
    vectors = {part: cast(bindparam(f"{part}_"), TSVECTOR) for part in _PARTS}
    connection.execute(
        insert(words).values(rowid=bindparam("id_"), **vectors),
        [{"id_": id_, "open_": _as_vector(row.open), "work_": _as_vector(row.work)} for id_, row in rows.items()],
    )


def _words_row(id_: int, texts: Texts) -> dict[str, Any]:
    return {"rowid": id_, "open": _as_words(texts.open), "work": _as_words(texts.work)}


def _rule(model: type[Base]) -> Any:
    def follow(session: Session, ids: Collection[int]) -> None:
        update(session.connection(), model, ids)

    return follow


def watches() -> list[Watch]:
    """What keeps the indexes current."""
    return [Watch(model, frozenset(_attributes(model)) | {"name"}, _rule(model), rows=True) for model in indexed()]


def _shape(model: type[Base]) -> str:
    """What an index is made from; another one is made when this changes."""
    parts = [f"{f.attr}:{f.personal.value}" for f in _indexed_fields(model)]
    return sha256(" ".join([str(WAY_OF_CUTTING), *_attributes(model), *parts]).encode()).hexdigest()


def install(connection: Connection, models: Collection[type[Base]]) -> None:
    """Make and fill the indexes that are missing, or were made from other fields. Repeating it changes nothing."""
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS text_index (name VARCHAR(80) PRIMARY KEY, shape VARCHAR(64) NOT NULL)")
    )
    for model in models:
        stored = connection.execute(select(_SHAPES.c.shape).where(_SHAPES.c.name == model.__tablename__)).scalar()
        if stored != _shape(model):
            rebuild(connection, model)


def rebuild(connection: Connection, model: type[Base]) -> int:
    """Make the index of a table anew from its rows, and return their number."""
    name = model.__tablename__
    for made in (f"{name}_words", f"{name}_text"):
        connection.execute(text(f'DROP TABLE IF EXISTS "{made}"'))
    sqlite = connection.dialect.name == "sqlite"
    integer = "INTEGER" if sqlite else "BIGINT"
    connection.execute(
        text(f'CREATE TABLE "{name}_text" (id {integer} PRIMARY KEY, open TEXT NOT NULL, work TEXT NOT NULL)')
    )
    if sqlite:
        tokenizer = f"unicode61 remove_diacritics 0 tokenchars ''{_BETWEEN}''"
        options = f"open, work, content='', columnsize=0, tokenize='{tokenizer}'"
        connection.execute(text(f'CREATE VIRTUAL TABLE "{name}_words" USING fts5({options})'))
    else:
        connection.execute(
            text(
                f'CREATE TABLE "{name}_words" '
                "(rowid BIGINT PRIMARY KEY, open tsvector NOT NULL, work tsvector NOT NULL)"
            )
        )
        for part in _PARTS:
            connection.execute(text(f'CREATE INDEX "ix_{name}_words_{part}" ON "{name}_words" USING gin ({part})'))
    number = 0
    for ids in _batches(connection, model):
        _put_in(connection, model, _current(connection, model, ids))
        number += len(ids)
    connection.execute(text("DELETE FROM text_index WHERE name = :name"), {"name": name})
    connection.execute(
        text("INSERT INTO text_index (name, shape) VALUES (:name, :shape)"), {"name": name, "shape": _shape(model)}
    )
    return number


def _batches(connection: Connection, model: type[Base]) -> Iterator[Sequence[int]]:
    columns, last = table_of(model).c, 0
    while (
        ids := connection.execute(select(columns.id).where(columns.id > last).order_by(columns.id).limit(BATCH_SIZE))
        .scalars()
        .all()
    ):
        yield ids
        last = ids[-1]


def differing(connection: Connection, model: type[Base]) -> list[int]:
    """The ids of the rows of which the index says something else than the table, by the texts kept beside it."""
    wrong: list[int] = []
    texts = _text_table(model)
    columns = table_of(model).c
    for ids in _batches(connection, model):
        before, after = _stored(connection, model, ids), _current(connection, model, ids)
        wrong += [id_ for id_ in ids if before.get(id_) != after.get(id_)]
    orphans = select(texts.c.id).where(texts.c.id.not_in(select(columns.id)))
    return [*wrong, *connection.execute(orphans).scalars()]


@event.listens_for(Base.metadata, "after_create")
def _with_tables(_metadata: MetaData, connection: Connection, tables: Collection[Any] = (), **_options: Any) -> None:
    """Make the indexes of tables that are made without migrations."""
    if made := [model for model in indexed() if table_of(model) in tables]:
        install(connection, made)
