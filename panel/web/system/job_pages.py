"""Pages of background jobs: a list, and the page of a job with its progress and result. A job is opened by its owner
only; the administrator sees in the list who asked for what, and how it ended."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import OperationalError

from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.jobs.job_store import FILE_DAYS, JOB_DAYS
from panel.jobs.records import Job, JobState
from panel.jobs.worker import ENDED, read_progress
from panel.kinds import to_minute
from panel.security.transactions import without_waiting
from panel.web.context import current_actor, current_panel
from panel.web.downloads import noting, send_download
from panel.web.guards import safe_target
from panel.web.pages import Button, Cell, Column, JobPage, ListPage, Row
from panel.web.system.first_accounts import administrator

log = logging.getLogger(__name__)

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")
#: The most jobs in the list.
SHOWN = 100

SENTENCES = {
    JobState.QUEUED: _("Waiting for its turn. You can leave this page; the top of every page tells when it is done."),
    JobState.RUNNING: _("You can leave this page; the top of every page tells when it is done."),
    JobState.DONE: _("Done."),
    JobState.FAILED: _("Nothing was written."),
    JobState.CANCELLED: _("Cancelled. Nothing was written."),
    JobState.INTERRUPTED: _(
        "Interrupted: the server was started anew, or its database was gone. Nothing was written. Ask for it again."
    ),
}
CANCELLING = _("It is being cancelled …")


def unseen() -> ColumnElement[bool]:
    """The condition for the actor's jobs that have ended and whose end they haven't seen."""
    return (Job.owner_id == current_actor().user_id) & Job.ended_at.is_not(None) & Job.seen_at.is_(None)


def _own_job(id_: int) -> Job:
    """The actor's job with this id. Answers 404 if there is none."""
    job = current_panel().session.execute(select(Job).where(Job.id == id_)).scalar_one_or_none()
    if job is None:
        abort(404)
    assert isinstance(job, Job)
    return job


def _sentence(job: Job) -> Message | str:
    if job.state not in ENDED and current_panel().jobs.cancelling(job.id):
        return CANCELLING
    return job.message or SENTENCES[job.state]


def _result(job: Job) -> str | None:
    """The address of the result of a job, or of the page where it was started."""
    return safe_target((job.result or {}).get("url") if job.state is JobState.DONE else job.params.get("back"))


def _mark_seen(job: Job) -> None:
    """Record that the owner has seen the end of a job, in a short transaction of its own."""
    if job.state in ENDED and job.seen_at is None:
        id_ = job.id
        current_panel().session.rollback()
        try:
            with without_waiting():
                current_panel().jobs.mark_seen(id_)
        except OperationalError as error:  # the page is read all the same; the job stays marked as new
            log.info("job %s stays unseen: %s", id_, error.orig)


@blueprint.get("/")
def index() -> Any:
    """The list of jobs, latest first: the actor's own, or those of all for who runs the panel."""
    panel = current_panel()
    everybody = administrator(panel) in current_actor().roles
    statement = select(Job).order_by(Job.id.desc()).limit(SHOWN)
    jobs = panel.session.execute(statement, execution_options=UNSCOPED if everybody else {}).scalars().all()
    kept = {"n": JOB_DAYS, "files": FILE_DAYS}
    page = ListPage(
        title=_("Background tasks"),
        sub=_("Those of all people; each opens their own. Kept for {n} days, files for {files}.", **kept)
        if everybody
        else _("Your own; only the administrator sees them too. Kept for {n} days, files for {files}.", **kept),
        columns=[
            Column("title", _("Task"), wide=True),
            *([Column("owner_name", _("Asked for by"))] if everybody else []),
            Column("state", _("State")),
            Column("created_at", _("Asked for")),
            Column("ended_at", _("Ended")),
        ],
        rows=[_row(job, everybody) for job in jobs],
        empty=_("No background tasks yet. Large imports and exports are done as such."),
    )
    return render_template("panel/list.html", page=page)


def _row(job: Job, everybody: bool) -> Row:
    own = job.owner_id == current_actor().user_id
    moments = [Cell(to_minute(moment)) for moment in (job.created_at, job.ended_at)]
    new = [str(_("not looked at yet"))] if own and job.ended_at and not job.seen_at else []
    state = Cell(str(job.state.label), tone=job.state.tone, below=new)
    who = [Cell(job.owner_name)] if everybody else []
    return Row(job.id, url_for("jobs.show", id_=job.id) if own else "", [Cell(job.title), *who, state, *moments])


@blueprint.get("/<int:id_>")
def show(id_: int) -> Any:
    job = _own_job(id_)
    jobs = current_panel().jobs
    files = [(file.name, url_for("jobs.file", id_=id_, name=file.name)) for file in jobs.files(id_)]
    page = JobPage(
        title=job.title or _("Background task"),
        tag=Cell(str(job.state.label), tone=job.state.tone),
        sub=to_minute(job.created_at),
        sentence=_sentence(job),
        tone={"good": "success", "bad": "danger", "warn": "warning"}.get(job.state.tone, "info"),
        running=job.state not in ENDED,
        progress=read_progress(jobs.root / str(id_)),
        state_url=url_for("jobs.state", id_=id_),
        files=files if job.state is JobState.DONE else [],
        expired=bool((job.result or {}).get("files")) and not files,
    )
    if not page.running:
        if target := _result(job):
            label = _("Open the result") if job.state is JobState.DONE else _("Back to where it began")
            page.buttons.append(Button(label, target, primary=True))
    elif not jobs.cancelling(id_):
        page.buttons.append(Button(_("Cancel"), url_for("jobs.cancel", id_=id_), "times", post=True))
    _mark_seen(job)
    return render_template("panel/job.html", page=page)


@blueprint.get("/ajax/<int:id_>")
def state(id_: int) -> Response:
    """The progress as JSON, polled by the job's page. `go` is the address to open if the job is done and asks for
    it."""
    job = _own_job(id_)
    ended = job.state in ENDED
    progress = {
        **read_progress(current_panel().jobs.root / str(id_)),
        "state": str(job.state.label),
        "sentence": str(_sentence(job)),
        "ended": ended,
        "go": (_result(job) or "") if job.state is JobState.DONE and (job.result or {}).get("open") else "",
    }
    if progress["go"]:
        _mark_seen(job)
    return jsonify(progress)


@blueprint.post("/<int:id_>/cancel")
def cancel(id_: int) -> Any:
    """Request that the job ends. Nothing is written to the database, which the job may have locked."""
    job = _own_job(id_)
    if job.state not in ENDED:
        current_panel().jobs.cancel(id_)
    return redirect(url_for("jobs.show", id_=id_))


@blueprint.get("/<int:id_>/file/<name>")
def file(id_: int, name: str) -> Any:
    job = _own_job(id_)
    path = next((file_path for file_path in current_panel().jobs.files(id_) if file_path.name == name), None)
    if path is None or job.state is not JobState.DONE:
        abort(404)
    _mark_seen(job)
    noting(Job.__tablename__, filter=str(job.title or ""))
    return send_download(path, path.name, None)
