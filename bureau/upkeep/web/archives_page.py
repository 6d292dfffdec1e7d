"""The page of archives, for the administrator: what left the database, when, how large it is, whether its seal holds;
and downloads."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for

from bureau.access.roles import ADMINISTRATOR
from bureau.settings import settings
from bureau.upkeep import archives
from bureau.upkeep.archives import Archive
from bureau.upkeep.web import growth
from panel.i18n import Message, _
from panel.kinds import ZONE, Moment, tidy
from panel.web.context import current_actor, current_panel
from panel.web.downloads import noting, send_download
from panel.web.features import Route
from panel.web.pages import Cell, Column, ListPage, Row
from panel.web.panel import SYSTEM, Link

#: The settings of how long something stays in the database.
MONTHS = ("log_keep_months", "import_rows_months", "draft_keep_months")


def may_open() -> bool:
    return ADMINISTRATOR in current_actor().roles


def page() -> Any:
    if not may_open():
        abort(403)
    found = archives.known(current_panel().db.engine, growth.folder())
    shown = ListPage(
        title=_("Archives"),
        sub=_sub(),
        columns=[
            Column("what", _("What is archived")),
            Column("rows", _("Rows"), number=True),
            Column("at", _("Archived at")),
            Column("size", _("Size"), number=True),
            Column("seal", _("Seal"), wide=True),
            Column("file", _("File"), wide=True),
        ],
        rows=[_row(number, entry) for number, entry in enumerate(found, 1)],
        empty=_("Nothing was archived yet."),
    )
    return render_template("panel/list.html", page=shown)


def _sub() -> Message:
    """Where archives are, and whether anything is archived by itself."""
    session = current_panel().session
    if any(settings.get(session, name) for name in MONTHS):
        return _("In {folder}. Made by themselves, by the months in the settings.", folder=growth.folder())
    return _("In {folder}. Nothing is archived by itself: the months in the settings are 0.", folder=growth.folder())


def _row(number: int, entry: Archive) -> Row:
    what = Cell(str(entry.label), below=[f"#{entry.first} – #{entry.last}"])
    if entry.problem is not None:
        seal = Cell(str(_("not good")), tone="bad", below=[str(entry.problem)])
    elif entry.size is None:
        seal = Cell(str(_("The file is kept elsewhere.")))
    else:
        seal = Cell(str(_("verified")), tone="good")
    present = entry.size is not None
    size = "—" if entry.size is None else f"{max(1, entry.size // 1024):,} KB"
    file = Cell(entry.name, url=url_for("archives_file", name=entry.name) if present else "")
    rows = "—" if entry.rows is None else f"{entry.rows:,}"
    at = Moment().format(entry.at.astimezone(ZONE).replace(second=0, microsecond=0))
    return Row(number, "", [what, Cell(rows), Cell(at), Cell(size), seal, file])


def download() -> Any:
    """An archive as a download, noted in the export log."""
    if not may_open():
        abort(403)
    name = tidy(request.args.get("name"))
    found = archives.known(current_panel().db.engine, growth.folder())
    entry = next((entry for entry in found if entry.name == name and entry.size is not None), None)
    if entry is None:
        abort(404)
    noting("archive", entry.rows or 0)
    return send_download(growth.folder() / entry.name, entry.name, "application/octet-stream")


LINKS = (Link(_("Archives"), "archives", "file-archive-o", SYSTEM, may_open),)
ROUTES = (
    Route("/archives", "archives", page),
    Route("/archives/file", "archives_file", download, asks="who may open the page of archives"),
)
