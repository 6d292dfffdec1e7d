"""The page of a background task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panel.web.pages.parts import Page, Words


@dataclass(slots=True)
class JobPage(Page):
    """A background task: how far it is while it runs (`progress` has done, total, message), then how it ended.
    `files` are name and address; `expired` when there were some."""

    sentence: Words = ""
    tone: str = ""
    running: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    state_url: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    expired: bool = False
