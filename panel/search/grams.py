"""Texts cut into the pieces that the text index stores and looks up.

Chinese has no spaces between words, so that a run of its characters is cut into overlapping pairs: 东栅社区 becomes
东栅, 栅社 and 社区. A run of letters or digits stays whole. The last character of a Chinese run is stored alone too, so
that it is found by itself, and next to what follows it: 3 幢 after 花苑."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from panel.kinds import narrow

_CHINESE = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
_RUN = re.compile(rf"{_CHINESE}|[^\W\d_\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[0-9]+")
#: Digits of the endings by which long numbers are found: people say the last three to six digits of a case or an order.
ENDINGS = range(3, 7)


def _runs(text: str) -> list[str]:
    return _RUN.findall(narrow(text).lower())


def _is_chinese(run: str) -> bool:
    return re.fullmatch(_CHINESE, run) is not None


def stored(text: str) -> list[str]:
    """The pieces of a text, in order."""
    pieces: list[str] = []
    for run in _runs(text):
        if _is_chinese(run):
            pieces += map("".join, pairwise(run))
            pieces.append(run[-1])
        else:
            pieces.append(run)
    return pieces


def endings(text: str) -> list[str]:
    """The endings of the long numbers in a text, and what is left of them without the zeros in front."""
    found: list[str] = []
    for run in _runs(text):
        if len(run) > ENDINGS.start and re.fullmatch("[0-9]+", run):
            found += [run[-length:] for length in ENDINGS if length < len(run)]
            found.append(run.lstrip("0") or "0")
    return list(dict.fromkeys(found))


def sought(word: str) -> tuple[list[str], bool]:
    """The pieces of a word to look for, one after another; and whether the last one may go on, because it was typed up
    to somewhere inside a run. No pieces if the word has neither letters nor digits."""
    runs = _runs(word)
    pieces = [piece for run in runs[:-1] for piece in stored(run)]
    if not runs:
        return [], False
    last = runs[-1]
    if _is_chinese(last) and len(last) > 1:
        return [*pieces, *map("".join, pairwise(last))], False
    return [*pieces, last], True


def words(search: str, most: int = 5) -> Iterator[str]:
    """The words of a search, as many as count."""
    yield from narrow(search).split()[:most]
