"""The words of headers: their normal forms, and which column of a table each of them means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from panel.i18n import Message, in_every_locale
from panel.kinds import narrow, tidy

_BRACKETED = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]")
_PUNCTUATION = re.compile(r"[\s()\[\]【】〔〕*:_\-·.、/\\]+")
#: What tells columns of one kind apart: 联络员1, 手机2, 联络员B角.
_NUMBERED = re.compile("([0-9]|[ab甲乙]角?|[一二三])$")
#: Words around what a label is about: 是否X is X, X至 is X.
_DAY = re.compile("(?<=.)日期")
_WHETHER, _UNTIL = re.compile("^是否(?=..)"), re.compile("(?<=..)至$")
#: What people write behind the word for somebody in a label above others: 联络员信息, 队员基本情况.
_ABOUT = re.compile("(基本|个人|人员)?(信息|情况|资料|概况)$")
#: Words before the word for somebody who isn't there any more: 原联络员, 前任联络员.
_FORMER = re.compile("^(原|前|历任|离任|卸任|上一任|往届)")
#: Labels above others that say nothing of whose columns they are.
_NEUTRAL = re.compile(
    "基本|信息|情况|方式|资料|概况|联系|人员|其他|其它|备注|任职|时间|日期|内容|名单|明细|一览|个人|登记"
)


def normalize(label: object) -> str:
    """A label in lower case and narrow characters, without white space, brackets and punctuation."""
    return _PUNCTUATION.sub("", narrow(tidy(label))).lower()


def spellings(label: object) -> list[str]:
    """Normalized forms of a header, the most exact first: whole, then without the text in brackets."""
    return list(_spellings(narrow(tidy(label))))


@lru_cache(maxsize=8192)
def _spellings(text: str) -> tuple[str, ...]:
    both = dict.fromkeys((normalize(text), normalize(_BRACKETED.sub("", text))))
    return tuple(spelling for spelling in both if spelling)


def fold(spelling: str) -> str:
    """One form of labels that differ by a word without weight: X日期 and X时间, 是否X and X, X至 and X. 日期 and 时间
    alone are a day and a clock."""
    return _UNTIL.sub("", _WHETHER.sub("", _DAY.sub("时间", spelling)))


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose columns those below a label are: the record's own (`own`), those of somebody who stands in the column
    `name`, or, with `name` "", of somebody or something that the table has no column for. `person` tells a person,
    `stored` one whose name and telephone are kept elsewhere."""

    name: str = ""
    own: bool = False
    person: bool = False
    stored: bool = False
    #: Labels of the columns that such a record has, normalized.
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """Which column each known label means. `meanings` maps a normalized label to (weight, column name); a smaller
    weight is a stronger claim, and the first claim to a label wins. `folded` does so for folded labels.

    `owners` are the words for people and things whose columns may stand below one label. `people` are the columns that
    name a person, with the columns of that person's telephones; `phones` are words for a telephone, `names` those for
    a name."""

    meanings: Mapping[str, tuple[int, str]]
    folded: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    #: Folded labels that mean a column of any table.
    elsewhere: frozenset[str] = frozenset()
    #: Names of columns: references, moments, and those that a file must have.
    references: frozenset[str] = frozenset()
    moments: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()

    @classmethod
    def of(cls, claims: Iterable[tuple[str, Iterable[str | Message]]], **words: Any) -> ColumnLabels:
        """Build from (column name, labels of the column), strongest claim first."""
        meanings: dict[str, tuple[int, str]] = {}
        for weight, (name, labels) in enumerate(claims):
            for spelling in spellings_of(labels):
                meanings.setdefault(spelling, (weight, name))
        folded: dict[str, tuple[int, str]] = {}
        for spelling, (weight, name) in sorted(meanings.items(), key=lambda item: item[1][0]):
            folded.setdefault(fold(spelling), (weight + len(meanings), name))
        return cls(meanings, folded, **words)

    def claim(self, label: object) -> tuple[int, str] | None:
        """The weight and the column name of a label; None if it is unknown."""
        forms = spellings(label)
        if (numbered := _NUMBERED.sub("", forms[0] if forms else "")) not in ("", *forms):
            forms.append(numbered)
        exact = next((self.meanings[form] for form in forms if form in self.meanings), None)
        return exact or next((self.folded[fold(form)] for form in forms if fold(form) in self.folded), None)

    def meaning(self, label: object) -> str | None:
        claim = self.claim(label)
        return claim[1] if claim else None

    def owner(self, label: object) -> Owner | None:
        """Whose columns stand below this label, by the word for somebody that it is or ends with; None if it names
        nobody."""
        for form in spellings(label):
            text = without_ending(form)
            for start in range(len(text) - 1):
                if (owner := self.owners.get(text[start:])) is not None:
                    return Owner(person=True) if is_former(text) else owner
        return None

    def owner_within(self, label: object) -> tuple[Owner, str] | None:
        """Whose column a label means that begins with the word for a person, and the rest of the label: 联络员电话."""
        for form in spellings(label):
            for end in range(len(form) - 2, 1, -1):
                owner = self.owner(form[:end])
                rest = form[end:].removeprefix("的")
                if owner is not None and (owner.own or owner.person) and self.claim(rest) is not None:
                    return owner, rest
        return None

    def is_neutral(self, label: object) -> bool:
        """Whether a label above others tells nothing of whose they are."""
        return not normalize(label) or _NEUTRAL.search(normalize(label)) is not None

    def is_label(self, text: object) -> bool:
        """Whether a text is a label of this or of any table."""
        return self.claim(text) is not None or any(fold(form) in self.elsewhere for form in spellings(text))

    def is_phone(self, label: object) -> bool:
        return any(form in self.phones for form in spellings(label))

    def is_name(self, label: object) -> bool:
        return any(form in self.names for form in spellings(label))


def without_ending(label: object) -> str:
    """A label above others without a word like 信息 or 情况 at its end."""
    form = normalize(label)
    return _ABOUT.sub("", form) or form


def is_former(label: object) -> bool:
    """Whether a label is about somebody who isn't in office any more."""
    return _FORMER.match(normalize(label)) is not None


def spellings_of(labels: Iterable[str | Message]) -> list[str]:
    """The normalized forms of labels, of messages in every language."""
    texts = [
        text for label in labels for text in (sorted(in_every_locale(label)) if isinstance(label, Message) else [label])
    ]
    return [spelling for text in texts for spelling in spellings(text)]
