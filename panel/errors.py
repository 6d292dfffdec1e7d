"""Errors that are shown to the user as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panel.i18n import Message


@dataclass(frozen=True, slots=True)
class Way:
    """Where the user can do what an error asks for: the label of a link, an endpoint, and the values of its address."""

    label: Message
    endpoint: str
    values: Mapping[str, Any] = field(default_factory=dict)
    #: Whether whoever raises the error knows that the actor may open the page; else its link in the side bar tells.
    allowed: bool = False


class UserError(Exception):
    """A request that can't be fulfilled, such as the import of an unreadable file; `message` says why."""

    def __init__(self, message: Message, way: Way | None = None) -> None:
        super().__init__(message)
        self.message, self.way = message, way
