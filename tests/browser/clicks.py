"""What a task costs on screen: presses of the mouse and keys that don't type, counted by the browser itself, and the
table of docs/ui.md that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

TABLE = Path(__file__).resolve().parents[2] / "docs" / "ui.md"
#: A choice of a list is two clicks, a file is one: the box is pressed, and the dialog belongs to the system.
COUNT = """(() => {
  if (window.counting) return;  // by somebody who had the window before
  window.counting = true;
  const add = (name, n) => sessionStorage.setItem(name, Number(sessionStorage.getItem(name) || 0) + n);
  addEventListener("pointerdown", (event) => { if (event.isTrusted) add("clicks", 1); }, true);
  addEventListener("change", (event) => {
    if (event.target.matches("select")) add("clicks", 2);
    if (event.target.matches("input[type=file]")) add("clicks", 1);
  }, true);
  addEventListener("keydown", (event) => {
    const shortcut = event.ctrlKey && event.key !== "Control";
    if (shortcut || ["Enter", "Tab", "Escape", "/"].includes(event.key)) add("keys", 1);
  }, true);
})()"""


def documented() -> dict[tuple[str, str], tuple[int, int, int]]:
    """Clicks, keys and the most clicks of each role's tasks, as the table says."""
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (\d+) \| (\d+) \| (\d+) \|$", TABLE.read_text(), re.M)
    return {(role, task): (int(clicks), int(keys), int(most)) for role, task, clicks, keys, most in rows}


class Meter:
    """Counts on the pages that are opened from now on."""

    def __init__(self, page: Page, role: str) -> None:
        self.page, self.role = page, role
        page.add_init_script(COUNT)

    @contextmanager
    def task(self, name: str, start: str = "") -> Iterator[Page]:
        """A task from where one stands, or from an address: it costs what the table says, and no more than allowed."""
        if start:
            self.page.goto(start)
        self.page.wait_for_load_state("load")
        self.page.evaluate("sessionStorage.clear()")
        yield self.page
        self.page.wait_for_load_state("load")
        clicks, keys = self.page.evaluate("['clicks', 'keys'].map((name) => Number(sessionStorage.getItem(name) || 0))")
        found = documented().get((self.role, name))
        assert found is not None, f"docs/ui.md has no row | {self.role} | {name} | {clicks} | {keys} |"
        assert (clicks, keys) == found[:2], f"{name}: {clicks} clicks, {keys} keys"
        assert clicks <= found[2], name
