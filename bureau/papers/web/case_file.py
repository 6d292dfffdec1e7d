"""The file of a case (案卷) as one page to print: cover, contents, and every paper in order. Scope and masks are the
reader's; whoever opens it stands in the export log."""

from __future__ import annotations

from typing import Any

from flask import abort, url_for

from bureau.papers.web import case_parts
from bureau.printing.web.papers import PrintPage, file_contents, render
from models import Case
from panel.exports import requests
from panel.exports.records import ExportFormat
from panel.i18n import _, listed
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.downloads import already_noted
from panel.web.features import Route
from panel.web.lookups import visible
from panel.web.pages import Button


def page(id_: int) -> Any:
    """Show the file and log it. 404 outside the scope."""
    case: Case | None = visible("case", id_)
    if case is None:
        abort(404)
    documents = list(case_parts.documents(case))
    number = requests.new_number()
    result = PrintPage(
        title=_("Case file {number}", number=case.case_no),
        documents=[case_parts.cover(case, len(documents)), file_contents(documents), *documents],
        back_url=url_for("case.details_view", id=case.id),
        footer=requests.watermark(number, current_actor().name),
    )
    result.remarks.append(_("Names and telephones are masked as on the screen. Opening this file is logged."))
    if missing := case_parts.missing():
        names = listed(missing)
        result.remarks.append(_("Your role doesn't see these parts; they aren't in this file: {names}.", names=names))
    answer = render(result, Case.__tablename__)
    already_noted()
    _log(case, number, [str(document.title) for document in documents], str(result.title))
    return answer


def _log(case: Case, number: str, titles: list[str], name: str) -> None:
    session = current_panel().session
    case_no = case.case_no
    entry = {
        "number": number,
        "table_name": "case",
        "row_count": 1,
        "filter": str(_("{label}: {value}", label=_("Case no."), value=case_no)),
        "columns": listed(dict.fromkeys(titles))[: requests.COLUMNS_LENGTH],
        "format": ExportFormat.PRINT,
        "file_name": name,
    }
    requests.log(session, **entry)


def button(case: Case) -> Button | None:
    """The button of the case page."""
    return Button(_("Case file"), url_for("case_file", id_=case.id), "book")


ROUTES = (Route("/cases/<int:id_>/file", "case_file", page, grants=(Grant(Permission.READ, (Case,)),)),)
