"""Errors that are shown to the user as one sentence."""

from __future__ import annotations

from panel.i18n import Message


class UserError(Exception):
    """A request that can't be fulfilled, such as the import of an unreadable file; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message
