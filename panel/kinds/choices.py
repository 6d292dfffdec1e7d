"""Kinds that refer to something: members of a closed list, other records, declared labels; and structured data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import JSON, Enum, Integer
from sqlalchemy.types import TypeEngine

from panel import ids
from panel.i18n import Message, _, in_every_locale, listed
from panel.kinds.base import Choices, Invalid, Kind, narrow, tidy
from panel.kinds.words import Text


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """A member of a closed list. parse() accepts its stored value, its aliases, and its label in any language."""

    choices: type[Choices]
    control: ClassVar[str] = "select"

    def sql(self) -> TypeEngine[Any]:
        return Enum(
            self.choices,
            native_enum=False,
            create_constraint=True,
            length=20,
            name=re.sub(r"(?<!^)(?=[A-Z])", "_", self.choices.__name__).lower(),
            values_callable=lambda choices: [choice.value for choice in choices],
        )

    def parse(self, raw: object) -> Choices | None:
        text = narrow(tidy(raw))
        if not text:
            return None
        members = _accepted_texts(self.choices)
        if (choice := members.get(text) or members.get(text.lower())) is not None:
            return choice
        names = listed(str(choice.label) for choice in self.choices)
        raise Invalid(_("“{value}” is none of: {names}.", value=text[:40], names=names))

    def format(self, value: Any) -> str:
        return "" if value is None else str(self.choices.of(value).label)

    def store(self, value: Any) -> Any:
        return None if value is None else str(self.choices.of(value).value)

    def load(self, stored: Any) -> Any:
        return None if stored is None else self.choices.of(stored)

    def show(self, stored: Any) -> str:
        try:
            return self.format(stored)
        except ValueError:
            return str(stored)


@cache
def _accepted_texts(choices: type[Choices]) -> dict[str, Choices]:
    """The texts that parse() accepts, each with its member."""
    members: dict[str, Choices] = {}
    for choice in choices:
        for word in (str(choice.value), *choice.aliases, *in_every_locale(choice.label)):
            members.setdefault(narrow(word), choice)
    return members


@dataclass(frozen=True, slots=True)
class Reference(Kind):
    """Another record by its id; `table` is the name of its table. parse() reads ids; forms and imports resolve
    names."""

    table: str
    control: ClassVar[str] = "lookup"

    def sql(self) -> TypeEngine[Any]:
        return Integer()

    def parse(self, raw: object) -> int | None:
        text = narrow(tidy(raw))
        if not text:
            return None
        if (id_ := ids.parse(text)) is None:
            raise Invalid(_("Choose one from the list."))
        return id_


@dataclass(frozen=True, slots=True)
class Many(Kind):
    """Up to `most` records of one table, as a sorted tuple of ids. The links are stored in a table that
    panel.fields.many() declares. parse() reads ids; forms and imports resolve names."""

    table: str
    most: int = 500
    control: ClassVar[str] = "many"

    def parse(self, raw: object) -> tuple[int, ...] | None:
        parts = raw if isinstance(raw, list | tuple) else re.split(r"[\s,、]+", narrow(tidy(raw)))
        linked = [ids.parse(text) for part in parts if (text := tidy(part))]
        if None in linked:
            raise Invalid(_("Choose one from the list."))
        chosen = {id_ for id_ in linked if id_ is not None}
        if len(chosen) > self.most:
            raise Invalid(_("At most {n} can be chosen.", n=self.most))
        return tuple(sorted(chosen)) or None

    def format(self, value: Any) -> str:
        return ",".join(map(str, value or ()))

    def store(self, value: Any) -> Any:
        return list(value or ())

    def load(self, stored: Any) -> Any:
        return tuple(stored or ())

    def show(self, stored: Any) -> str:
        return self.format(stored)


@dataclass(frozen=True, slots=True)
class Data(Kind):
    """JSON data of a log row; never typed."""

    control: ClassVar[str] = "data"

    def sql(self) -> TypeEngine[Any]:
        return JSON(none_as_null=True)

    def parse(self, raw: object) -> Any:
        return raw


class Label(Text):
    """A name that is declared elsewhere, such as a role: stored by name, shown by its label in `labels`."""

    control: ClassVar[str] = "select"
    labels: ClassVar[dict[str, Message]] = {}

    def parse(self, raw: object) -> str | None:
        text = Text.parse(self, raw)
        named = (name for name, label in self.labels.items() if text == name or text in in_every_locale(label))
        return next(named, text)

    def format(self, value: Any) -> str:
        return str(self.labels.get(str(value), value or ""))

    def show(self, stored: Any) -> str:
        return self.format(stored)
