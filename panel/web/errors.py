"""Error handlers: each error becomes a page with one message in the reader's language, without details of the
program."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask, g, jsonify, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from panel.errors import UserError
from panel.i18n import Message, _
from panel.security.creation import RowRefused
from panel.security.policy import AccessDenied, OutOfScope
from panel.security.session import writing
from panel.sheets import TOO_LARGE
from panel.store import disk
from panel.store.db_errors import is_busy, is_full
from panel.web.context import current_panel
from panel.web.pages import Page, Resend

log = logging.getLogger(__name__)

SENTENCES = {
    400: _("The request can't be understood. Go back and try again."),
    401: _("Please log in first."),
    403: _("Your role doesn't allow this. If you need it, ask the administrator."),
    404: _("There is no such page or record, or it is outside your area."),
    405: _("This can't be done at this address. Go back and use the buttons of the page."),
    409: _("Somebody else has changed this meanwhile. Go back, reload the page and make your change again."),
    413: TOO_LARGE,
    429: _("Too many requests in a short time. Wait a minute, then try again."),
    500: _("Something went wrong. Nothing was saved. The administrator finds the details in the log."),
    503: _("The database is busy. Nothing was saved. Try again in a moment."),
    507: _(
        "The disk of the server is full. Nothing was saved; reading goes on. Tell the administrator, and try again "
        "once there is room."
    ),
}
#: The titles of pages of errors.
TITLES = {
    400: _("Request not understood"),
    401: _("Not logged in"),
    403: _("Not allowed"),
    404: _("Page not found"),
    405: _("Not possible here"),
    409: _("Changed by somebody else"),
    413: _("File too large"),
    429: _("Too many requests"),
    503: _("The database is busy"),
    507: _("The disk is full"),
}
#: Seconds after which a request that found the database busy may be sent again.
RETRY_SECONDS = 5
#: Blueprints whose forms hold passwords: what was typed there is not written into another page.
_SECRET = frozenset({"session", "first"})


def error_page(status: int, message: Message | None = None, title: Message | None = None) -> Any:
    """The answer to a request that failed: what happened as its title, what to do as its text. Callers that know more
    than the status give either."""
    writing.set(False)  # what the page reads besides mustn't wait for the write lock
    sentence = message or SENTENCES.get(status) or SENTENCES[500 if status >= 500 else 400]
    if "/ajax/" in request.path:
        return jsonify(error=str(sentence)), status
    if status >= 500:
        g.frame = None  # building the frame may be what failed
    heading = title or TITLES.get(status) or (_("Not possible") if status < 500 else _("Something went wrong"))
    page = Page(title=heading)
    back = request.referrer if request.referrer and request.referrer.startswith(request.host_url) else "/"
    again = _resend() if status in (503, 507) else None
    body = render_template("panel/error.html", page=page, message=sentence, back_url=back, status=status, again=again)
    return body, status, {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}


def _resend() -> Resend:
    """What sends the refused request again: its address, and the values of its form. Files have to be chosen again,
    because a page can't hold them."""
    if request.method != "POST":
        return Resend(request.full_path.rstrip("?"))
    if request.blueprint in _SECRET:
        return Resend(request.full_path.rstrip("?"), secret=True)
    fields = [(name, value) for name, values in request.form.lists() for value in values]
    files = list(dict.fromkeys(name for name, file in request.files.items(multi=True) if file.filename))
    return Resend(request.full_path.rstrip("?"), post=True, fields=fields, files=files)


def install(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        current_panel().session.rollback()
        return error_page(error.code)

    @app.errorhandler(AccessDenied)
    def refused(error: AccessDenied) -> Any:
        current_panel().session.rollback()
        return error_page(404 if isinstance(error, OutOfScope) else 403, error.message)

    @app.errorhandler(UserError)
    @app.errorhandler(RowRefused)
    def impossible(error: UserError | RowRefused) -> Any:
        current_panel().session.rollback()
        return error_page(422, error.message)

    @app.errorhandler(OperationalError)
    def busy(error: OperationalError) -> Any:
        current_panel().session.rollback()
        if is_busy(error):
            log.warning("the database was locked: %s %s", request.method, request.path)
            return error_page(503)
        log.exception("database error", exc_info=error)
        return full() if _is_full(error) else error_page(500)

    @app.errorhandler(OSError)
    def no_room(error: OSError) -> Any:
        if not is_full(error):
            return defect(error)
        current_panel().session.rollback()
        log.exception("the disk is full", exc_info=error)
        return full()

    def full() -> Any:
        """Give the reserved space back, so that log-ins and small changes go on until there is room."""
        disk.release(Path(app.instance_path))
        return error_page(507)

    def _is_full(error: OperationalError) -> bool:
        """SQLite tells of some writes that found no room that they failed, not why."""
        return is_full(error) or ("disk I/O error" in str(error.orig) and disk.is_empty(Path(app.instance_path)))

    @app.errorhandler(StaleDataError)
    def overtaken(_error: StaleDataError) -> Any:
        """A record was changed by somebody else since it was read."""
        current_panel().session.rollback()
        return error_page(409)

    @app.errorhandler(Exception)
    def defect(error: Exception) -> Any:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        current_panel().session.rollback()
        log.exception("defect", exc_info=error)
        return error_page(500)
