"""Reporting in a minute: one short form for liaisons, officers and the office, made for a phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request, url_for

from bureau.access.roles import OFFICE
from bureau.cases.steps.report import REPORT
from bureau.cases.web import known_cases as known
from bureau.cases.web import photos
from bureau.cases.web.report_form import COMMUNITY, FIELDS, ReportInput, communities, read, register, sources
from bureau.checklists import items as checklist
from bureau.checklists.suggest import suggest
from models import (
    Case,
    ChecklistItem,
    Community,
    Urgency,
)
from panel.base import display
from panel.fields import Field
from panel.i18n import Message, _
from panel.kinds import Choice, today
from panel.security.policy import Permission
from panel.store.files import CheckedFile
from panel.web import forms
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.lookups import label
from panel.web.pages import Cell, Input, Page

#: A person with more communities than this looks theirs up.
SHOWN = 30
#: What the look for suggestions reads of a description.
READ = 500


@dataclass(slots=True)
class Suggestion:
    """An item as a chip to tap."""

    id: int
    name: str
    note: str


@dataclass(slots=True)
class ReportPage(Page):
    """`inputs` by name; `without` says why nothing can be reported."""

    inputs: dict[str, Input] = field(default_factory=dict)
    errors: list[tuple[str, Any, str]] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    #: What it may be a repeat of.
    known: known.Likely = field(default_factory=known.Likely)
    #: Shown once more, so that an item can be chosen where no script has offered any.
    asks: bool = False
    #: Every community to choose from where no script can look one up.
    communities: list[tuple[str, str]] = field(default_factory=list)
    without: Message | None = None


def may_open() -> bool:
    actor = current_actor()
    return bool(actor.roles & REPORT.roles) and current_panel().policy.may(actor, Permission.CREATE, Case)


def page() -> Any:
    if not may_open():
        abort(403)
    if request.method == "POST":
        handed, unfit = photos.received_files()
        return _post(communities(), handed, unfit)
    own = communities()
    typed = {"item": request.args.get("item", ""), "urgency": Urgency.NORMAL.value, "anonymous": "1"}
    typed["source"] = sources()[0].value
    shown = _page(own, ReportInput(typed))
    return render_template("cases/report.html", page=shown)


def _post(own: list[Community], handed: list[CheckedFile], unfit: Message | None) -> Any:
    given = read(own)
    given.photos = handed
    if unfit is not None:
        given.problems["photos"] = str(unfit)
    if not given.problems and not given.values["item"] and not request.form.get("asked"):
        shown = _page(own, given)
        if shown.suggestions or shown.known.cases:
            shown.asks = True
            return render_template("cases/report.html", page=shown)
    if not given.problems:
        case = register(given)
        if case is not None:
            flash(str(_("Reported: {number}", number=case.case_no)), "success")
            return redirect(url_for("case.details_view", id=case.id))
    return render_template("cases/report.html", page=_page(own, given)), 422


def _page(own: list[Community], given: ReportInput) -> ReportPage:
    shown = ReportPage(title=_("Report"), sub=_("A minute's work: where, what, and how urgent."))
    offered = sources()
    if not own:
        shown.without = _("No community is assigned to you today, so there is none to report from. Ask the office.")
        return shown
    shown.inputs = {name: _input(declared, given) for name, declared in FIELDS.items()}
    shown.inputs["community"] = _community(own, given)
    shown.inputs["source"].choices = [(source.value, str(source.label)) for source in offered]
    shown.inputs["photos"] = photos.control(_("Photos"), given.problems.get("photos"))
    if len(offered) == 1:
        shown.tag = Cell(str(offered[0].label), tone="brand")
        del shown.inputs["source"]
    if shown.inputs["community"].control == "lookup":
        shown.communities = [(str(one.id), one.name) for one in own]
    labels = {name: shown.inputs[name].label for name in ("community", *FIELDS, "photos") if name in shown.inputs}
    shown.errors = [(name, "", text) for name, text in given.problems.items() if name not in labels]
    shown.errors += [(name, words, given.problems[name]) for name, words in labels.items() if name in given.problems]
    shown.suggestions = _suggestions(given)
    shown.known = known.likely_repeats(given.typed)
    return shown


def _input(declared: Field, given: ReportInput) -> Input:
    made = Input(declared.name, declared.label, "lookup") if declared.reference else _control(declared)
    made.value = made.was = given.typed.get(declared.name, "")
    made.required, made.help = declared.required, declared.help
    made.errors = [given.problems[declared.name]] if declared.name in given.problems else []
    return made


def _control(declared: Field) -> Input:
    made = forms.control(declared.kind, declared, "case")
    if isinstance(declared.kind, Choice):
        made.choices = [choice for choice in made.choices if choice[0]]
    return made


def _community(own: list[Community], given: ReportInput) -> Input:
    """Fixed where there is one, chosen among a few, looked up among many."""
    made = _input(COMMUNITY, given)
    if len(own) == 1:
        made.control, made.value, made.text, made.required = "shown", str(own[0].id), display(own[0]), False
    elif len(own) <= SHOWN and OFFICE not in current_actor().roles:
        made.control = "select"
        made.choices = [("", ""), *((str(one.id), one.name) for one in own)]
    else:
        made.control = "lookup"
        made.lookup_url = url_for("case.ajax_lookup", name="community")
        chosen = next((one for one in own if str(one.id) == made.value), None)
        made.text = label(chosen) if chosen else ""
    return made


def _suggestions(given: ReportInput) -> list[Suggestion]:
    """Items like the description, and always the one that is chosen."""
    items = checklist.current(current_panel().session, today())
    found = suggest(given.typed.get("description", "")[:READ], items)
    chosen = given.typed.get("item", "")
    if chosen and chosen not in {str(item.id) for item in found}:
        found = [item for item in items if str(item.id) == chosen] + found
    return [_suggestion(item) for item in found]


def _suggestion(item: ChecklistItem) -> Suggestion:
    limit = checklist.limit_words(item.limit_value, item.limit_unit)
    return Suggestion(item.id, item.name, f"{item.list_kind.label} · {limit}")


def suggested() -> Any:
    """The items that a description may be about, while it is typed."""
    if not may_open():
        abort(403)
    items = checklist.current(current_panel().session, today())
    found = suggest(request.args.get("q", "")[:READ], items)
    return jsonify([{"id": one.id, "name": one.name, "note": one.note} for one in map(_suggestion, found)])


def known_already() -> Any:
    """The cases that a report may be a repeat of, while it is typed; posted, so that no telephone number stands in an
    address."""
    if not may_open():
        abort(403)
    own = {str(one.id) for one in communities()}
    community = next(filter(None, request.form.getlist("community")), "")
    typed = {name: request.form.get(name, "") for name in FIELDS}
    if community not in own:
        community = next(iter(own)) if len(own) == 1 else ""
    return jsonify(known.as_json(known.likely_repeats({**typed, "community": community})))


ROUTES = (
    Route("/report", "report", page, methods=("GET", "POST")),
    Route("/report/suggest", "report_suggest", suggested),
    Route("/report/known", "report_known", known_already, methods=("POST",)),
)
