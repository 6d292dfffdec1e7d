"""A district with the people of the corpus, made once a file."""

from __future__ import annotations

import pytest

from tests.corpus import people
from tests.corpus.judge import Judge
from tests.factories import Stage, clock
from tests.workbooks import Office


@pytest.fixture(scope="module")
def judge(growing: Stage) -> Judge:
    with clock():
        return Judge(Office(growing), people.settle(growing))
