"""The search above every page: records of several tables, pages and acts; what was opened last while nothing is typed.

The same answer comes as a page, which needs no script, and as a part that the script shows below the box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for

from panel.base import Base
from panel.i18n import _, pinyin
from panel.kinds import narrow, tidy
from panel.search import everywhere, listing, private_numbers
from panel.search.everywhere import Hit
from panel.search.listing import Query
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Page, Words
from panel.web.panel import Panel
from panel.web.tables import number_search

blueprint = Blueprint("find", __name__, url_prefix="/find")
#: Tables that are looked through where the panel names none, and records that are remembered as opened.
MOST_TABLES, MOST_OPENED = 8, 8
#: Pages and commands that are shown.
MOST_PAGES = 6
_OPENED = "opened"


@dataclass(slots=True)
class Line:
    name: str
    url: str
    about: str = ""
    icon: str = ""


@dataclass(slots=True)
class Section:
    """What was found of one kind; `more` is the address of all of it, if that is more."""

    label: Words
    lines: list[Line] = field(default_factory=list)
    more: str = ""


@dataclass(slots=True)
class FindPage(Page):
    words: str = ""
    sections: list[Section] = field(default_factory=list)


def searched(panel: Panel) -> list[Any]:
    """The views of the tables that the actor may search here, in order."""
    actor = current_actor()
    views = {view.model.__tablename__: view for view in panel.views.values()}
    wanted = [views[name] for name in panel.searched if name in views] or list(views.values())
    may_read = [v for v in wanted if panel.policy.may(actor, Permission.READ, v.model) and listing.searchable(v.model)]
    return may_read if panel.searched else may_read[:MOST_TABLES]


def remember(model: type[Base], id_: int) -> None:
    """Note in the visitor's session that this record was opened."""
    if model.__tablename__ in {view.model.__tablename__ for view in searched(current_panel())}:
        place = [model.__tablename__, id_]
        session[_OPENED] = [place, *(one for one in session.get(_OPENED, []) if one != place)][:MOST_OPENED]


@blueprint.post("/")
def search() -> Any:
    """The page of what the words find; while they are typed, its part. A whole private number is looked for when it is
    sent, not while it is typed, and stands sealed in the address."""
    words = tidy(request.form.get("q"))[: listing.MAX_VALUE]
    models = [view.model for view in searched(current_panel())]
    if "part" in request.form:
        return _part(words, models)
    number = number_search.sealed(models, words)
    return redirect(url_for(".index", sealed=number) if number else url_for(".index", q=words), 303)


def _part(words: str, models: Sequence[type[Base]]) -> Any:
    session = current_panel().session
    number = any(private_numbers.whole(model, words) and private_numbers.may(session, model) for model in models)
    note = _("Press Enter to look for the cases of this telephone number.") if number else ""
    sections = _found(words) if words else _opened()
    return render_template("panel/find_box.html", sections=sections, words=words, in_box=True, note=note)


@blueprint.get("/")
def index() -> Any:
    words = tidy(request.args.get("q"))[: listing.MAX_VALUE]
    sealed = request.args.get("sealed", "")[: listing.MAX_SEALED]
    if "part" in request.args:
        return _part(words, [])
    if sealed:
        return _of_number(sealed)
    return _page(words, _found(words) if words else _opened())


def _of_number(sealed: str) -> Any:
    """The page of what a sealed number finds: also as a word, such as the telephone of a colleague."""
    opened = Query(sealed=sealed)
    models = [view.model for view in searched(current_panel())]
    asked = next((model for model in models if number_search.is_asked(model)), None)
    if asked is not None:
        private_numbers.resolve(current_panel().session, asked, opened)
    if opened.sealed_note is not None:
        flash(str(opened.sealed_note), "warning")
    number = opened.sealed_number
    return _page(opened.sealed_shown, _found(number, sealed) if number else [])


def _page(words: str, sections: list[Section]) -> Any:
    lines = [line for section in sections for line in section.lines]
    exact = [line for line in lines if line.name.lower() == words.lower()]
    for only in (lines, exact):
        if words and len(only) == 1:
            return redirect(only[0].url)
    title = _("“{words}”", words=words) if words else _("Opened last")
    page = FindPage(title=title, sub=_sub(words, lines), words=words, sections=sections)
    return render_template("panel/find.html", page=page)


def _sub(words: str, lines: list[Line]) -> Words:
    if lines or not words:
        return ""
    return _(
        "Nothing found. Try fewer or other words, such as part of a name, a place, or the last digits of a number."
    )


def _found(words: str, sealed: str = "") -> list[Section]:
    panel = current_panel()
    by_model = {view.model: view for view in searched(panel)}
    sections = []
    pages = list(_pages(words))[:MOST_PAGES]
    for hits in everywhere.find(panel.session, by_model, "" if sealed else words, sealed):
        view = by_model[hits.model]
        more = (
            url_for(f"{view.endpoint}.index_view", q=None if sealed else words, sealed=sealed or None)
            if hits.more
            else ""
        )
        sections.append(Section(hits.model.__labels__, [_line(view, hit) for hit in hits.found], more))
    if pages:
        sections.append(Section(_("Pages and acts"), pages))
    return sections


def _opened() -> list[Section]:
    panel = current_panel()
    by_name = {view.model.__tablename__: view for view in searched(panel)}
    places = [(by_name[table].model, id_) for table, id_ in session.get(_OPENED, []) if table in by_name]
    lines = [_line(by_name[model.__tablename__], hit) for model, hit in everywhere.opened(panel.session, places)]
    return [Section(_("Opened last"), lines)] if lines else []


def _line(view: Any, hit: Hit) -> Line:
    return Line(hit.name, url_for(f"{view.endpoint}.details_view", id=hit.id), hit.about, view.icon)


def _pages(words: str) -> Iterator[Line]:
    """Pages of the menu, and what can be done to its tables, whose label or other words have all words or begin so in
    pinyin."""
    wanted = narrow(words).lower().split()
    for line in _all_pages():
        label = f"{line.name} {line.about}"
        if all(word in label.lower() or any(key.startswith(word) for key in _keys(label)) for word in wanted):
            yield line


def _all_pages() -> Iterator[Line]:
    panel, actor = current_panel(), current_actor()
    for link in panel.links:
        if link.may():
            yield Line(str(link.label), url_for(link.endpoint), _also_called(link.endpoint), link.icon)
    for view in panel.views.values():
        if not panel.policy.may(actor, Permission.READ, view.model):
            continue
        name, about = str(view.model.__labels__), _also_called(view.endpoint)
        yield Line(name, url_for(f"{view.endpoint}.index_view"), about, view.icon)
        if view.can_import:
            yield Line(str(_("Import {what}", what=name)), url_for(f"{view.endpoint}.import_view"), about, "upload")
        if view.can_create:
            label = view.add_label or _("Add {label}", label=view.model.__label__)
            yield Line(str(label), url_for(f"{view.endpoint}.create_view"), icon="plus")


def _also_called(endpoint: str) -> str:
    words = current_panel().also_called.get(endpoint)
    return str(words) if words is not None else ""


@cache
def _keys(label: str) -> list[str]:
    """The pinyin and the initials of a label, character by character, so that no dictionary of phrases is loaded."""
    return [key for word in label.split() for key in pinyin.key_of(word, person=True).split()]
