"""The reason that taking a change back and restoring a record ask for."""

from __future__ import annotations

from flask import request

from panel.i18n import Message, _
from panel.kinds import Invalid, Text
from panel.web.pages import Input

_REASON = Text(200, lines=2)


def given(name: str) -> tuple[str, Message | None]:
    """The reason that was posted, and what is wrong with it."""
    try:
        reason = _REASON.parse(request.form.get(name))
    except Invalid as problem:
        return "", problem.message
    return (reason, None) if reason is not None else ("", _("This must be filled in."))


def control(name: str, wrong: Message | None) -> Input:
    """The input for the reason, with what was typed and what is wrong with it."""
    asked = Input(name, _("Reason"), "textarea", value=request.form.get(name, ""), required=True)
    asked.maxlength, asked.lines, asked.errors = _REASON.length, _REASON.lines, [str(wrong)] if wrong else []
    return asked
