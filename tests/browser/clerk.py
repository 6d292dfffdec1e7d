"""Somebody at the screen whose effort is counted: clicks, and the characters that they type."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page


@dataclass
class Effort:
    """What people spend together. A person needs some seconds to read and to click, and half a second a character."""

    clicks: int = 0
    keys: int = 0

    @property
    def minutes(self) -> float:
        return (self.clicks * 8 + self.keys * 0.5) / 60


@dataclass
class Clerk:
    page: Page
    folder: Path
    effort: Effort = field(default_factory=Effort)

    @property
    def clicks(self) -> int:
        return self.effort.clicks

    def click(self, place: Locator) -> None:
        place.click()
        self.effort.clicks += 1

    def type(self, place: Locator, words: str) -> None:
        place.fill(words)
        self.effort.keys += len(words)

    def choose(self, label: str, typed: str, wanted: str) -> None:
        """Look a record up by what one types, and take the one that reads as wanted."""
        self.type(self.page.locator("main").get_by_role("combobox", name=label), typed)
        self.click(self.page.get_by_role("listbox").get_by_role("option", name=wanted).first)

    def button(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name, exact=True).first)

    def send(self, name: str, data: bytes) -> None:
        """From the upload to the preview of a file."""
        file = self.folder / f"{name}.xlsx"
        file.write_bytes(data)
        self.page.locator("input[type=file]").set_input_files(file)
        self.effort.clicks += 2  # choose the file, and open it
        self.button("读取并预览")
        self.page.wait_for_url("**/import/preview/**")

    def bring(self, label: str, data: bytes) -> None:
        """From the menu to the preview of a file."""
        link = self.page.locator("li a", has_text=re.compile(rf"^\s*{label}\s*$"))
        group = self.page.locator(".side details", has=link)
        if not group.locator(link).is_visible():
            self.click(group.locator("summary"))
        self.click(group.locator(link))
        self.click(self.page.get_by_role("link", name="导入", exact=True).first)
        self.send(label, data)

    def confirm(self, name: str) -> None:
        self.button(name)
        self.page.wait_for_url("**/importbatch/**")
