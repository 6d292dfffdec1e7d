"""Messages: English in the code, translated to the reader's language when they are shown.

They are translated by str(), not when they are created, because labels and other declarations are created at import
time, when there is no reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from markupsafe import Markup, escape

DEFAULT_LOCALE = "zh_Hans_CN"
LOCALES = {"zh_Hans_CN": "简体中文", "en": "English"}
CATALOGUES = Path(__file__).resolve().parents[2] / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


@cache
def catalogue(locale: str) -> NullTranslations:
    """The translations of a language, read from the .po file, so that there is no compiled file to keep up to date."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - only needed to show a message
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


@lru_cache(maxsize=8192)
def _translated(locale: str, msgid: str) -> str:
    """A sentence without values in a language. A page shows the same hundreds of them again and again."""
    return catalogue(locale).gettext(msgid) if msgid else ""


@lru_cache(maxsize=8192)
def _as_html(locale: str, msgid: str) -> Markup:
    return escape(_translated(locale, msgid))


def current_locale() -> str:
    return _locale.get()


def use_locale(locale: str) -> None:
    """Set the language of this context; DEFAULT_LOCALE if it is unknown."""
    _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)


@contextmanager
def using_locale(locale: str) -> Iterator[None]:
    """Set the language for the block."""
    token = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(token)


def in_default_locale(message: Message) -> str:
    """A message in the default language, for texts that the program stores in records."""
    with using_locale(DEFAULT_LOCALE):
        return str(message)


def _grouped(name: str, value: object) -> object:
    """The value {n} with thousands separators (2,317); other values unchanged."""
    return f"{value:,}" if name == "n" and type(value) is int else value


class Message:
    """An English sentence with named values. str() translates it to the reader's language and inserts the values."""

    __slots__ = ("msgid", "plural", "values")

    def __init__(self, msgid: str, plural: str | None = None, **values: object) -> None:
        self.msgid, self.plural, self.values = msgid, plural, values

    def __str__(self) -> str:
        if self.plural is None:
            text = _translated(_locale.get(), self.msgid)
        else:
            n = self.values.get("n", 0)
            text = catalogue(_locale.get()).ngettext(self.msgid, self.plural, n if isinstance(n, int) else 0)
        return text.format(**{k: _grouped(k, v) for k, v in self.values.items()}) if self.values else text

    def __repr__(self) -> str:
        return f"Message({self.msgid!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Message):
            return (self.msgid, self.values) == (other.msgid, other.values)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.msgid)

    def __html__(self) -> Markup:
        if self.plural is None and not self.values:
            return _as_html(_locale.get(), self.msgid)
        return escape(str(self))


def _(msgid: str, **values: object) -> Message:
    """Mark a sentence for translation."""
    return Message(msgid, None, **values)


def n_(singular: str, plural: str, n: int, **values: object) -> Message:
    """Mark a sentence with a plural for translation; it contains the number as `{n}`."""
    return Message(singular, plural, n=n, **values)


def in_every_locale(message: Message) -> set[str]:
    """The translations of a message to all languages, to recognise it in input."""
    texts = set()
    for locale in LOCALES:
        with using_locale(locale):
            texts.add(str(message))
    return texts
