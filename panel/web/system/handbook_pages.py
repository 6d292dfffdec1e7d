"""The handbook of the application: one page with all of its sections, for everybody who is logged in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, g, render_template, request, send_from_directory, url_for

from panel.handbook import handbook as books
from panel.handbook.handbook import Handbook, Section
from panel.web.context import current_panel
from panel.web.pages import Page

blueprint = Blueprint("handbook", __name__, url_prefix="/help")

#: Sections of pages that every table has, by the function of its view.
VIEW_SECTIONS = {
    **dict.fromkeys(("create_view", "edit_view", "delete_view"), "forms"),
    **dict.fromkeys(("import_view", "preview_view", "confirm_view"), "excel"),
    "columns_view": "columns",
    "change_view": "list-work",
    "undo_view": "undo",
    "choose_view": "exports",
}
#: Sections of the engine's own pages, by endpoint or blueprint.
ENGINE_SECTIONS = {
    "home": "home",
    "session.login": "login",
    "first": "start",
    "session.password": "login",
    "session.code": "login",
    "session.mine": "login",
    "session.factor": "login",
    "session.matrix": "roles",
    "jobs": "jobs",
    "find": "lists",
    "notices": "notices",
    "importbatch": "excel",
    "importrow": "excel",
    "user": "accounts",
    "userrole": "accounts",
    "proposal": "accounts",
    "view_as": "accounts",
    "loginsession": "accounts",
    "loginlog": "accounts",
    "auditentry": "accounts",
    "exportlog": "exports",
}


@dataclass(slots=True)
class HandbookPage(Page):
    html: str = ""
    chapters: list[tuple[Section, list[Section]]] = field(default_factory=list)


def section_of(endpoint: str | None) -> str:
    """The section about a page: that of its endpoint, of what its view does, or of its view as a whole; "" for none."""
    declared = {**ENGINE_SECTIONS, **current_panel().sections}
    group, _dot, function = (endpoint or "").rpartition(".")
    named = declared.get(endpoint or "") or (VIEW_SECTIONS.get(function, "") if group in current_panel().views else "")
    return named or declared.get(group, "")


def help_url() -> str:
    """The address of the section about the page of this request, which may name its own in `g.handbook_section`; ""
    without a handbook."""
    if current_panel().handbook is None:
        return ""
    section = g.get("handbook_section") or section_of(request.endpoint)
    return url_for("handbook.show", _anchor=section or None)


def picture_url(name: str) -> str:
    return f"/help/{name}"


def _read() -> tuple[Path, Handbook]:
    """The file of the handbook and what it says. 404 where there is none."""
    file = current_panel().handbook
    if file is None:
        abort(404)
    try:
        return file, books.read_file(file, picture_url)
    except OSError:
        abort(404)


@blueprint.get("/")
def show() -> Any:
    _file, handbook = _read()
    page = HandbookPage(title=handbook.title, html=handbook.html, chapters=list(handbook.chapters()))
    return render_template("panel/handbook.html", page=page)


@blueprint.get("/<name>")
def picture(name: str) -> Any:
    """A picture that the handbook shows, from the folder `images` beside it."""
    file, handbook = _read()
    if name not in handbook.pictures:
        abort(404)
    return send_from_directory(file.parent / "images", name, max_age=3600)
