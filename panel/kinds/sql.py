"""SQL functions over stored values, equal on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from panel.kinds.base import Moments


class minute(FunctionElement[Any]):  # noqa: N801 - reads like a function of SQL
    """A stored moment cut to the minute, to compare it with a typed one."""

    type = Moments()
    inherit_cache = True


@compiles(minute, "sqlite")
def _minute_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 16)"


@compiles(minute)
def _minute(element: Any, compiler: Any, **kw: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **kw)})"
