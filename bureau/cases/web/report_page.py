"""The page of the report form, for liaisons, officers and the office, designed for phones. The generated form of new
cases is this page too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request, url_for

from bureau.access.roles import LIAISON
from bureau.cases.steps.report import REPORT
from bureau.cases.web import known_cases as known
from bureau.cases.web import photos, report_people
from bureau.cases.web.report_form import (
    COMMUNITY,
    FIELDS,
    ReportInput,
    communities,
    community_of,
    fields,
    is_office,
    read,
    register,
    sources,
    typed_texts,
)
from bureau.checklists import items as checklist
from bureau.checklists.suggest import suggest
from models import (
    Case,
    ChecklistItem,
    Community,
    Urgency,
)
from panel.base import display
from panel.fields import Field, Personal
from panel.i18n import Message, _
from panel.kinds import Choice, today
from panel.security.policy import Permission
from panel.store.files import CheckedFile
from panel.store.once import new_token
from panel.web import forms, submissions
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.lookups import label, visible
from panel.web.pages import Cell, Input, Page

#: Why there is nothing to report from.
NOT_LINKED = _("Your account belongs to no community yet. Ask the office.")
NOT_ASSIGNED = _("No community is assigned to you today, so there is none to report from. Ask the office.")
#: With more communities than these the control is a look-up instead of a select.
MAX_SELECT = 30
#: Characters of a description that suggestions compare.
COMPARED_LENGTH = 500
REPORT_A_CASE, REGISTER_A_CASE = _("Report a case"), _("Register a case")
#: What a complaint, or another report, tells of the complainant; the values of the control "anonymous".
COMPLAINANT = (("", _("No complainant")), ("1", _("Anonymous")), ("0", _("Gives a name")))
#: Fields that few reports need; they stand folded up below the others.
SELDOM = ("respondent", "respondent_phone", "reported_at", "lead_officer")


@dataclass(slots=True)
class Suggestion:
    """A suggested item as a chip."""

    id: int
    name: str
    note: str


@dataclass(slots=True)
class ReportPage(Page):
    """`inputs` are by name; `without` is the reason why nothing can be reported."""

    inputs: dict[str, Input] = field(default_factory=dict)
    errors: list[tuple[str, Any, str]] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    #: Likely repeats of the report.
    known: known.Likely = field(default_factory=known.Likely)
    #: The form is shown again to choose an item, for browsers without scripts.
    asks: bool = False
    #: The choices of communities for browsers without scripts.
    communities: list[tuple[str, str]] = field(default_factory=list)
    without: Message | None = None
    #: Who is told and who leads, by the community chosen so far.
    staff: Message | None = None
    #: The fields that stand folded up, and whether they are open.
    seldom: list[Input] = field(default_factory=list)
    seldom_open: bool = False
    #: The one-time token of the form, and the case that the form made when it was sent before with another content.
    token: str = ""
    sent_before: Cell | None = None


def may_open() -> bool:
    actor = current_actor()
    return bool(actor.roles & REPORT.roles) and current_panel().policy.may(actor, Permission.CREATE, Case)


def may_report() -> bool:
    """For the link of liaisons and officers; the office's has another word."""
    return may_open() and not is_office()


def may_register() -> bool:
    return may_open() and is_office()


def title() -> Message:
    """The title of the page and of its button: liaisons and officers report (上报), the office registers (登记)."""
    return REGISTER_A_CASE if is_office() else REPORT_A_CASE


def page() -> Any:
    if not may_open():
        abort(403)
    if request.method == "POST":
        files, file_problem = photos.received_files()
        return _post(communities(), files, file_problem)
    texts = {name: request.args.get(name, "") for name, f in fields().items() if f.personal is Personal.NO}
    texts |= {"community": request.args.get("community", ""), "urgency": texts["urgency"] or Urgency.NORMAL.value}
    texts["source"] = texts["source"] or sources()[0].value
    return render_template("cases/report.html", page=_page(communities(), ReportInput(texts)))


def _post(allowed: list[Community], files: list[CheckedFile], file_problem: Message | None) -> Any:
    report = read(allowed)
    report.photos = files
    if file_problem is not None:
        report.problems["photos"] = str(file_problem)
    if not report.problems and not report.values["item"] and not request.form.get("asked"):
        report_page = _page(allowed, report)
        if report_page.suggestions or report_page.known.cases:
            report_page.asks = True
            return render_template("cases/report.html", page=report_page)
    if not report.problems:
        if (earlier := submissions.earlier()) and (case := submissions.record_of(earlier)) is not None:
            return _sent_before(allowed, report, case)
        case = register(report)
        if case is not None:
            number = case.case_no
            words = _("Registered: {number}", number=number) if is_office() else _("Reported: {number}", number=number)
            flash(str(words), "success")
            return redirect(url_for("case.details_view", id=case.id))
    return render_template("cases/report.html", page=_page(allowed, report)), 422


def _sent_before(allowed: list[Community], report: ReportInput, case: Case) -> Any:
    """Answer a form that has made a case with another content: show it once more, with a new token, since it may be
    another matter."""
    report_page = _page(allowed, report)
    report_page.token = new_token()
    words = str(submissions.other_content(case.case_no))
    report_page.sent_before = Cell(words, url_for("case.details_view", id=case.id))
    return render_template("cases/report.html", page=report_page), 409


def _page(allowed: list[Community], report: ReportInput) -> ReportPage:
    report_page = ReportPage(
        title=title(), sub=_("A minute's work: where, what, and how urgent."), token=submissions.token()
    )
    offered = sources()
    if not allowed:
        report_page.without = NOT_LINKED if current_actor().roles == {LIAISON} else NOT_ASSIGNED
        return report_page
    chosen = community_of(report.typed, allowed)
    report_page.staff = report_people.words(chosen) if chosen is not None else None
    inputs = report_page.inputs = {name: _input(declared, report) for name, declared in fields().items()}
    inputs["community"] = _community(allowed, report)
    inputs["source"].choices = [(source.value, str(source.label)) for source in offered]
    inputs["anonymous"].choices = [(value, str(words)) for value, words in COMPLAINANT]
    inputs["photos"] = photos.control(_("Photos"), report.problems.get("photos"))
    if "lead_officer" in inputs:
        _offer_officers(inputs["lead_officer"])
    if len(offered) == 1:
        report_page.tag = Cell(str(offered[0].label), tone="brand")
        del inputs["source"]
    if inputs["community"].control == "lookup":
        report_page.communities = [(str(community.id), community.name) for community in allowed]
    report_page.seldom = [inputs[name] for name in SELDOM if name in inputs]
    report_page.seldom_open = any(report.typed.get(i.name) or i.errors for i in report_page.seldom)
    labels = {name: inputs[name].label for name in ("community", *FIELDS, "photos") if name in inputs}
    report_page.errors = [(name, "", text) for name, text in report.problems.items() if name not in labels]
    report_page.errors += [
        (name, words, report.problems[name]) for name, words in labels.items() if name in report.problems
    ]
    report_page.suggestions = _suggestions(report)
    report_page.known = known.likely_repeats(report.typed)
    return report_page


def _offer_officers(input_: Input) -> None:
    input_.lookup_url = url_for("case.ajax_lookup", name="lead_officer")
    officer = visible("officer", input_.value) if input_.value else None
    input_.text = label(officer) if officer is not None else ""


def _input(declared: Field, report: ReportInput) -> Input:
    input_ = Input(declared.name, declared.label, "lookup") if declared.reference else _control(declared)
    input_.value = input_.was = report.typed.get(declared.name, "")
    input_.required, input_.help = declared.required, declared.help
    input_.errors = [report.problems[declared.name]] if declared.name in report.problems else []
    return input_


def _control(declared: Field) -> Input:
    input_ = forms.control(declared.kind, declared, "case")
    if isinstance(declared.kind, Choice):
        input_.choices = [choice for choice in input_.choices if choice[0]]
    return input_


def _community(allowed: list[Community], report: ReportInput) -> Input:
    """The control of the community: fixed for one, a select for a few, a look-up for many and for the office."""
    input_ = _input(COMMUNITY, report)
    if len(allowed) == 1:
        input_.control, input_.value, input_.text, input_.required = (
            "shown",
            str(allowed[0].id),
            display(allowed[0]),
            False,
        )
    elif len(allowed) <= MAX_SELECT and not is_office():
        input_.control = "select"
        input_.choices = [("", ""), *((str(community.id), community.name) for community in allowed)]
    else:
        input_.control = "lookup"
        input_.lookup_url = url_for("case.ajax_lookup", name="community")
        chosen = next((community for community in allowed if str(community.id) == input_.value), None)
        input_.text = label(chosen) if chosen else ""
    return input_


def _suggestions(report: ReportInput) -> list[Suggestion]:
    """The items suggested for the description, and the chosen one."""
    items = checklist.current(current_panel().session, today())
    suggested_items = suggest(report.typed.get("description", "")[:COMPARED_LENGTH], items)
    chosen = report.typed.get("item", "")
    if chosen and chosen not in {str(item.id) for item in suggested_items}:
        suggested_items = [item for item in items if str(item.id) == chosen] + suggested_items
    return [_suggestion(item) for item in suggested_items]


def _suggestion(item: ChecklistItem) -> Suggestion:
    limit = checklist.limit_words(item.limit_value, item.limit_unit)
    return Suggestion(item.id, item.name, f"{item.list_kind.label} · {limit}")


def suggested() -> Any:
    """The suggested items as JSON while the description is being typed."""
    if not may_open():
        abort(403)
    items = checklist.current(current_panel().session, today())
    matches = suggest(request.args.get("q", "")[:COMPARED_LENGTH], items)
    return jsonify(
        [
            {"id": suggestion.id, "name": suggestion.name, "note": suggestion.note}
            for suggestion in map(_suggestion, matches)
        ]
    )


def known_already() -> Any:
    """The likely repeats as JSON while the report is being typed. A POST, so that no telephone number is in an
    address."""
    if not may_open():
        abort(403)
    allowed = communities()
    texts = typed_texts(allowed)
    texts["community"] = str(community_of(texts, allowed) or "")
    return jsonify(known.as_json(known.likely_repeats(texts)))


def people() -> Any:
    """The people who follow from a community, as JSON, when it is chosen."""
    if not may_open():
        abort(403)
    chosen = community_of(request.args, communities())
    if chosen is None:
        return jsonify({"words": ""})
    return jsonify({"words": str(report_people.words(chosen))})


ROUTES = (
    Route("/report", "report", page, methods=("GET", "POST")),
    Route("/report/suggest", "report_suggest", suggested),
    Route("/report/known", "report_known", known_already, methods=("POST",)),
    Route("/report/people", "report_people", people),
)
