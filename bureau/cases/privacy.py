"""Redaction: papers for another department or a respondent must not identify the complainant. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from panel.i18n import Message, _

#: Replacements for redacted text.
NUMBER = _("(number left out)")
PERSON = _("a resident")
ADDRESS = _("(address left out)")

_DIGIT = "[0-9０-９]"
#: Telephone numbers and longer runs of digits, such as card or account numbers: mobile numbers with or without
#: separators, area code and number, and any other run of seven digits or more. House numbers, dates and amounts are
#: shorter. Numbers in words and numbers spaced out digit by digit are not recognised.
_NUMBERS = re.compile(
    rf"(?<!{_DIGIT})(?:"
    rf"(?:[+＋]?[8８][6６][\s-]?)?[1１][3-9３-９]{_DIGIT}[\s-]?{_DIGIT}{{4}}[\s-]?{_DIGIT}{{4}}"
    rf"|[(（]?[0０]{_DIGIT}{{2,3}}[)）]?[\s-]?{_DIGIT}{{7,8}}(?:-{_DIGIT}{{1,5}})?"
    rf"|{_DIGIT}{{7,}}[Xx]?"
    rf")(?!{_DIGIT})"
)
_TITLES = "先生|女士|小姐|阿姨|大妈|大爷|大伯|大姐|大哥|叔叔|奶奶|爷爷|师傅|老师|老伯|老太"


@dataclass(frozen=True, slots=True)
class Person:
    """A party of the case whose name, telephone and address are redacted."""

    name: str | None = None
    phone: str | None = None
    address: str | None = None


def redact(text: str | None, people: Iterable[Person]) -> str:
    """The text with the names, telephones and addresses of these people replaced, and every telephone number."""
    redacted = text or ""
    for person in people:
        redacted = _replace(redacted, person.address, ADDRESS)
        redacted = _replace(redacted, person.phone, NUMBER)
        redacted = _replace(redacted, person.name, PERSON)
        if person.name:
            redacted = re.sub(rf"{re.escape(person.name[0])}(?:某|姓)?(?:{_TITLES})", str(PERSON), redacted)
    return _NUMBERS.sub(str(NUMBER), redacted)


def _replace(text: str, value: str | None, replacement: Message) -> str:
    """Replace a value in a text, also where white space breaks it. A value of one character is left: it identifies
    nobody."""
    letters = re.sub(r"\s+", "", value or "")
    if len(letters) < 2:
        return text
    return re.sub(r"\s*".join(map(re.escape, letters)), str(replacement), text)
