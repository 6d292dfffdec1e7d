"""What a setting is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from panel.i18n import Message
from panel.kinds import Kind


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting. `default` is the value without a stored row; `editable` is False for settings that only the program
    sets, `administrator` is True for those that the office may not change."""

    key: str
    label: Message
    help: Message
    default: Any
    kind: Kind
    editable: bool = True
    administrator: bool = False
