"""The page of a background task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panel.web.pages.parts import Page, Words


@dataclass(slots=True)
class JobPage(Page):
    """A background task: its progress while it runs (done, total, message), and how it ended. `files` are (name,
    address); `expired`: its files are deleted."""

    sentence: Words = ""
    tone: str = ""
    running: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    state_url: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    expired: bool = False
