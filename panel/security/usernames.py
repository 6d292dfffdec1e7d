"""User names made from names of people."""

from __future__ import annotations

from panel.i18n import pinyin

#: The length of a user name without the number that makes it unique.
LENGTH = 36


def free(name: str, taken: set[str]) -> str:
    """A user name that isn't in `taken`: the name in pinyin, with a number for its second bearer. It is taken then."""
    spelled = "".join(map(pinyin.spelling, name)).lower()
    plain = "".join(c for c in spelled if c.isascii() and c.isalnum())[:LENGTH] or "user"
    number = 1
    while (username := plain if number == 1 else f"{plain}{number}") in taken:
        number += 1
    taken.add(username)
    return username
