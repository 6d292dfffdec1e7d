"""Runs the code of “How to” in docs/architecture.md in one panel and uses what it adds, over HTTP:
`python -m tests.howto_visit FOLDER`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
IMPORTS = """
import re
from dataclasses import dataclass
from datetime import date
from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import Mapped, relationship
import models
from bureau.access.roles import OFFICER
from bureau.cases.steps import Recipient, Step, StepNotice
from bureau.cases.steps.fields import ask
from bureau.cases.case_feature import CaseFeature
from bureau.figures.figures import Figure
from bureau.figures.parts.cases import DUE, DUE_ALL, with_step
from bureau.figures.parts.model import Part
from bureau.menu import WORK
from bureau.printing.register_sheet import Column
from bureau.printing.paper import CODE
from bureau.registers.model import Filled, Register
from models import Case, CaseStatus
from panel.base import Record, Via
from panel.fields import col
from panel.i18n import _
from panel.kinds import Code, Day, Reference, Text, Whole
from panel.security.policy import MANAGE, READ, Permission, Role
from panel.web.context import current_actor, current_panel
from panel.web.features import Route, Screen, Site
from panel.web.panel import Link
"""


def blocks() -> dict[str, str]:
    """The code under each mark, in the order of the document."""
    return dict(re.findall(r"<!-- (\w+) -->\n```python\n(.*?)```", DOCUMENT.read_text(), re.S))


def run() -> dict[str, Any]:
    """What the blocks define."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(IMPORTS, names)  # noqa: S102 - the project's own documentation
    for name, code in blocks().items():
        # Annotations are values here: the classes belong to no module that could be searched for their names.
        exec(compile(code, name, "exec", dont_inherit=True), names)  # noqa: S102
    return names


def add_care(office_staff: Any, listed: str) -> None:
    """A row is added in the form of the tree, and shown on its details page."""
    found = re.search(r"/admin/tree/details/\?id=(\d+)", listed)
    assert found
    tree = f"/admin/tree/edit/?id={found[1]}"
    care = {"care.n1.done_on": "2026-07-01", "care.n1.work": "修枝"}
    assert office_staff.post(tree, {**office_staff.form(tree), **care}).status_code == 302, "a row in its parent's form"
    assert "修枝" in office_staff.get(tree.replace("edit", "details")).text, "the details page shows it"


def main() -> None:
    from bureau.access import roles
    from bureau.figures import figures
    from bureau.registers import registers

    names = run()
    roles.ROLES = (*roles.ROLES, names["GARDENER"])
    office = next(role for role in roles.ROLES if role.name == roles.OFFICE)
    office.grants.update(dict.fromkeys((names["Tree"], names["Care"]), names["MANAGE"]))
    registers.REGISTERS["trees"] = names["TREES"]  # type: ignore[index]
    pruned = names["PRUNED"]
    figures.FIGURES[pruned.name] = pruned  # type: ignore[index]
    figures.PARTS[pruned.part.name] = pruned.part  # type: ignore[index]

    import admin_app
    from panel.base import Base
    from panel.config import Config

    admin_app.FEATURES = (*admin_app.FEATURES, names["FEATURE"])
    admin_app.collect(admin_app.FEATURES)

    from tests import factories, steps

    folder = Path(sys.argv[1])
    database = f"sqlite:///{folder / 'panel.db'}"
    app = admin_app.create_app(
        Config(instance=folder, database_url=database, secret_key="of this test", password_cost=1)
    )
    with app.app_context():
        Base.metadata.create_all(app.extensions["panel"].db.engine)
    stage = factories.Stage(app)
    community = stage.inside["community"]

    office_staff = stage.browse("office")
    assert "/admin/tree/" in office_staff.get("/").text, "the feature's screen is in the side bar"
    given = {"number": "XS-001", "community": community, "girth": "85cm"}
    assert office_staff.post("/admin/tree/new/", given).status_code == 302, "the table has a form; the kind reads cm"
    listed = office_staff.get("/admin/tree/").text
    assert "XS-001" in listed
    assert "85" in listed
    assert "XS-001" in office_staff.get(f"/admin/community/details/?id={community}").text, "the reference shows it"
    assert "XS-001（85）" in office_staff.get("/trees/tallest").text, "the page"
    assert stage.browse("liaison").client.get("/trees/tallest").status_code == 403, "no right, no page"
    assert "胸围" in office_staff.get("/registers?name=trees").text, "the register"
    assert "Pruning rate" in office_staff.get("/figures").text, "the figure"

    add_care(office_staff, listed)

    id_ = steps.new_case(stage, names["CaseStatus"].HANDLING, "officer")
    officer = stage.browse("officer")
    assert "step=prune" in officer.get(f"/admin/case/details/?id={id_}").text, "the step's button"
    address = f"/admin/case/step/?id={id_}&step=prune"
    assert officer.post(address, {**officer.form(address), "reason": "压线枝"}).status_code == 302
    assert "压线枝" in officer.get(f"/admin/case/details/?id={id_}").text, "its event"

    gardener = stage.browse("gardener")
    assert "XS-001" in gardener.get("/admin/tree/").text, "the role sees what it is granted"
    assert gardener.client.get("/admin/case/").status_code == 403, "and nothing else"


if __name__ == "__main__":
    main()
