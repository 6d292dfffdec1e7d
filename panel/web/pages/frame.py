"""The frame of a page: side bar, account, bell."""

from __future__ import annotations

from dataclasses import dataclass

from panel.web.pages.parts import Words


@dataclass(slots=True)
class MenuItem:
    label: Words
    url: str
    icon: str
    active: bool = False
    count: int = 0


@dataclass(slots=True)
class MenuGroup:
    label: Words
    items: list[MenuItem]


@dataclass(slots=True)
class Frame:
    """The frame of every page of a logged-in account."""

    unit: str
    sub: Words
    menu: list[MenuGroup]
    person: str
    roles: str
    banner: Words | None
    search_url: str | None
    search_hint: Words
    locale: str
    locales: dict[str, str]
    #: Numbers of unread notices, and of ended background tasks not seen yet; the bell shows the sum.
    unread: int = 0
    unseen: int = 0

    @property
    def bell(self) -> int:
        return self.unread + self.unseen
