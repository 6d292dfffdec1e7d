"""Why a file is not read, as the process that opens it tells the panel."""

from __future__ import annotations


class ReaderError(Exception):
    """`kind` names the sentence that the user gets, `about` what it is about, such as a sheet."""

    def __init__(self, kind: str, about: str = "") -> None:
        super().__init__(kind, about)
        self.kind, self.about = kind, about
