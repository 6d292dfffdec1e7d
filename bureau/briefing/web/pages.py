"""The page of the month in words: month and cases, the document, and the template in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import undefer

from bureau.briefing import content
from bureau.briefing.web import template
from bureau.calendar.month import Month
from bureau.figures.web import pages as figures
from bureau.printing import paper
from bureau.settings import settings
from models import Case, PaperTemplate
from panel import ids
from panel.errors import UserError
from panel.i18n import Message, _, bracketed, in_default_locale, listed
from panel.kinds import Invalid, tidy, today
from panel.security import audit
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file, noting, send_download
from panel.web.features import Route
from panel.web.lookups import chosen
from panel.web.pages import Input, Page

PAPER = "briefing"
TITLE = "工作简报"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MONTHS = 36


@dataclass(slots=True)
class BriefingPage(Page):
    """`inputs` are month and cases; `own_template` says whose template is in use; `words` are those it may use."""

    inputs: list[Input] = field(default_factory=list)
    may_replace: bool = False
    own_template: str = ""
    words: str = ""


def may_open() -> bool:
    return figures.may_export()


def may_replace() -> bool:
    return may_open() and current_panel().policy.may(current_actor(), Permission.EDIT, PaperTemplate)


def page() -> Any:
    stored = _stored()
    months = [Month.of(today()).plus(-i) for i in range(MONTHS)]
    month = tidy(request.args.get("month")) or str(months[1])
    briefing = BriefingPage(
        title=_("Month in words"), sub=_("Figures, items, communities and told cases as a Word document.")
    )
    choices = [(str(other), other.label) for other in months]
    briefing.inputs = [Input("month", _("Month"), "select", month, choices=choices)]
    briefing.inputs += [_case_input(number) for number in range(1, content.TOLD + 1)]
    briefing.may_replace = may_replace()
    briefing.own_template = f"{stored.file_name} · {stored.actor_name}" if stored is not None else ""
    entries = (bracketed(name, listed(words)) for name, words in template.LISTS.items())
    briefing.words = listed((*template.WORDS, *entries))
    return render_template("briefing/briefing.html", page=briefing)


def _case_input(number: int) -> Input:
    input_ = Input(f"case{number}", _("Told case {n}", n=number), "lookup")
    input_.lookup_url = url_for("case.ajax_lookup", name="master")
    input_.value = request.args.get(input_.name, "")
    target = chosen("case", input_.value)
    input_.text, input_.value = (target.label, input_.value) if target is not None else ("", "")
    return input_


def download() -> Any:
    """The document. It is noted in the audit."""
    try:
        month = Month.parse(request.args.get("month"))
    except Invalid as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("briefing"))
    panel = current_panel()
    asked = (ids.parse(request.args.get(f"case{number}")) for number in range(1, content.TOLD + 1))
    words = content.context(panel.session, month, [id_ for id_ in asked if id_ is not None])
    try:
        file = template.fill(_template(), words)
    except UserError as problem:
        flash(str(problem.message), "danger")
        return redirect(url_for("briefing"))
    name = f"{paper.file_name(settings.get(panel.session, 'unit_name'), TITLE, month.words).removesuffix('.xlsx')}.docx"
    note = _("Month in words written: {name}", name=name.removesuffix(".docx"))
    with logging_file() as session:
        audit.note(session, AuditAction.EVENT, Case.__tablename__, None, in_default_locale(note))
    noting(Case.__tablename__, 1, month.words)
    return send_download(BytesIO(file), name, WORD)


def template_file() -> Any:
    """The template in use, or with ?own=1 the panel's own."""
    if not may_replace():
        abort(403)
    own = request.args.get("own") == "1"
    return send_download(BytesIO(template.own() if own else _template()), f"{TITLE}模板.docx", WORD)


def replace_template() -> Any:
    """Put the uploaded template in use, or with the button "restore" the panel's own again."""
    if not may_replace():
        abort(403)
    session, stored = current_panel().session, _stored()
    if "restore" in request.form:
        message = _restore(stored)
    else:
        upload = request.files.get("file")
        file = upload.read(template.MAX_SIZE + 1) if upload is not None else b""
        try:
            if upload is None or not upload.filename:
                raise UserError(_("Choose a file first."))
            template.check(file, template.sample())
        except UserError as problem:
            flash(str(problem.message), "danger")
            return redirect(url_for("briefing"))
        record = stored or PaperTemplate(paper=PAPER)
        record.file, record.actor_name = file, current_actor().name
        record.file_name = tidy(upload.filename.replace("\\", "/").rpartition("/")[2])[:200]
        session.add(record)
        message = _("The template {name} is in use from now on.", name=record.file_name)
    audit.note(session, AuditAction.EVENT, PaperTemplate.__tablename__, None, in_default_locale(message))
    session.commit()
    flash(str(message), "success")
    return redirect(url_for("briefing"))


def _restore(stored: PaperTemplate | None) -> Message:
    """Put the panel's own template in use. The row stays, since templates aren't deleted by the office."""
    if stored is not None:
        stored.file, stored.file_name, stored.actor_name = template.own(), f"{TITLE}模板.docx", current_actor().name
    return _("The panel's own template is in use again.")


def _stored() -> PaperTemplate | None:
    statement = select(PaperTemplate).where(PaperTemplate.paper == PAPER)
    return current_panel().session.execute(statement).scalar_one_or_none()


def _template() -> bytes:
    statement = select(PaperTemplate).where(PaperTemplate.paper == PAPER).options(undefer(PaperTemplate.file))
    stored = current_panel().session.execute(statement).scalar_one_or_none()
    return template.own() if stored is None else stored.file


ROUTES = (
    Route("/briefing", "briefing", page, grants=figures.EXPORTING),
    Route("/briefing/file", "briefing_file", download, grants=figures.EXPORTING),
    Route("/briefing/template", "briefing_template", template_file, grants=figures.EXPORTING),
    Route("/briefing", "briefing_replace", replace_template, methods=("POST",), grants=figures.EXPORTING),
)
