"""The pictures and papers of a case: shown, added and taken off on its page, handed in with a report or a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, current_app, flash, redirect, request, send_file, url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from bureau.cases import attachments
from bureau.cases.errors import StepNotAllowed
from models import Attachment, AttachmentPhase, Case, CaseStatus
from panel.i18n import Message, _, n_
from panel.jobs import periodic
from panel.kinds import Invalid, Moment, Text
from panel.security.policy import Permission
from panel.store import files
from panel.store.files import CheckedFile, Store
from panel.web.context import current_actor, current_panel
from panel.web.features import Route
from panel.web.lookups import visible
from panel.web.pages import Input, Words
from panel.web.panel import Panel

#: What the file chooser offers. No camera is forced: a telephone then offers both its camera and its album.
ACCEPT = "image/jpeg,image/png,image/webp,application/pdf"
MEGABYTE = 1024 * 1024
#: What one form with pictures may weigh; the rest can be added afterwards.
AT_ONCE = 60 * MEGABYTE
#: Forms that carry pictures.
FORMS = ("report", "case.step_view", "attachment_add")
#: An opened file loads nothing and runs nothing, whatever it holds.
SHUT = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
#: Why a file was taken off.
REASON = Text(200)
#: States in which a picture mostly shows what is to be handled.
UNTOUCHED = (CaseStatus.REPORTED, CaseStatus.ACCEPTED, CaseStatus.DISPATCHED)


@dataclass(slots=True)
class Photo:
    """An attachment as the page shows it; `small_url` is there for pictures."""

    id: int
    name: str
    url: str
    small_url: str | None
    note: str
    remove_url: str | None


@dataclass(slots=True)
class Strip:
    """The attachments of a case by what they show, and what one may do with them. `gone` tells who took off what."""

    groups: list[tuple[Words, list[Photo]]] = field(default_factory=list)
    count: int = 0
    gone: list[tuple[str, str]] = field(default_factory=list)
    #: Where to add some; None for who may not, or where there is no room.
    add_url: str | None = None
    phases: list[tuple[str, Words]] = field(default_factory=list)
    phase: str = ""
    accept: str = ACCEPT
    help: Words = ""


def configure(panel: Panel) -> None:
    """Let the forms that take pictures send more than others, and clear files that nobody names."""
    panel.body_limits.update(dict.fromkeys(FORMS, AT_ONCE))
    periodic.register(
        panel, "attachments.clear", timedelta(hours=6), lambda session: attachments.clear(session, store(panel.app))
    )


def store(app: Flask | None = None) -> Store:
    """The files of this installation, beside its database."""
    return attachments.store((app or current_app).instance_path)


def strip(record: Case) -> Strip:
    """The attachments of a case for whoever looks at it, in one statement."""
    shown = Strip()
    panel, actor = current_panel(), current_actor()
    if not panel.policy.may(actor, Permission.READ, Attachment):
        return shown
    removable = panel.policy.may(actor, Permission.EDIT, Attachment)
    statement = select(Attachment).where(Attachment.case_id == record.id).order_by(Attachment.id)
    found: dict[AttachmentPhase, list[Photo]] = {phase: [] for phase in AttachmentPhase}
    for one in panel.session.execute(statement).scalars():
        if one.removed_at is not None:
            who, at, reason = one.removed_by, _at(one.removed_at), one.removed_reason
            shown.gone.append((one.file_name, str(_("{who}, {at}: {reason}", who=who, at=at, reason=reason))))
            continue
        found[one.phase].append(_photo(one, removable=removable))
    shown.groups = [(phase.label, some) for phase, some in found.items() if some]
    shown.count = sum(len(some) for _label, some in shown.groups)
    most = values()["attachments_most"]
    if shown.count < most and panel.policy.may(actor, Permission.CREATE, Attachment):
        shown.add_url = url_for("attachment_add", id_=record.id)
        shown.phases = [(phase.value, phase.label) for phase in AttachmentPhase]
        before = record.status in UNTOUCHED
        shown.phase = (AttachmentPhase.BEFORE if before else AttachmentPhase.AFTER).value
        shown.help = _help(most - shown.count)
    return shown


def _photo(one: Attachment, *, removable: bool) -> Photo:
    picture = one.media_type in files.PICTURES
    return Photo(
        id=one.id,
        name=one.file_name,
        url=url_for("attachment", id_=one.id),
        small_url=url_for("attachment_small", id_=one.id) if picture else None,
        note=f"{_at(one.created_at)} · {one.added_by}",
        remove_url=url_for("attachment_remove", id_=one.id) if removable else None,
    )


def _at(moment: Any) -> str:
    return Moment().format(moment.replace(second=0, microsecond=0))


def _help(room: int) -> Message:
    return _(
        "JPEG, PNG, WebP or PDF, {size} MB a file at most, {n} more files. Where a picture was taken is not kept.",
        size=values()["attachment_size"],
        n=room,
    )


def show(id_: int, *, small: bool = False) -> Response:
    """A file, to whoever may see its case. The browser asks each time whether that is still so."""
    if not current_panel().policy.may(current_actor(), Permission.READ, Attachment):
        abort(403)
    one: Attachment | None = visible("attachment", id_)
    if one is None or one.removed_at is not None:
        abort(404)
    picture = one.media_type in files.PICTURES
    if small and not picture:
        abort(404)
    path = store().path(one.sha256, small=small)
    if not path.exists():
        abort(404)
    response: Response = send_file(
        path,
        mimetype=files.JPEG if small else one.media_type,
        as_attachment=not picture,
        download_name=one.file_name,
        etag=f"{one.sha256}{'-small' if small else ''}",
        max_age=0,
    )
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = SHUT
    return response


def add(id_: int) -> Any:
    """Add files to a case: all of them, or none and why."""
    if not current_panel().policy.may(current_actor(), Permission.CREATE, Attachment):
        abort(403)
    if visible("case", id_) is None:
        abort(404)
    phase = next((one for one in AttachmentPhase if one.value == request.form.get("phase")), AttachmentPhase.BEFORE)
    handed, problem = received()
    record: Case | None = visible("case", id_)
    if record is None:
        abort(404)
    back = redirect(url_for("case.details_view", id=id_, _anchor="attachments"))
    if problem is None and not handed:
        problem = _("Choose a file first.")
    if problem is None:
        try:
            n = keep(record, phase, handed)
            current_panel().session.commit()
        except StepNotAllowed as refused:
            current_panel().session.rollback()
            problem = refused.message
        else:
            if n:
                flash(str(n_("{n} file added.", "{n} files added.", n)), "success")
            if n < len(handed):
                flash(str(_("{n} of the files were there already.", n=len(handed) - n)), "info")
    if problem is not None:
        flash(str(problem), "danger")
        # At the top of the page, where it is said.
        return redirect(url_for("case.details_view", id=id_))
    return back


def remove(id_: int) -> Any:
    """Take a file off its case, with a reason."""
    if not current_panel().policy.may(current_actor(), Permission.EDIT, Attachment):
        abort(403)
    one: Attachment | None = visible("attachment", id_)
    if one is None:
        abort(404)
    case_id, session = one.case_id, current_panel().session
    try:
        reason = REASON.parse(request.form.get("reason"))
        if not reason:
            raise Invalid(_("Say why it is taken off."))
        attachments.remove(session, one, reason)
        session.commit()
    except (Invalid, StepNotAllowed) as refused:
        session.rollback()
        flash(str(refused.message), "danger")
        return redirect(url_for("case.details_view", id=case_id))
    flash(str(_("Taken off: {name}", name=one.file_name)), "success")
    return redirect(url_for("case.details_view", id=case_id, _anchor="attachments"))


def received() -> tuple[list[CheckedFile], Message | None]:
    """The files that came with this form, read and cleaned, or why one of them can't be taken: then none is.

    Call it before anything is written: the transaction that the request has begun ends here, so that nobody waits for
    the database while pictures are worked on."""
    found: list[CheckedFile] = []
    given = [one for one in request.files.getlist("photos") if one.filename]
    if not given:
        return found, None
    if not current_panel().policy.may(current_actor(), Permission.CREATE, Attachment):
        abort(403)
    limit, most = values()["attachment_size"] * MEGABYTE, values()["attachments_most"]
    if len(given) > most:
        return found, _("A case has {most} attachments at most.", most=most)
    current_panel().session.rollback()
    try:
        for one in given:
            found.append(files.read(one.filename or "", one.stream.read(limit + 1), limit))
    except files.FileError as refused:
        return [], refused.message
    return found, None


def keep(record: Case, phase: AttachmentPhase, handed: list[CheckedFile]) -> int:
    """Attach what was received(), and flush; how many were new to the case. Raises NotAllowed with a sentence."""
    if not handed:
        return 0
    most = values()["attachments_most"]
    return len(attachments.add(current_panel().session, store(), record, phase, handed, most=most))


def control(label: Message, problem: Message | str | None = None) -> Input:
    """The file chooser as a field of a form."""
    made = Input("photos", label, "files", help=_help(values()["attachments_most"]), accept=ACCEPT)
    if problem:
        made.errors = [str(problem)]
    elif request.files.get("photos"):
        made.help = _("The chosen files did not come with this answer: choose them again.")
    return made


ROUTES = (
    Route("/attachments/<int:id_>", "attachment", show),
    Route("/attachments/<int:id_>/thumb", "attachment_small", show, defaults={"small": True}),
    Route("/attachments/case/<int:id_>", "attachment_add", add, methods=("POST",)),
    Route("/attachments/<int:id_>/remove", "attachment_remove", remove, methods=("POST",)),
)
