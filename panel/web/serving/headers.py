"""Security headers of every response, and how long a browser may keep it."""

from __future__ import annotations

from flask import Flask, Response, request

#: For everything else that isn't static: pages, look-ups and files hold what only their reader may see, and the machine
#: may be shared.
NOT_KEPT = "no-store"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def is_static(endpoint: str | None) -> bool:
    return endpoint == "static" or (endpoint or "").endswith(".static")


def install(app: Flask) -> None:
    days = int(app.config.get("HSTS_DAYS", 0))

    @app.after_request
    def headers(response: Response) -> Response:
        given = response.headers
        given.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        given.setdefault("X-Content-Type-Options", "nosniff")
        given.setdefault("Referrer-Policy", "same-origin")
        given.setdefault("X-Frame-Options", "DENY")
        given.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        given.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if days and request.is_secure:
            given.setdefault("Strict-Transport-Security", f"max-age={days * 86400}")
        if not is_static(request.endpoint):
            given["Cache-Control"] = NOT_KEPT
        return response
