"""Ids in text: one function reads them, and no argument of any address makes a page fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from werkzeug.datastructures import ImmutableMultiDict

from bureau.cases.steps import STEPS
from models import CaseStatus
from panel import ids
from panel.web.views import SchemaView
from tests import steps
from tests.factories import Stage, clock

ROOT = Path(__file__).resolve().parents[2]
NONSENSE = ("²", "9" * 20)
#: The table whose screen stands for all generated ones.
GENERATED = "case"
#: What ends or begins the session that is asked with.
OF_THE_SESSION = {"session.login", "session.logout", "session.password", "session.language", "session.look"}

#: What some pages want before they look at anything else.
MORE = {
    "case.action_view": {"action": "delete"},
    "case.bulk_view": {"step": next(name for name, step in STEPS.items() if step.bulk)},
}


@pytest.mark.parametrize(
    "text", ["", " ", "0", "-1", "+1", "1.0", "1e3", "²", "٣", "９", "x", "1 2", "9" * 20, "9" * 5000]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert ids.parse(text) is None
    assert ids.parse(None) is None
    assert ids.parse(str(ids.HIGHEST + 1)) is None


def test_an_id_is_a_number_of_plain_digits() -> None:
    assert [ids.parse(one) for one in ("1", " 12 ", "007", 5, str(ids.HIGHEST))] == [1, 12, 7, 5, ids.HIGHEST]


def test_a_number_that_is_too_large_is_as_good_as_the_largest() -> None:
    assert [ids.number(one, 1) for one in (None, "", "x", "²", "0", "7")] == [1, 1, 1, 1, 0, 7]
    assert ids.number("9" * 5000, 1) == ids.number(str(ids.HIGHEST + 1), 1) > ids.HIGHEST


def test_a_version_that_cannot_be_read_is_no_records_version() -> None:
    """A missing one asks for no check; one that was spoilt must not switch it off."""
    assert [ids.version(one) for one in (None, "", "3", "²", "9" * 20, "0")] == [None, None, 3, 0, 0, 0]


def test_ids_are_read_in_one_place() -> None:
    spelt = re.compile(r"\.(?:isdigit|isdecimal|isnumeric)\(")
    elsewhere = {
        "panel/kinds/words.py",
        "panel/sheets/read/xlsx_flags.py",
        "panel/sheets/read/plaintext.py",
    }  # digits that are no ids
    found = {
        str(file.relative_to(ROOT))
        for folder in ("panel", "bureau")
        for file in (ROOT / folder).rglob("*.py")
        if spelt.search(file.read_text(encoding="utf-8"))
    }
    assert found <= elsewhere


# Every argument of every address.


class Asked(ImmutableMultiDict[str, str]):
    """Arguments that note which names a page looks for."""

    names: set[str] = set()

    def get(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().getlist(key, *args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        self.names.add(key)
        return super().__getitem__(key)


class NotingRequest(Request):
    parameter_storage_class = Asked


@pytest.fixture(scope="module")
def noting(growing: Stage) -> Iterator[Stage]:
    growing.app.request_class = NotingRequest
    with clock():
        yield growing


def addresses(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and address of all pages; of the generated ones those of one table."""
    urls = stage.app.url_map.bind("localhost")
    for rule in stage.app.url_map.iter_rules():
        table, _dot, name = rule.endpoint.partition(".")
        generated = table in stage.panel.views and hasattr(SchemaView, name)
        if (generated and table != GENERATED) or rule.endpoint in OF_THE_SESSION or rule.endpoint.endswith("static"):
            continue
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            yield rule.endpoint, method, urls.build(rule.endpoint, dict.fromkeys(rule.arguments, 1))


def ask(stage: Stage, role: str, method: str, address: str, given: dict[str, str]) -> int:
    browser = stage.browse(role)
    if method == "GET":
        return browser.client.get(address, query_string=given).status_code
    return browser.client.post(address, query_string=given, data={**given, "csrf_token": browser.token()}).status_code


def tried(
    stage: Stage, role: str, method: str, address: str, given: dict[str, str], known: frozenset[str] = frozenset()
) -> set[str]:
    """The arguments that a page looks for, each sent as nonsense beside what makes the page go on; `known` ones aren't
    sent."""
    Asked.names.clear()
    assert ask(stage, role, method, address, given) < 500, (method, address, given)
    names = Asked.names - {"csrf_token"}
    for name in sorted(names - known):
        for value in NONSENSE:
            status = ask(stage, role, method, address, {**given, name: value})
            assert status < 500, (method, address, name, value[:30])
    return names


@pytest.mark.parametrize("role", ["office", "administrator"])
def test_no_argument_of_any_address_makes_a_page_fail(noting: Stage, role: str) -> None:
    found: set[str] = set()
    for endpoint, method, address in addresses(noting):
        table = endpoint.partition(".")[0]
        given = {"id": str(noting.inside[table])} if table in noting.inside else {}
        given |= MORE.get(endpoint, {})
        if endpoint == "case.item_facts":
            given = {"case": str(noting.inside["case"]), "item": str(noting.inside["checklistitem"])}
        found |= tried(noting, role, method, address, given)
    if role == "office":
        assert found >= {"id", "item", "squad", "street", "community", "page", "version", "rowid", "row", "case"}


#: What the page of every step looks for, before it looks at the step: one step is tried with it.
OF_EVERY_STEP, ONE_STEP = frozenset({"id", "step", "version"}), "start"


@pytest.mark.parametrize("name", [name for name, step in STEPS.items() if step.sources])
def test_no_argument_of_a_step_makes_its_page_fail(noting: Stage, name: str) -> None:
    state = next(iter(sorted(STEPS[name].sources, key=list(CaseStatus).index)))
    case = steps.new_case(noting, state, "officer")
    given = {"id": str(case), "step": name, "version": "0"}
    address = "/admin/case/step/"
    role = next(one for one in ("office", "leader", "officer") if ask(noting, one, "GET", address, given) != 403)
    for method in ("GET", "POST"):
        known = frozenset() if name == ONE_STEP else OF_EVERY_STEP
        assert tried(noting, role, method, address, given, known) >= {"id", "step"}
