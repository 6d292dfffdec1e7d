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
#: Surnames of two characters.
_DOUBLE = re.compile("欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯|宇文|长孙|端木|南宫")
#: Building and room at the end of an address: 3 幢 201 室, 3-201, 3号楼2单元201.
_ROOM = re.compile(r"(\d+)(?:幢|栋|座|号楼|-|－)(?:(\d+)(?:单元|-|－))?(\d+)室?$")


@dataclass(frozen=True, slots=True)
class Person:
    """A party of the case whose name, telephone and address are redacted."""

    name: str | None = None
    phone: str | None = None
    address: str | None = None


def redact(text: str | None, people: Iterable[Person]) -> str:
    """The text with the names, telephones and addresses of these people replaced, and every telephone number. Forms of
    a surname (张先生, 张某某) and the room of an address alone (3-201) are replaced too. Whoever is told of in other
    words is not recognised: a paper is read before it is sent."""
    people = list(people)
    redacted = leave_out(text, people)
    for person in people:
        if room := _room(person.address):
            redacted = room.sub(lambda match: match[0] if match[1] else str(ADDRESS), redacted)
        if person.name:
            surname = person.name[: 2 if _DOUBLE.match(person.name) else 1]
            called = rf"{re.escape(surname)}(?:某某|某(?!某)|(?:某|姓)?(?:{_TITLES}))(?:{_TITLES})?"
            redacted = re.sub(called, str(PERSON), redacted)
    return _NUMBERS.sub(str(NUMBER), redacted)


def leave_out(text: str | None, people: Iterable[Person]) -> str:
    """The text with these very names, telephones and addresses replaced, for values that aren't free text."""
    redacted = text or ""
    for person in people:
        redacted = _replace(redacted, person.address, ADDRESS)
        redacted = _replace(redacted, person.phone, NUMBER)
        redacted = _replace(redacted, person.name, PERSON)
    return redacted


def _room(address: str | None) -> re.Pattern[str] | None:
    """A pattern of the building and room that an address ends with, in the ways people write them. Its group holds the
    end of a road's name or number before it: then it is of another address, since this one is left out before."""
    found = _ROOM.search(re.sub(r"\s+", "", address or ""))
    if found is None:
        return None
    building, part, room = found.groups()
    # 3-20 is a day; 3-201 is none.
    dash = "|-|－" if len(room) > 2 else ""
    stair = rf"(?:{part}\s*(?:单元{dash})\s*)?" if part else r"(?:\d+\s*单元\s*)?"
    return re.compile(rf"([路街号弄巷]\s*)?(?<!\d){building}\s*(?:幢|栋|座|号楼{dash})\s*{stair}{room}(?!\d)\s*室?")


def _replace(text: str, value: str | None, replacement: Message) -> str:
    """Replace a value in a text, also where white space breaks it. A value of one character is left: it identifies
    nobody."""
    letters = re.sub(r"\s+", "", value or "")
    if len(letters) < 2:
        return text
    return re.sub(r"\s*".join(map(re.escape, letters)), str(replacement), text)
