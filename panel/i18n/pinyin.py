"""Keys by which Chinese names are sorted, and found by pinyin: "胡秀珍" → "huxiuzhen hxz".

pypinyin's dictionary of phrases (长安 is chang an) takes 40 MB of memory, that of characters 15 MB. Both are loaded
when first needed. Names of people are converted character by character and don't need the phrases."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, cast

#: Characters of a key: the length of the column that stores it.
LENGTH = 200


def key_of(name: str | None, *, person: bool = False) -> str:
    """The key of a name; a person's name is converted character by character."""
    if not name:
        return ""
    if person:
        sounds = [spelling(character) for character in name]
    else:
        _phrases()
        sounds = [sound.lower() for sound in _reader()(name, errors=_apart)]
    return f"{''.join(sounds)} {''.join(sound[:1] for sound in sounds)}"[:LENGTH]


def _apart(other: str) -> Any:
    """Keep text that isn't Chinese, character by character."""
    return list(other)


@cache
def spelling(character: str) -> str:
    """A Chinese character in pinyin, any other character as it is; in lower case."""
    return "".join(_reader()(character, errors="default")).lower()


@cache
def _reader() -> Callable[..., list[str]]:
    """pypinyin's function without the phrases: the variable is read when pypinyin is imported."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - see above

    return cast(Callable[..., list[str]], lazy_pinyin)


@cache
def _phrases() -> None:
    """Load the dictionary of phrases, once."""
    _reader()
    from pypinyin import load_phrases_dict  # noqa: PLC0415 - see above
    from pypinyin.phrases_dict import phrases_dict  # noqa: PLC0415

    load_phrases_dict(phrases_dict)
