"""A value that a step of a case asks for."""

from __future__ import annotations

from typing import Any

from panel.fields import Field, Personal
from panel.i18n import Message, _


def ask(
    name: str,
    kind: Any,
    label: Message,
    *,
    required: bool = True,
    default: Any = None,
    help: Message | None = None,
    personal: Personal = Personal.NO,
    group: Message | None = None,
) -> Field:
    """A value that a step asks for. One that may name private people is not kept with the event. A `group` puts it
    under a heading of its own."""
    return Field(
        kind=kind,
        label=label,
        name=name,
        attr=name,
        required=required,
        default=default,
        help=help,
        personal=personal,
        group=group or _("General"),
    )
