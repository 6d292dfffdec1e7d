"""docs/security.md names files, tests and commands that are there, and leaves no point without an answer."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
#: Files and folders at the root that the page may name without a folder before them.
AT_THE_ROOT = {path.name for path in ROOT.iterdir() if path.is_file()}
#: The parts of GB/T 22239-2019 (level 2) and the chapters of ASVS that say something of a panel on one server.
POINTS = [
    *("7.1.2.2", "7.1.3.1", "7.1.3.5", "7.1.4.1", "7.1.4.2", "7.1.4.3", "7.1.4.4", "7.1.4.5", "7.1.4.6", "7.1.4.7"),
    *("7.1.4.8", "7.1.4.9", "7.1.4.10", "7.1.5.1", "7.1.5.2", "7.1.6", "7.1.8.2", "7.1.9.4", "7.1.9.7", "7.1.10.5"),
    *("7.1.10.6", "7.1.10.9", "7.1.10.10", "7.1.10.11", "7.1.10.12", *(f"### V{n} " for n in range(1, 15))),
]


def rows() -> list[list[str]]:
    found = [re.split(r"(?<!\\) \| ", line.strip("| \n")) for line in TEXT.splitlines() if line.startswith("| ")]
    return [row for row in found if row[0] not in ("Point", "---")]


def test_every_row_says_where_and_what_pins_it() -> None:
    assert len(rows()) > 60
    assert [row[0] for row in rows() if len(row) != 4 or not row[1].strip()] == []
    # What nothing pins is left to who operates it, or stands elsewhere on the page.
    unpinned = [row for row in rows() if row[2] == "–" and row[3] == "–"]
    assert [row[0] for row in unpinned if "see " not in row[1] and "not by the panel" not in row[1]] == []


def test_every_file_and_test_that_it_names_is_there() -> None:
    named = [mark for mark in re.findall(r"`([^`]+)`", TEXT) if re.fullmatch(r"[\w./-]+\.\w+(::\w+)?", mark)]
    assert len(named) > 100
    missing = []
    for mark in named:
        file, _sep, function = mark.partition("::")
        path = ROOT / file
        if "/" not in file and file not in AT_THE_ROOT:
            continue  # a name of a library, a setting with a dot
        if not path.is_file() or (function and f"\ndef {function}(" not in path.read_text()):
            missing.append(mark)
    assert missing == []


def test_what_pins_a_point_is_a_test() -> None:
    for row in rows():
        marks = re.findall(r"`([^`]+)`", row[2])
        assert all(mark.startswith("tests/") or mark.startswith("make ") for mark in marks), row


def test_no_point_of_the_two_standards_is_left_out() -> None:
    assert [point for point in POINTS if point not in TEXT] == []
