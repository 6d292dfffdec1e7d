"""Keys that sort Chinese names and find them by their sounds: "胡秀珍" → "huxiuzhen hxz".

pypinyin's dictionary of phrases (长安 is chang an) takes 40 MB and a while to load; people's names are read character
by character, so that it is loaded only when the first place or item is named."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

# Read when pypinyin is imported.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import lazy_pinyin, load_phrases_dict

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
        sounds = [sound.lower() for sound in lazy_pinyin(name, errors=_apart)]
    return f"{''.join(sounds)} {''.join(sound[:1] for sound in sounds)}"[:LENGTH]


def _apart(other: str) -> Any:
    """What is no Chinese stays, each character for itself."""
    return list(other)


@cache
def _sound(character: str) -> str:
    return "".join(lazy_pinyin(character, errors="default")).lower()


@cache
def _phrases() -> None:
    """Load the dictionary, once."""
    from pypinyin.phrases_dict import phrases_dict  # noqa: PLC0415 - most of the time it takes to start

    load_phrases_dict(phrases_dict)
