"""Logging set-up: plain lines, or one JSON object a line for a log collector. SQL is logged without parameters, so that
no personal data gets into the log."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable

from panel.kinds import now

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time in UTC, level, logger, message, the caller's `extra`, and the
    traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": now().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def setup(*, as_json: bool, packages: Iterable[str]) -> None:
    """Send the records of all loggers to stderr: warnings and errors, and of these packages information too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines() if as_json else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for package in packages:
        logging.getLogger(package).setLevel(logging.INFO)
