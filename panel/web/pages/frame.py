"""The frame of a page: side bar, account, bell."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence above every page, with a link for those who can do something about it."""

    words: Words
    link: Words = ""
    url: str = ""


@dataclass(slots=True)
class Frame:
    """The frame of every page of a logged-in account."""

    unit: str
    sub: Words
    menu: list[MenuGroup]
    person: str
    roles: str
    banners: list[Banner]
    #: What the search above every page looks for; "" if there is nothing to look for.
    search_hint: Words
    locale: str
    locales: dict[str, str]
    #: The bar at the bottom of a phone.
    bar: list[MenuItem] = field(default_factory=list)
    #: Numbers of unread notices, and of ended background tasks not seen yet; the bell shows the sum.
    unread: int = 0
    unseen: int = 0
    #: The section of the handbook about this page; "" without a handbook.
    help_url: str = ""

    @property
    def bell(self) -> int:
        return self.unread + self.unseen


@dataclass(frozen=True, slots=True)
class Resend:
    """What sends a request again that found the database busy or the disk full: for a form the values of its fields,
    and the names of its inputs of files. `secret`: passwords were typed, which are not repeated."""

    url: str
    post: bool = False
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    secret: bool = False
