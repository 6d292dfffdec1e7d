"""Attachments on the pages of a case: shown, added and removed, also received with a report or a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, current_app, flash, redirect, request, send_file, url_for
from sqlalchemy import select

from bureau.calendar.web.office import values
from bureau.cases import attachments
from bureau.cases.errors import StepNotAllowed
from models import ENDED, Attachment, AttachmentPhase, Case, CaseStatus
from panel.i18n import Message, _, n_
from panel.jobs import periodic
from panel.kinds import Invalid, Moment, Text
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.store import files
from panel.store.files import CheckedFile, Store
from panel.web.context import current_actor, current_panel
from panel.web.downloads import noting
from panel.web.features import Route
from panel.web.lookups import visible
from panel.web.pages import Input, Words
from panel.web.panel import Panel

#: Media types of the file chooser. Without `capture` a phone offers both camera and album.
ACCEPT = "image/jpeg,image/png,image/webp,application/pdf"
MEGABYTE = 1024 * 1024
#: Largest body of a form with pictures, in bytes.
BODY_LIMIT = 60 * MEGABYTE
#: Endpoints of the forms with pictures.
FORMS = ("report", "case.create_view", "case.step_view", "attachment_add")
#: Content-Security-Policy of a served file: it loads and runs nothing.
CONTENT_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
#: The kind of the reason for a removal.
REASON = Text(200)
#: States in which new pictures are preset as taken before handling.
BEFORE_HANDLING = (CaseStatus.REPORTED, CaseStatus.ACCEPTED, CaseStatus.DISPATCHED)


@dataclass(slots=True)
class Photo:
    """An attachment on the page. Only pictures have a `small_url`."""

    id: int
    name: str
    url: str
    small_url: str | None
    note: str
    remove_url: str | None


@dataclass(slots=True)
class CaseAttachments:
    """The attachments of a case by phase. `gone` lists the removed ones: file name, and who removed it, when and
    why."""

    groups: list[tuple[Words, list[Photo]]] = field(default_factory=list)
    count: int = 0
    gone: list[tuple[str, str]] = field(default_factory=list)
    #: None without the right to add or when the limit is reached.
    add_url: str | None = None
    phases: list[tuple[str, Words]] = field(default_factory=list)
    phase: str = ""
    accept: str = ACCEPT
    help: Words = ""


def configure(panel: Panel) -> None:
    """Raise the body limit of the forms with pictures, and register the periodic deletion of unused files."""
    panel.body_limits.update(dict.fromkeys(FORMS, BODY_LIMIT))
    periodic.register(
        panel, "attachments.clear", timedelta(hours=6), lambda session: attachments.clear(session, store(panel.app))
    )


def store(app: Flask | None = None) -> Store:
    """The attachment files of this installation."""
    return attachments.store((app or current_app).instance_path)


def attachments_of(record: Case) -> CaseAttachments:
    """The attachments of a case that the actor may see; empty without the right. One statement."""
    result = CaseAttachments()
    panel, actor = current_panel(), current_actor()
    if not panel.policy.may(actor, Permission.READ, Attachment):
        return result
    removable = panel.policy.may(actor, Permission.EDIT, Attachment)
    statement = select(Attachment).where(Attachment.case_id == record.id).order_by(Attachment.id)
    by_phase: dict[AttachmentPhase, list[Photo]] = {phase: [] for phase in AttachmentPhase}
    for attachment in panel.session.execute(statement).scalars():
        if attachment.removed_at is not None:
            by, at, reason = attachment.removed_by, _at(attachment.removed_at), attachment.removed_reason
            result.gone.append((attachment.file_name, str(_("{who}, {at}: {reason}", who=by, at=at, reason=reason))))
            continue
        by_phase[attachment.phase].append(_photo(attachment, removable=removable))
    result.groups = [(phase.label, photos) for phase, photos in by_phase.items() if photos]
    result.count = sum(len(photos) for _label, photos in result.groups)
    limit = values()["attachments_most"]
    is_open = record.status not in ENDED or record.historic
    if is_open and result.count < limit and panel.policy.may(actor, Permission.CREATE, Attachment):
        result.add_url = url_for("attachment_add", id_=record.id)
        result.phases = [(phase.value, phase.label) for phase in AttachmentPhase]
        before = record.status in BEFORE_HANDLING
        result.phase = (AttachmentPhase.BEFORE if before else AttachmentPhase.AFTER).value
        result.help = _help(limit - result.count)
    return result


def _photo(attachment: Attachment, *, removable: bool) -> Photo:
    is_picture = attachment.media_type in files.PICTURES
    return Photo(
        id=attachment.id,
        name=attachment.file_name,
        url=url_for("attachment", id_=attachment.id),
        small_url=url_for("attachment_small", id_=attachment.id) if is_picture else None,
        note=f"{_at(attachment.created_at)} · {attachment.added_by}",
        remove_url=url_for("attachment_remove", id_=attachment.id) if removable else None,
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
    """Serve an attachment, or its thumbnail; like every file that isn't static the browser keeps none of it.

    404 outside the scope, when removed, or without a thumbnail."""
    attachment: Attachment | None = visible("attachment", id_)
    if attachment is None or attachment.removed_at is not None:
        abort(404)
    is_picture = attachment.media_type in files.PICTURES
    if small and not is_picture:
        abort(404)
    path = store().path(attachment.sha256, small=small)
    if not path.exists():
        abort(404)
    if not is_picture:
        noting(Attachment.__tablename__, 1)
    response: Response = send_file(
        path,
        mimetype=files.JPEG if small else attachment.media_type,
        as_attachment=not is_picture,
        download_name=attachment.file_name,
        etag=f"{attachment.sha256}{'-small' if small else ''}",
        max_age=0,
    )
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


def add(id_: int) -> Any:
    """Add the uploaded files to a case: all, or none with a message."""
    if not current_panel().policy.may(current_actor(), Permission.CREATE, Attachment):
        abort(403)
    if visible("case", id_) is None:
        abort(404)
    phase = next((p for p in AttachmentPhase if p.value == request.form.get("phase")), AttachmentPhase.BEFORE)
    uploaded, problem = received_files()
    record: Case | None = visible("case", id_)
    if record is None:
        abort(404)
    back = redirect(url_for("case.details_view", id=id_, _anchor="attachments"))
    if problem is None and not uploaded:
        problem = _("Choose a file first.")
    if problem is None:
        try:
            added = attach(record, phase, uploaded)
            current_panel().session.commit()
        except StepNotAllowed as refused:
            current_panel().session.rollback()
            problem = refused.message
        else:
            if added:
                flash(str(n_("{n} file added.", "{n} files added.", added)), "success")
            if added < len(uploaded):
                flash(str(_("{n} of the files were there already.", n=len(uploaded) - added)), "info")
    if problem is not None:
        flash(str(problem), "danger")
        # Without the anchor, so that the message at the top of the page is seen.
        return redirect(url_for("case.details_view", id=id_))
    return back


def remove(id_: int) -> Any:
    """Remove an attachment from its case, with a reason."""
    if not current_panel().policy.may(current_actor(), Permission.EDIT, Attachment):
        abort(403)
    attachment: Attachment | None = visible("attachment", id_)
    if attachment is None:
        abort(404)
    case_id, session = attachment.case_id, current_panel().session
    try:
        reason = REASON.parse(request.form.get("reason"))
        if not reason:
            raise Invalid(_("Say why it is taken off."))
        attachments.remove(session, attachment, reason)
        session.commit()
    except (Invalid, StepNotAllowed) as error:
        session.rollback()
        flash(str(error.message), "danger")
        return redirect(url_for("case.details_view", id=case_id))
    flash(str(_("Taken off: {name}", name=attachment.file_name)), "success")
    return redirect(url_for("case.details_view", id=case_id, _anchor="attachments"))


def received_files() -> tuple[list[CheckedFile], Message | None]:
    """The uploaded files of this form, checked and re-encoded, or no files and the reason why one was refused.

    Call it before anything is written: it rolls back the request's transaction, so that no lock is held while pictures
    are processed. 403 without the right to add attachments."""
    checked: list[CheckedFile] = []
    uploads = [upload for upload in request.files.getlist("photos") if upload.filename]
    if not uploads:
        return checked, None
    if not current_panel().policy.may(current_actor(), Permission.CREATE, Attachment):
        abort(403)
    limit, most = values()["attachment_size"] * MEGABYTE, values()["attachments_most"]
    if len(uploads) > most:
        return checked, _("A case has {most} attachments at most.", most=most)
    current_panel().session.rollback()
    try:
        for upload in uploads:
            checked.append(files.read(upload.filename or "", upload.stream.read(limit + 1), limit))
    except files.FileError as error:
        return [], error.message
    return checked, None


def attach(record: Case, phase: AttachmentPhase, received_files: list[CheckedFile]) -> int:
    """Attach files from received_files() and flush; return how many were new to the case. Raises StepNotAllowed."""
    if not received_files:
        return 0
    limit = values()["attachments_most"]
    return len(attachments.add(current_panel().session, store(), record, phase, received_files, most=limit))


def control(label: Message, problem: Message | str | None = None) -> Input:
    """The file chooser as a form field."""
    input_ = Input("photos", label, "files", help=_help(values()["attachments_most"]), accept=ACCEPT)
    if problem:
        input_.errors = [str(problem)]
    elif request.files.get("photos"):
        input_.help = _("The chosen files did not come with this answer: choose them again.")
    return input_


READING = (Grant(Permission.READ, (Attachment,)),)
ROUTES = (
    Route("/attachments/<int:id_>", "attachment", show, grants=READING),
    Route("/attachments/<int:id_>/thumb", "attachment_small", show, defaults={"small": True}, grants=READING),
    Route("/attachments/case/<int:id_>", "attachment_add", add, methods=("POST",)),
    Route("/attachments/<int:id_>/remove", "attachment_remove", remove, methods=("POST",)),
)
