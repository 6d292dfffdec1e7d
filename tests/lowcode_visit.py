"""A column added to a model and to nothing else, looked for on every page: `python -m tests.lowcode_visit FOLDER`."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path

from openpyxl import load_workbook
from sqlalchemy import select

import models
from panel.fields import col
from panel.i18n import _
from panel.kinds import Text

models.Community.motto = col(Text(40), _("Motto"))  # type: ignore[attr-defined]


def main() -> None:
    from admin_app import create_app
    from panel.base import Base
    from panel.config import Config
    from tests.factories import Stage, form_values

    folder = Path(sys.argv[1])
    database = f"sqlite:///{folder / 'panel.db'}"
    app = create_app(Config(instance=folder, database_url=database, secret_key="of this test", password_cost=1))
    with app.app_context():
        Base.metadata.create_all(app.extensions["panel"].db.engine)
    stage = Stage(app)
    office, id_ = stage.browse("office"), stage.inside["community"]
    page = f"/admin/community/edit/?id={id_}"

    def rows(query: str) -> str:
        """The body of the list's table."""
        found = re.search(r"<tbody>.*</tbody>", office.get(f"/admin/community/?{query}").text, re.S)
        return found[0] if found else ""

    form = form_values(office.get(page).text)
    assert form["motto"] == "", "in the form"
    assert office.post(page, {**form, "motto": "邻里守望"}).status_code == 302
    assert re.search(r"<th[^>]*>\s*(<a[^>]*>)?Motto", office.get("/admin/community/").text), "in the list's header"
    assert "邻里守望" in rows(""), "in the list"
    details = office.get(f"/admin/community/details/?id={id_}").text
    assert re.search(r"<dt>Motto</dt>\s*<dd>\s*邻里守望", details), "in the details"
    assert office.post(page, {**office.form(page), "motto": "守望相助"}).status_code == 302
    history = office.get(page).text.partition("<aside>")[2]
    assert re.search(r"Motto.*邻里守望.*守望相助", history, re.S), "in the history, from what to what"
    assert "守望相助" in rows("motto=相助"), "in the filter"
    assert "守望相助" not in rows("motto=别的"), "in the filter"
    sheet = load_workbook(BytesIO(office.get("/admin/community/template/").data)).worksheets[0]
    assert "Motto" in {str(cell.value) for row in sheet.iter_rows(max_row=5) for cell in row}, "in the Excel template"
    with stage.session() as session:
        assert session.execute(select(models.Community.motto).filter_by(id=id_)).scalar_one() == "守望相助"


if __name__ == "__main__":
    main()
