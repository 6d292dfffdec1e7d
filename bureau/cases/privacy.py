"""Papers for another department or for a respondent never tell who complained. Pure functions over texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from panel.i18n import Message, _

#: What stands for what was taken out.
NUMBER = _("(number left out)")
PERSON = _("a resident")
ADDRESS = _("(address left out)")

_DIGIT = "[0-9０-９]"
#: Strings of digits that look like a telephone, and whatever is longer (a card or account number): mobile numbers with
#: or without separators, area code and number, and any other run of seven digits or more. A house number, a date or an
#: amount is shorter. A number in words, or one that somebody has spaced out digit by digit, is not recognised.
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
    """Who isn't to be named: a party of the case."""

    name: str | None = None
    phone: str | None = None
    address: str | None = None


def unnamed(text: str | None, people: Iterable[Person]) -> str:
    """A text without the names, telephones and addresses of these people, and without anything that looks like a
    telephone, whosever it is."""
    found = text or ""
    for person in people:
        found = _without(found, person.address, ADDRESS)
        found = _without(found, person.phone, NUMBER)
        found = _without(found, person.name, PERSON)
        if person.name:
            found = re.sub(rf"{re.escape(person.name[0])}(?:某|姓)?(?:{_TITLES})", str(PERSON), found)
    return _NUMBERS.sub(str(NUMBER), found)


def _without(text: str, value: str | None, instead: Message) -> str:
    """White space inside the value doesn't hide it; a value of one character says nobody's name."""
    letters = re.sub(r"\s+", "", value or "")
    if len(letters) < 2:
        return text
    return re.sub(r"\s*".join(map(re.escape, letters)), str(instead), text)
