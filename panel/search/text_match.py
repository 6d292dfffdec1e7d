"""The condition that a word occurs in the text index of a table, on each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, column, false, select
from sqlalchemy import table as table_clause
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from panel.base import Base
from panel.search import grams


class _Match(FunctionElement[Any]):
    """Its clauses: the index itself, the query of FTS5, that of PostgreSQL, and the columns that may be searched."""

    inherit_cache = True
    #: No Boolean: SQLite has none, and would get "= 1" behind it, which MATCH doesn't allow.
    type = NullType()
    name = "text_match"


@compiles(_Match, "sqlite")
def _on_sqlite(element: _Match, compiler: Any, **options: Any) -> str:
    index, query, *_rest = element.clauses
    return f"{compiler.process(index, **options)} MATCH {compiler.process(query, **options)}"


@compiles(_Match, "postgresql")
def _on_postgresql(element: _Match, compiler: Any, **options: Any) -> str:
    _index, _query, query, *searched = element.clauses
    wanted = f"CAST({compiler.process(query, **options)} AS tsquery)"
    return "(" + " OR ".join(f"{compiler.process(one, **options)} @@ {wanted}" for one in searched) + ")"


def contains(entity: Any, model: type[Base], word: str, *, masked: bool) -> ColumnElement[bool]:
    """The condition that the indexed texts of a row of `entity`, the model or an alias of it, contain the word; without
    those that are masked for the reader."""
    pieces, goes_on = grams.sought(word)
    if not pieces:
        return false()
    searched = ["open"] if masked else ["open", "work"]
    name = f"{model.__tablename__}_words"
    words = table_clause(name, column("rowid"), column(name), *map(column, searched))
    phrase = f'"{" ".join(pieces)}"' + (" *" if goes_on else "")
    lexemes = " <-> ".join(f"'{piece}'" for piece in pieces) + (":*" if goes_on else "")
    found = _Match(
        words.c[name],
        bindparam(None, f"{{{' '.join(searched)}}} : {phrase}", Text(), unique=True),
        bindparam(None, lexemes, Text(), unique=True),
        *(words.c[one] for one in searched),
    )
    result: ColumnElement[bool] = entity.id.in_(select(words.c.rowid).where(found))
    return result
