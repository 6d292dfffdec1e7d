"""The code of “How to” in docs/architecture.md does what the document says."""

from __future__ import annotations

from pathlib import Path

from tests.engine.visits import visit
from tests.howto_visit import blocks


def test_every_kind_of_addition_is_shown_in_code() -> None:
    assert list(blocks()) == ["kind", "table", "rows", "step", "role", "register", "figure", "page", "feature"]


def test_what_the_document_adds_works(tmp_path: Path) -> None:
    visit("tests.howto_visit", tmp_path)
