"""What a page costs: a number of statements that doesn't grow with the rows, and no form that holds a table."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from panel.security.policy import Permission
from panel.web import child_rows
from tests import factories
from tests.factories import ROLE_NAMES, TABLES, Stage, granted, pairs

pytestmark = pytest.mark.framed

#: Log-in and scope included.
LIMIT = 12
#: The page of a case shows all that hangs on it.
LIMITS = {("case", "details"): 15}
FEW, MANY = 3, 12

PAGES = {
    "list": ("/", Permission.READ),
    "last page": ("/?page=999", Permission.READ),
    "search": ("/?q=%E6%9F%90", Permission.READ),
    "details": ("/details/?id={id}", Permission.READ),
    "edit": ("/edit/?id={id}", Permission.EDIT),
    "new": ("/new/", Permission.CREATE),
}
COSTS = [
    (role, table, page)
    for role, table in pairs()
    for page, (_address, act) in PAGES.items()
    if granted(role, act, table)
] + [(role, "", "home") for role in ROLE_NAMES]


@dataclass
class Cost:
    statements: list[str]
    page: str


def measure(stage: Stage) -> dict[tuple[str, str, str], Cost]:
    found = {}
    with stage.app.app_context():
        engine = stage.panel.db.engine
    for role, table, page in COSTS:
        address = "/" if page == "home" else f"/admin/{table}{PAGES[page][0].format(id=stage.inside[table])}"
        browser = stage.browse(role)
        with factories.counted(engine) as sent:
            answer = browser.get(address)
        assert answer.status_code == 200
        found[role, table, page] = Cost(list(sent), answer.text)
    return found


@pytest.fixture(scope="module")
def costs(growing: Stage) -> tuple[dict[tuple[str, str, str], Cost], dict[tuple[str, str, str], Cost]]:
    """What the pages cost with few rows in every table, and with many."""
    measured = []
    with factories.clock():
        for more in (FEW, MANY):
            with growing.session() as session:
                for table in TABLES:
                    for _n in range(more):
                        factories.another(session, table, growing.inside)
            measured.append(measure(growing))
    return measured[0], measured[1]


@pytest.mark.parametrize(("role", "table", "kind"), COSTS)
def test_a_page_costs_the_same_however_many_rows(costs: tuple, role: str, table: str, kind: str) -> None:  # type: ignore[type-arg]
    few, many = (len(cost[role, table, kind].statements) for cost in costs)
    assert few == many, "\n".join(costs[1][role, table, kind].statements)
    assert many <= LIMITS.get((table, kind), LIMIT), "\n".join(costs[1][role, table, kind].statements)


FORMS = [cost for cost in COSTS if cost[2] in ("edit", "new")]


def without_child_rows(page: str) -> str:
    """The rows of a child table are the record's own, and at most MOST."""
    assert len(re.findall(r'<fieldset class="child-row', page)) <= child_rows.MOST + child_rows.BLANK_ROWS + 1
    return re.sub(r'<section class="child-rows".*?</section>', "", page, flags=re.S)


@pytest.mark.parametrize(("role", "table", "kind"), FORMS)
def test_a_form_does_not_grow_with_the_tables_it_refers_to(costs: tuple, role: str, table: str, kind: str) -> None:  # type: ignore[type-arg]
    few, many = (without_child_rows(cost[role, table, kind].page) for cost in costs)
    options = [len(re.findall(r"<option\b", text)) for text in (few, many)]
    assert options[0] == options[1]
    assert abs(len(many) - len(few)) < 200


@pytest.mark.parametrize(("role", "table"), pairs())
def test_a_list_loads_its_page_and_no_more(costs: tuple, role: str, table: str) -> None:  # type: ignore[type-arg]
    """Whatever loads records asks for them by id or says how many."""
    loads = [s for s in costs[1][role, table, "list"].statements if re.match(rf'SELECT "?{table}"?\.id AS ', s)]
    for sent in loads:
        assert re.search(r"\bLIMIT\b|\.id IN|\.id =", sent), sent


def test_a_lookup_and_a_filter_cost_little(growing: Stage) -> None:
    with growing.app.app_context():
        engine = growing.panel.db.engine
    for table in TABLES:
        for field in growing.panel.views[table].references:
            browser = growing.browse(next(role for role in ROLE_NAMES if granted(role, Permission.READ, table)))
            for address in (
                f"ajax/lookup/?name={field.name}",
                f"?{field.name}={growing.inside[field.reference.table]}",
            ):
                with factories.counted(engine) as sent:
                    assert browser.get(f"/admin/{table}/{address}").status_code == 200
                assert len(sent) <= LIMIT, "\n".join(sent)
