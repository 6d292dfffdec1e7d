"""The page of the two lists, with search and filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import abort, render_template, request, url_for

from bureau.checklists import items as checklist
from bureau.checklists.suggest import suggest
from models import ChecklistItem, ListKind
from panel.i18n import Message, _, n_
from panel.kinds import Choice, Invalid, narrow, tidy, today
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.pages import Cell, Chip, Page, Words

#: Items suggested when no item contains the query.
ALIKE = 6
MAX_QUERY = 100


@dataclass(slots=True)
class Line:
    """An item as a line."""

    code: str
    name: str
    category: str
    kind: Cell
    leads: Words
    limit: Words
    basis: str
    tags: list[Words]
    url: str | None
    report_url: str | None


@dataclass(slots=True)
class ListsPage(Page):
    """`chips` choose the list, `categories` filter it; `note` says that the items are suggestions."""

    chips: list[Chip] = field(default_factory=list)
    categories: list[Chip] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    query: str = ""
    keep: dict[str, str] = field(default_factory=dict)
    note: Message | None = None


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, ChecklistItem)


def page() -> Any:
    if not may_open():
        abort(403)
    kinds = list(ListKind)
    items = sorted(checklist.current(current_panel().session, today()), key=lambda item: kinds.index(item.list_kind))
    query = narrow(tidy(request.args.get("q")))[:MAX_QUERY]
    kind, category = _kind(), tidy(request.args.get("category"))
    matches = matching(items, query)
    lists_page = ListsPage(title=_("The two lists"), query=query)
    if query and not matches and (matches := suggest(query, items, ALIKE)):
        lists_page.note = _("No item says “{words}”. These are alike:", words=query)
    lists_page.chips = _kinds(matches, kind, query)
    matches = [item for item in matches if kind is None or item.list_kind is kind]
    lists_page.categories = _categories(matches, category, kind, query)
    matches = [item for item in matches if not category or item.category == category]
    lists_page.lines = [_line(item) for item in matches]
    lists_page.sub = n_("{n} item", "{n} items", len(matches))
    lists_page.keep = {} if kind is None else {"list": str(kind.value)}
    return render_template("checklists/checklists.html", page=lists_page)


def matching(items: Sequence[ChecklistItem], query: str) -> list[ChecklistItem]:
    """The items that contain every word of the query in code, name, pinyin, other words, category, legal basis or
    department."""
    words = query.lower().split()
    return [item for item in items if all(word in _text(item) for word in words)]


def _text(item: ChecklistItem) -> str:
    leads = item.department.name if item.department is not None else ""
    own = (item.code, item.name, item.name_key, item.other_words, item.category, item.legal_basis)
    return " ".join(filter(None, (*own, leads))).lower()


def _kind() -> ListKind | None:
    try:
        value = Choice(ListKind).parse(request.args.get("list"))
    except Invalid:
        return None
    return ListKind.of(value) if value is not None else None


def _url(query: str, kind: ListKind | None, category: str = "") -> str:
    values: dict[str, Any] = {"q": query, "list": kind.value if kind else "", "category": category}
    return url_for("checklists", **{name: value for name, value in values.items() if value})


def _kinds(items: Sequence[ChecklistItem], chosen: ListKind | None, query: str) -> list[Chip]:
    chips = [Chip(_("All"), _url(query, None), len(items), active=chosen is None)]
    for kind in ListKind:
        n = sum(item.list_kind is kind for item in items)
        chips.append(Chip(kind.label, _url(query, kind), n, active=kind is chosen))
    return chips


def _categories(items: Sequence[ChecklistItem], chosen: str, kind: ListKind | None, query: str) -> list[Chip]:
    """The chips of categories. The chosen one removes the filter."""
    names = list(dict.fromkeys(item.category for item in items if item.category))
    return [
        Chip(name, _url(query, kind, "" if name == chosen else name), active=name == chosen)
        for name in names
        if len(names) > 1 or name == chosen
    ]


def _line(item: ChecklistItem) -> Line:
    tags: list[Words] = []
    if item.needs_measurement:
        tags.append(_("To be measured"))
    if item.mediable:
        tags.append(_("May be mediated"))
    return Line(
        code=item.code,
        name=item.name,
        category=item.category or "",
        kind=Cell(str(item.list_kind.label), tone=item.list_kind.tone),
        leads=item.department.name if item.department is not None else _("The bureau itself"),
        limit=checklist.limit_words(item.limit_value, item.limit_unit),
        basis=item.legal_basis or "",
        tags=tags,
        url=url_for("checklistitem.details_view", id=item.id),
        report_url=url_for("report", item=item.id) if current_panel().offers("report") else None,
    )


ROUTES = (Route("/lists", "checklists", page),)
