"""Errors of a case step, worded for the user."""

from __future__ import annotations

from collections.abc import Mapping

from panel.i18n import Message


class StepNotAllowed(Exception):  # noqa: N818 - a message for the user
    """This person can't take the step, or the case's state doesn't allow it. `message` gives the reason.

    Raised before anything is committed; the caller rolls back."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class InvalidValues(Exception):  # noqa: N818 - messages for the user
    """Values are missing or invalid. `problems` maps the name of a field to a sentence for the user.

    Raised before anything is committed; the caller rolls back."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(problems)
        self.problems = dict(problems)
