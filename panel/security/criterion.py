"""A condition that every statement of an actor carries, for one table.

An actor has one for nearly each table, and a statement carries all of them: any subquery may read any table. To know
whether it has compiled such a statement before, SQLAlchemy walks through each of them each time, a tenth of the time
of a page. What a condition looks like never changes: it is walked through once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, ColumnElement
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql.cache_key import CacheConst
from sqlalchemy.sql.visitors import anon_map

#: Conditions of the same shape, which differ in their values alone, have the same number.
_shapes: dict[Any, int] = {}


class Criterion(LoaderCriteriaOption):
    """What with_loader_criteria() makes, with its part of a statement's cache key remembered."""

    _traverse_internals = LoaderCriteriaOption._traverse_internals
    __slots__ = ("_shape", "_values")

    def __init__(self, model: type[Any], condition: ColumnElement[bool]) -> None:
        super().__init__(model, condition, include_aliases=True)
        own, self._values = anon_map(), list[BindParameter[Any]]()
        key = super()._gen_cache_key(own, self._values)
        known = key is not None and CacheConst.NO_CACHE not in own and CacheConst.PARAMS not in own
        self._shape = _shapes.setdefault(key, len(_shapes)) if known else None

    def _gen_cache_key(self, anon_map: Any, bindparams: list[BindParameter[Any]]) -> Any:
        if self._shape is None:
            return super()._gen_cache_key(anon_map, bindparams)
        bindparams.extend(self._values)
        return Criterion, self._shape
