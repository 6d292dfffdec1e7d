"""Split values into statements that stay below the limit of parameters of every supported database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

#: Parameters of one statement.
BATCH_SIZE = 5_000


def chunks(values: Iterable[Any], width: int = 1) -> Iterator[list[Any]]:
    """Split values into lists for one statement each. `width` is the number of parameters that a value takes."""
    items, size = list(values), BATCH_SIZE // width
    for start in range(0, len(items), size):
        yield items[start : start + size]
