"""Pages compressed on their way. Static files are compressed beforehand, workbooks and pictures are by nature.

A page that holds a secret beside what somebody else chose tells its secret by its length, if it can be asked for many
times (BREACH). docs/security.md says why none does here; as another hurdle each answer is longer by a random number of
bytes."""

from __future__ import annotations

import gzip
import io
import secrets

from flask import Flask, Response, request

#: Bytes below which compression gains nothing.
LEAST = 1024
LEVEL = 5
#: Most bytes of the random name in the head of an answer.
NOISE = 100
COMPRESSED = frozenset({"text/html", "application/json"})


def install(app: Flask) -> None:
    @app.after_request
    def compress(response: Response) -> Response:
        if response.mimetype not in COMPRESSED or response.direct_passthrough or response.is_streamed:
            return response
        response.vary.add("Accept-Encoding")
        if "Content-Encoding" in response.headers or not request.accept_encodings["gzip"]:
            return response
        if len(content := response.get_data()) >= LEAST:
            response.set_data(packed(content))
            response.headers["Content-Encoding"] = "gzip"
        return response


def packed(content: bytes) -> bytes:
    """The content compressed, with a name of random length that nobody reads."""
    out, name = io.BytesIO(), "x" * secrets.randbelow(NOISE + 1)
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=LEVEL, fileobj=out, mtime=0) as file:
        file.write(content)
    return out.getvalue()
