"""Errors that are told to the user as one sentence."""

from __future__ import annotations

from panel.i18n import Message


class UserError(Exception):
    """What was asked for can't be done as a whole, for example a file that can't be imported; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message
