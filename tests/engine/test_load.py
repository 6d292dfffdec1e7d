"""Several people step, report and edit at once: no error page, no lock, nothing lost, no number twice or missing."""

from __future__ import annotations

import secrets

import pytest

from bench.load import load
from bench.site import Site
from panel.config import Config

pytestmark = pytest.mark.database

PEOPLE, SECONDS = 6, 4
PROCESSES = {"sqlite": 1, "postgresql": 2}


@pytest.mark.served
def test_several_people_at_once(config: Config, backend: str) -> None:
    site = Site.build(config.instance, PEOPLE, database_url=config.database_url)
    said: list[str] = []
    try:
        assert load(site, PROCESSES[backend], SECONDS, secrets.randbelow(10**6), said.append) == [], said
    finally:
        site.close()
