"""A cell that names several records is split into their names, however people separate them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.imports.link_cells import split
from panel.kinds import Many
from tests.engine.test_kinds import refused

KNOWN = {"甲", "乙", "丙", "甲、乙公司", "R&B/Soul"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("甲、乙", ["甲", "乙"]),
        ("甲，乙；丙", ["甲", "乙", "丙"]),
        ("甲\n乙\n", ["甲", "乙"]),
        (" 甲 / 乙 ,丙、", ["甲", "乙", "丙"]),
        ("甲、甲", ["甲"]),
        ("甲、乙公司、丙", ["甲、乙公司", "丙"]),
        ("R&B/Soul、丁/戊", ["R&B/Soul", "丁", "戊"]),
        ("、", []),
    ],
)
def test_names_are_told_apart_and_the_longest_known_counts(text: str, names: list[str]) -> None:
    assert split(text, lambda name: "".join(name.split()) in KNOWN) == names


@given(st.lists(st.text("甲乙丙丁ab", min_size=1, max_size=5), unique=True))
def test_what_an_export_writes_is_read_back(names: list[str]) -> None:
    assert split("、".join(names), lambda name: name in names) == names


@given(st.sets(st.integers(1, 2**31 - 1), min_size=1))
def test_ids_are_read_back(ids: set[int]) -> None:
    kind = Many("case")
    assert kind.parse(kind.format(tuple(ids))) == tuple(sorted(ids)) == kind.load(kind.store(tuple(sorted(ids))))


def test_what_is_no_id_or_too_many_is_refused() -> None:
    refused(Many("case"), "1,x", "Choose one from the list")
    refused(Many("case"), [str(n) for n in range(1, 502)], "At most 500")
