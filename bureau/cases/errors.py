"""Why a step of a case isn't taken, for whoever wanted to take it."""

from __future__ import annotations

from collections.abc import Mapping

from panel.i18n import Message


class StepNotAllowed(Exception):  # noqa: N818 - told to the user as a sentence
    """The step can't be taken by this person or in this state; `message` says why. Nothing was written."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class InvalidValues(Exception):  # noqa: N818 - told to the user at the fields
    """Values are missing or don't fit: field name → sentence. Nothing was written."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(problems)
        self.problems = dict(problems)
