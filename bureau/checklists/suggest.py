"""Suggestion of checklist items for a description, by their other words and by shared pairs of characters. Pure
functions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from panel.kinds import narrow


class Named(Protocol):
    """The attributes of an item that this module reads."""

    code: str
    name: str
    category: str | None
    other_words: str | None


T = TypeVar("T", bound=Named)

#: Most suggestions.
LIMIT = 3
#: Items with a lower score are not suggested.
LEAST_SCORE = 0.12
#: How much a shared pair of characters and a word of the item in the description count.
SHARED_PAIR, OTHER_WORD = 1.5, 3.0
_BETWEEN_WORDS = re.compile(r"[、，,；;/\s]+")
_RUN = re.compile(r"[\u3400-\u9fffA-Za-z]+")


def words_of(text: str | None) -> list[str]:
    """The words in a column of other words, which commas, semicolons, slashes or spaces separate."""
    return [word for word in _BETWEEN_WORDS.split((text or "").lower()) if word]


def suggest(description: str, items: Sequence[T], limit: int = LIMIT) -> list[T]:
    """At most `limit` items that the description resembles, the likeliest first.

    An item scores for each of its other words in the description, and for the pairs of characters that its name and
    category share with it. A word or pair weighs more the fewer items have it (inverse document frequency). The score
    is divided by the root of the weight of the item's name, so that a long name is no advantage."""
    text = narrow(description).lower()
    pairs_by_item = [_pairs(f"{item.name} {item.category or ''}") for item in items]
    words_by_item = [set(words_of(item.other_words)) for item in items]
    pair_weight = _weights(pairs_by_item)
    word_weight = _weights(words_by_item)
    described = _pairs(text)
    scored = []
    for item, pairs, words in zip(items, pairs_by_item, words_by_item, strict=True):
        score = sum(pair_weight[pair] for pair in pairs & described) * SHARED_PAIR
        score += sum(word_weight[word] for word in words if word in text) * OTHER_WORD
        score /= math.sqrt(sum(pair_weight[pair] for pair in pairs) or 1.0)
        if score > LEAST_SCORE:
            scored.append((-score, item.code, item))
    return [item for _score, _code, item in sorted(scored, key=lambda entry: entry[:2])[:limit]]


def _weights(of_items: Sequence[set[str]]) -> dict[str, float]:
    """The inverse document frequency of each pair or word."""
    frequency = Counter(part for parts in of_items for part in parts)
    return {part: math.log(1 + len(of_items) / count) for part, count in frequency.items()}


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters within runs of letters."""
    return {run[i : i + 2] for run in _RUN.findall(text.lower()) for i in range(len(run) - 1)}
