"""Text for people: written in English in the code, shown in the reader's language; knows no Flask.

A message is translated when it is shown, not when it is made, so that declarations at import time
(labels, choices, rules) need no language yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from markupsafe import escape

DEFAULT_LOCALE = "zh_Hans_CN"
LOCALES = {"zh_Hans_CN": "简体中文", "en": "English"}
CATALOGUES = Path(__file__).resolve().parents[2] / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


@cache
def catalogue(locale: str) -> NullTranslations:
    """The messages of a language, read from its .po file: there is no compiled copy to go stale."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - a command that says nothing needs no translation
    from babel.messages.pofile import read_po  # noqa: PLC0415

    source = CATALOGUES / locale / "LC_MESSAGES" / "messages.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        messages = read_po(file, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def current_locale() -> str:
    return _locale.get()


def use_locale(locale: str) -> None:
    """Every message of this context is shown in `locale` from now on; an unknown one is the default."""
    _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    token = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(token)


def for_the_record(message: Message) -> str:
    """What the program writes into a record: in the office's language, whoever's request it is."""
    with speaking(DEFAULT_LOCALE):
        return str(message)


def _grouped(name: str, value: object) -> object:
    """A count as people read it, 2,317."""
    return f"{value:,}" if name == "n" and type(value) is int else value


class Message:
    """A sentence in English with named values; str() gives it in the reader's language."""

    __slots__ = ("msgid", "plural", "values")

    def __init__(self, msgid: str, plural: str | None = None, **values: object) -> None:
        self.msgid, self.plural, self.values = msgid, plural, values

    def __str__(self) -> str:
        words = catalogue(current_locale())
        if self.plural is None:
            text = words.gettext(self.msgid) if self.msgid else ""
        else:
            n = self.values.get("n", 0)
            text = words.ngettext(self.msgid, self.plural, n if isinstance(n, int) else 0)
        return text.format(**{k: _grouped(k, v) for k, v in self.values.items()}) if self.values else text

    def __repr__(self) -> str:
        return f"Message({self.msgid!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Message):
            return (self.msgid, self.values) == (other.msgid, other.values)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.msgid)

    def __html__(self) -> str:
        return str(escape(str(self)))


def _(msgid: str, **values: object) -> Message:
    """Mark a sentence for translation."""
    return Message(msgid, None, **values)


def n_(singular: str, plural: str, n: int, **values: object) -> Message:
    """Mark a sentence that counts; the number is `{n}`."""
    return Message(singular, plural, n=n, **values)


def in_every_locale(message: Message) -> set[str]:
    """What a message reads like in each language, for what people may type or send."""
    found = set()
    for locale in LOCALES:
        with speaking(locale):
            found.add(str(message))
    return found
