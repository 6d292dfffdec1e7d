"""Small forms of `make walk` and `make fuzz`."""

from __future__ import annotations

import random
from typing import Any

from bench import fuzz, walk
from panel.web import views
from tests.factories import Stage


def test_a_sample_of_the_walk_finds_nothing(stage: Stage) -> None:
    """Pairs that once gave way, over a few of all routes."""
    rng = random.Random("walk")  # noqa: S311 - not for secrets
    pairs = [("officer", "viewer"), ("leader", "viewer"), ("liaison", "office")]
    assert list(walk.walk(stage, pairs, lambda calls: rng.sample(calls, 30))) == []


def test_a_sample_of_the_fuzz_finds_nothing(stage: Stage) -> None:
    assert list(fuzz.fuzz(stage, lambda number: number % 211 == 0, 13)) == []
    assert len(fuzz.parameters()) > 20


def test_what_they_look_for_would_be_found(stage: Stage, monkeypatch: Any) -> None:
    monkeypatch.setattr(views.SchemaView, "index_view", lambda _view: 1 / 0)
    calls = [walk.Call("GET", "/admin/street/")]
    assert walk.answer(stage.browse("office"), calls[0])[0] in (200, 500)
    assert walk.FOREIGN.search("sqlalchemy.exc.OperationalError")
