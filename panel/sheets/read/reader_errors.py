"""The error by which the reader process tells the panel why it can't read a file."""

from __future__ import annotations


class ReaderError(Exception):
    """`kind` is a key of reader.REASONS, "large" or "quote"; `about` is the name of the sheet, or the line."""

    def __init__(self, kind: str, about: str = "") -> None:
        super().__init__(kind, about)
        self.kind, self.about = kind, about
