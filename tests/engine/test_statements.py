"""What a page costs: a number of statements that doesn't grow with the rows, and no form that holds a table."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from panel.fields import all_fields
from panel.search import extra_columns
from panel.security.policy import Permission
from panel.web import assemble, child_rows
from tests import factories
from tests.factories import MODELS, ROLE_NAMES, TABLES, Stage, granted, pairs

#: A page that has little besides its frame of menu, badges and bell.
PLAIN = "/password"
#: Every page has the same frame: what it costs is measured there and at home, and added to what the others cost.
pytestmark = pytest.mark.framed("/", PLAIN)

#: Log-in, scope and frame included.
LIMIT = 13
#: The page of a case shows all that hangs on it, that of an officer who stands in for whom.
LIMITS = {
    ("case", "details"): 21,
    # Street, officer and predecessor of each.
    ("liaison", "list"): 15,
    ("liaison", "last page"): 16,
    # Place and matter of the case.
    ("referral", "last page"): 15,
    ("mediation", "last page"): 14,
    ("mediation", "details"): 16,
    # A card of people, open cases and visits.
    ("officer", "details"): 18,
    ("liaison", "details"): 18,
    ("community", "details"): 18,
    ("importbatch", "details"): 14,
    # The month's figures: names, and a statement for each of four kinds of records.
    ("", "home"): 19,
}
FEW, MANY = 3, 12

PAGES = {
    "list": ("/", Permission.READ),
    # With every column that there is.
    "last page": ("/?page=999&columns={columns}", Permission.READ),
    "search": ("/?q=%E6%9F%90", Permission.READ),
    "details": ("/details/?id={id}", Permission.READ),
    "edit": ("/edit/?id={id}", Permission.EDIT),
    "new": ("/new/", Permission.CREATE),
}
#: What differs from the list in no way that depends on the role is measured with one role.
ONCE = ("last page", "search")
KEEPER = {table: next(role for role in ROLE_NAMES if granted(role, Permission.READ, table)) for table in TABLES}
COSTS = [
    (role, table, page)
    for role, table in pairs()
    for page, (_address, act) in PAGES.items()
    if granted(role, act, table) and (page not in ONCE or role == KEEPER[table])
] + [(role, "", "home") for role in ROLE_NAMES]


@dataclass
class Cost:
    statements: list[str]
    page: str
    #: What the frame of the role sends by itself.
    frame: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """The statements of page and frame. Both may need settings and calendar, which a request reads once."""
        return len(self.statements) + len(set(self.frame) - set(self.statements))


def cost(stage: Stage, role: str, address: str) -> Cost:
    browser = stage.browse(role)
    with stage.app.app_context():
        engine = stage.panel.db.engine
    with factories.counted(engine) as sent:
        answer = browser.get(address)
    assert answer.status_code == 200
    # Once a minute the use of the session is noted, whichever page it is.
    return Cost([statement for statement in sent if not statement.startswith("UPDATE loginsession")], answer.text)


def frame_of(stage: Stage, role: str) -> tuple[str, ...]:
    """The statements of the frame."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(assemble, "frame", lambda _panel: None)
        bare = cost(stage, role, PLAIN)
    sent = cost(stage, role, PLAIN).statements
    return tuple(statement for statement in sent if statement not in bare.statements)


def measure(stage: Stage) -> dict[tuple[str, str, str], Cost]:
    found = {(role, "", "home"): cost(stage, role, "/") for role in ROLE_NAMES}
    frames = {role: frame_of(stage, role) for role in ROLE_NAMES}
    assert all(frames.values()), "the menu is counted"
    for role, table, page in (one for one in COSTS if one not in found):
        columns = ",".join(f.name for f in (*all_fields(MODELS[table]), *extra_columns.of(MODELS[table])))
        address = f"/admin/{table}{PAGES[page][0].format(id=stage.inside[table], columns=columns)}"
        made = found[role, table, page] = cost(stage, role, address)
        made.frame = frames[role]
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
    few, many = (cost[role, table, kind].total for cost in costs)
    assert few == many, "\n".join(costs[1][role, table, kind].statements)
    assert many <= LIMITS.get((table, kind), LIMIT), "\n".join(costs[1][role, table, kind].statements)


FORMS = [cost for cost in COSTS if cost[2] in ("edit", "new")]


def without_child_rows(page: str) -> str:
    """The rows of a child table are the record's own, and at most MOST. The report names the communities of a district
    to those whose browser runs no scripts, and looks them up for everybody else."""
    page = re.sub(r"<noscript>.*?</noscript>", "", page, flags=re.S)
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
