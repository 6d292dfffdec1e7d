"""The server that the panel is run by, on a free port of this host."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import waitress.server
from waitress import wasyncore

from panel.config import Config
from panel.web.serving import server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


@contextmanager
def served(app: WSGIApplication, config: Config, **changed: Any) -> Iterator[int]:
    """A waitress of its own with the options of the panel; gives its port. It ends with what it has begun to answer."""
    made = waitress.server.create_server(app, **{**server.options(replace(config, port=0)), **changed})
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made.effective_port
    finally:
        made.task_dispatcher.shutdown()
        made.trigger.pull_trigger(lambda: wasyncore.close_all(made._map, ignore_all=True))
        thread.join(5)
    assert not thread.is_alive()
