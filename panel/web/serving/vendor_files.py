"""Flask-Admin's own static files, some 1,500: what the pages use of them is in their own sheet (assets.py), so none is
served."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, request


def install(app: Flask) -> None:
    @app.before_request
    def none() -> Any:
        if (request.endpoint or "").endswith(".static"):
            abort(404)
