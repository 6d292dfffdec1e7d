"""Keys that sort Chinese names and find them by their sounds: "胡秀珍" → "huxiuzhen hxz".

pypinyin's dictionary of phrases (长安 is chang an) takes 40 MB and a while to load, that of characters 15 MB. People's
names are read character by character, so that the phrases are loaded only when the first place or item is named; who
names nothing loads neither."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, cast

#: As long as the column that holds it.
LENGTH = 200


def key_of(name: str | None, *, person: bool = False) -> str:
    """The key of a name; that of a person is read character by character."""
    if not name:
        return ""
    if person:
        sounds = [_sound(character) for character in name]
    else:
        _phrases()
        sounds = [sound.lower() for sound in _reader()(name, errors=_apart)]
    return f"{''.join(sounds)} {''.join(sound[:1] for sound in sounds)}"[:LENGTH]


def _apart(other: str) -> Any:
    """What is no Chinese stays, each character for itself."""
    return list(other)


@cache
def _sound(character: str) -> str:
    return "".join(_reader()(character, errors="default")).lower()


@cache
def _reader() -> Callable[..., list[str]]:
    """pypinyin, without its phrases: it reads this variable as it is imported."""
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
