"""Forms that are sent twice, for every form of the panel: its token, and the answer to the second submission.

The macro `ui.csrf()` gives each form a token; the submission is known to panel/store/once.py while the request runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, flash, make_response, redirect, request, url_for
from werkzeug.datastructures import FileStorage

from panel.base import Base, display
from panel.i18n import Message, _
from panel.store import once
from panel.store.once import Earlier, RepeatedError, Submission
from panel.web.context import current_actor
from panel.web.guards import safe_target
from panel.web.lookups import visible

if TYPE_CHECKING:
    from panel.web.panel import Panel

#: Name of the hidden input.
TOKEN = "form_token"  # noqa: S105 - the name of the input
#: Inputs that a browser fills in by itself, or that say what happens afterwards: no part of the content.
_NOT_CONTENT = frozenset({"csrf_token", TOKEN, "url", "asked", "_add_another"})
#: How often, and after how many seconds, the second of two submissions at the same time asks what the first came to.
_TRIES, _PAUSE = 20, 0.05


def token() -> str:
    """The token of a form that is shown again: the posted one, so that a form with errors keeps it, or a new one."""
    posted = request.form.get(TOKEN, "") if request.method == "POST" else ""
    return posted if once.is_token(posted) else once.new_token()


def earlier() -> Earlier | None:
    """The earlier submission of the posted form with another content. Only pages that ask about it call this."""
    submission = once.current.get()
    return submission.earlier if submission is not None else None


def record_of(submission: Earlier) -> Any:
    """The record that a submission made, if it is still in the actor's scope."""
    return visible(submission.table, submission.record_id) if submission.table else None


def repeated(name: str) -> Message:
    """What the same form sent twice is answered with."""
    return _("This form was sent before: {name} is registered already, and nothing was added.", name=name)


def other_content(name: str) -> Message:
    """What a form is answered with that was sent before with another content."""
    return _("This form was sent before and made {name}. If this is another matter, send it once more.", name=name)


def install(app: Flask, panel: Panel) -> None:
    """Install the hooks. They run after the guards, which set the actor, and before the headers are added."""
    app.jinja_env.globals["form_token"] = once.new_token

    @app.before_request
    def begin() -> Any:
        once.current.set(None)
        user, posted = current_actor().user_id, request.form.get(TOKEN, "") if request.method == "POST" else ""
        if user is None or not once.is_token(posted):
            return None
        panel.session.rollback()
        digest = once.digest(_content(), panel.app.config["SECRET_KEY"])
        submission = once.begin(panel.db.engine, user, posted, digest)
        if submission.earlier is not None and submission.earlier.same:
            return _answer(panel, submission, submission.earlier)
        once.current.set(submission)
        return None

    @app.errorhandler(RepeatedError)
    def at_once(_error: RepeatedError) -> Any:
        """The first of two submissions at the same time came to its commit while the second one worked."""
        submission = once.current.get()
        assert submission is not None
        panel.session.rollback()
        found = once.find_again(panel.db.engine, submission)
        return _answer(panel, submission, found or Earlier("", None, "", same=True))

    @app.after_request
    def end(response: Response) -> Response:
        submission = once.current.get()
        once.current.set(None)
        return response if submission is None else _settle(panel, submission, response)


def _settle(panel: Panel, submission: Submission, response: Response) -> Response:
    """Note what a submission came to. One that failed because another was faster is answered like that one."""
    if not submission.stored:
        if response.status_code < 400:
            return response
        panel.session.rollback()
        found = once.find_again(panel.db.engine, submission)
        return response if found is None else _answer(panel, submission, found)
    panel.session.rollback()
    with panel.system_session() as session:
        if response.status_code >= 400 or "Content-Disposition" in response.headers:
            once.release(session, submission)
        else:
            once.answered(session, submission, safe_target(response.location) or "")
    return response


def _answer(panel: Panel, submission: Submission, found: Earlier) -> Response:
    """Lead the second submission to what the first one came to."""
    for _n in range(_TRIES):
        if found.location is not None:
            break
        time.sleep(_PAUSE)
        found = once.find_again(panel.db.engine, submission) or found
    record = record_of(found)
    name = display(record) if isinstance(record, Base) else ""
    words = _("This form was sent before. It was carried out once, and nothing was done again.")
    if found.location is None:
        words = _("This form was sent before, and it isn't known to have ended. Look at the result before you go on.")
    flash(str(repeated(name) if name else words), "warning")
    target = found.location or safe_target(request.form.get("url"))
    if not target and isinstance(record, Base) and found.table in panel.views:
        target = url_for(f"{found.table}.details_view", id=record.id)
    return make_response(redirect(target or _referrer() or "/"))


def _referrer() -> str | None:
    """The page that the form stood on, if it is one of this site that can be opened again."""
    referrer = request.referrer or ""
    inside = referrer.removeprefix(request.host_url.rstrip("/")) if referrer.startswith(request.host_url) else ""
    return safe_target(inside)


def _content() -> dict[str, list[str]]:
    """What was typed and which files were sent, for comparison."""
    content: dict[str, list[str]] = {
        name: [*request.form.getlist(name)]
        for name in request.form
        if name not in _NOT_CONTENT and not name.startswith("was.")
    }
    files = {f"file.{name}": [*_files(request.files.getlist(name))] for name in request.files}
    return content | files


def _files(files: Iterable[FileStorage]) -> Iterable[str]:
    """The names of files with the hashes of their content: a corrected workbook has the name of the one before."""
    for file in files:
        digest = sha256()
        while chunk := file.stream.read(1 << 20):
            digest.update(chunk)
        file.stream.seek(0)
        yield f"{file.filename}:{digest.hexdigest()}"
