"""What stands round every page: the side bar, the person, the bell."""

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
    """What stands round every page of somebody logged in."""

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
    #: Notices not read yet, and background tasks that have ended and were not looked at: one bell tells both.
    unread: int = 0
    unseen: int = 0

    @property
    def bell(self) -> int:
        return self.unread + self.unseen
