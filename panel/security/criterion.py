"""What every statement of an actor carries: the condition of each table that the actor doesn't read completely.

Any subquery may read any table, so a statement carries all of them. To know whether it has compiled such a statement
before, SQLAlchemy walks through each of them each time, a tenth of the time of a page. What they look like never
changes: they are walked through once, and the statement carries them as one option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement
from sqlalchemy.orm.interfaces import CompileStateOption, CriteriaOption
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql.cache_key import CacheConst
from sqlalchemy.sql.visitors import anon_map

#: Scopes of the same shape, whose conditions differ in their values alone, have the same number.
_shapes: dict[Any, int] = {}


class Scope(CriteriaOption):
    """What with_loader_criteria() makes for each of `conditions`, as one option with its cache key remembered."""

    _traverse_internals = list[Any]()
    __slots__ = ("_criteria", "_shape", "_values")
    propagate_to_loaders = True

    def __init__(self, conditions: Sequence[tuple[type[Any], ColumnElement[bool]]]) -> None:
        self._criteria = [LoaderCriteriaOption(model, where, include_aliases=True) for model, where in conditions]
        own, self._values = anon_map(), list[BindParameter[Any]]()
        key = tuple(one._gen_cache_key(own, self._values) for one in self._criteria)
        known = None not in key and CacheConst.NO_CACHE not in own and CacheConst.PARAMS not in own
        self._shape = _shapes.setdefault(key, len(_shapes)) if known else None

    def _gen_cache_key(self, anon_map: Any, bindparams: list[BindParameter[Any]]) -> Any:
        if self._shape is None:
            return tuple(one._gen_cache_key(anon_map, bindparams) for one in self._criteria)
        bindparams.extend(self._values)
        return Scope, self._shape

    def process_compile_state(self, compile_state: Any) -> None:
        self.get_global_criteria(compile_state.global_attributes)

    def process_compile_state_replaced_entities(self, compile_state: Any, _entities: Any) -> None:
        self.get_global_criteria(compile_state.global_attributes)

    def get_global_criteria(self, attributes: dict[Any, Any]) -> None:
        for one in self._criteria:
            one.get_global_criteria(attributes)


class Look(CompileStateOption):
    """Calls `look` with a SELECT each time that it is compiled. A statement like one that was compiled before isn't
    compiled again, nor looked at."""

    _traverse_internals = list[Any]()
    __slots__ = ("_look",)
    propagate_to_loaders = False

    def __init__(self, look: Callable[[Any], None]) -> None:
        self._look = look

    def _gen_cache_key(self, _anon_map: Any, _bindparams: list[BindParameter[Any]]) -> Any:
        return Look, self._look

    def process_compile_state(self, compile_state: Any) -> None:
        self._look(compile_state.select_statement)
