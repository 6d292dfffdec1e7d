"""Containers of an object that most objects never need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Lazy(Generic[T]):
    """Descriptor of a container that is created on first access, since most rows never need it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f"_{name}"

    @overload
    def __get__(self, row: None, owner: type) -> Lazy[T]: ...
    @overload
    def __get__(self, row: object, owner: type) -> T: ...
    def __get__(self, row: object | None, owner: type) -> T | Lazy[T]:
        if row is None:
            return self
        container: T | None = getattr(row, self._slot)
        if container is None:
            container = self._make()
            setattr(row, self._slot, container)
        return container
