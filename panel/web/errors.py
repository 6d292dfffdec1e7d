"""Error handlers: each error becomes a page with one message in the reader's language, without details of the
program."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, g, jsonify, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from panel.i18n import Message, _
from panel.security.policy import AccessDenied, OutOfScope
from panel.sheets import TOO_LARGE
from panel.store.db_errors import is_busy
from panel.web.context import current_panel
from panel.web.pages import Page

log = logging.getLogger(__name__)

SENTENCES = {
    400: _("The request can't be understood. Go back and try again."),
    401: _("Please log in first."),
    403: _("Your role doesn't allow this. If you need it, ask the administrator."),
    404: _("There is no such page or record, or it is outside your area."),
    405: _("This can't be done at this address."),
    409: _("Somebody else has changed this meanwhile."),
    413: TOO_LARGE,
    429: _("Too many tries. Wait a little."),
    500: _("Something went wrong. Nothing was saved. The administrator finds the details in the log."),
    503: _("The database is busy. Nothing was saved. Try again in a moment."),
}
#: The titles of pages of errors.
TITLES = {403: _("Not allowed"), 404: _("Page not found"), 413: _("File too large")}


def error_page(status: int, message: Message | None = None) -> Any:
    sentence = message or SENTENCES.get(status) or SENTENCES[500 if status >= 500 else 400]
    if "/ajax/" in request.path:
        return jsonify(error=str(sentence)), status
    if status >= 500:
        g.frame = None  # building the frame may be what failed
    page = Page(title=TITLES.get(status) or (_("Not possible") if status < 500 else _("Something went wrong")))
    back = request.referrer if request.referrer and request.referrer.startswith(request.host_url) else "/"
    return render_template("panel/error.html", page=page, message=sentence, back_url=back, status=status), status


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

    @app.errorhandler(OperationalError)
    def busy(error: OperationalError) -> Any:
        current_panel().session.rollback()
        log.exception("database error", exc_info=error)
        return error_page(503 if is_busy(error) else 500)

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
