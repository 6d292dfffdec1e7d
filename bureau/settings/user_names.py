"""User names in one setting, separated by commas, 、 or spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from panel.kinds import Text, tidy

SEPARATOR = "、"


@dataclass(frozen=True, slots=True)
class UserNames(Text):
    """User names as text, none twice, with SEPARATOR between them. Whether they exist is checked when they are
    stored."""

    def parse(self, raw: object) -> str | None:
        names = re.split(r"[、，,;；\s]+", tidy(raw))
        text: str | None = Text.parse(self, SEPARATOR.join(dict.fromkeys(filter(None, names))))
        return text
