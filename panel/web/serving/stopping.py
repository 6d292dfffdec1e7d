"""The server: waitress, ended in order. At SIGTERM or Ctrl-C it takes no more connections, answers the requests under
way, lets the jobs and the periodic work end, and leaves after STOP_SECONDS at the latest."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from waitress.wasyncore import loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

log = logging.getLogger(__name__)

#: Seconds from the signal to the end, and those of them that are left to jobs at least.
STOP_SECONDS, JOB_SECONDS = 18.0, 3.0


class Server:
    """Serves an application until it is told to stop. `ending` is called at once then and must not wait; `ended` is
    called at the end with the seconds that are left."""

    def __init__(
        self,
        app: Flask,
        ending: Callable[[], object] = lambda: None,
        ended: Callable[[float], object] = lambda _seconds: None,
        **options: Any,
    ) -> None:
        # One map for all sockets, also where the host has several addresses.
        self._map: dict[int, Any] = {}
        self._server = create_server(app, map=self._map, **options)
        self._ending, self._ended = ending, ended
        self._stopping = threading.Event()

    def stop(self, *_signal: object) -> None:
        """Begin to end; may be called by a handler of signals, or by another thread."""
        self._stopping.set()
        for socket in list(self._map.values()):
            if hasattr(socket, "pull_trigger"):
                socket.pull_trigger()

    def run(self) -> None:
        """Serve. Returns when all has ended, STOP_SECONDS after stop() at the latest."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self._stopping.is_set():
            self._turn(1.0)
        deadline = time.monotonic() + STOP_SECONDS
        log.info("stopping: %s requests under way", self._open())
        self._ending()
        self._refuse()
        while self._open() and time.monotonic() < deadline - JOB_SECONDS:
            self._turn(0.1)
        if left := self._open():
            log.warning("%s requests were not answered in time", left)
        self._ended(max(0.5, deadline - time.monotonic()))
        log.info("stopped")

    def _turn(self, seconds: float) -> None:
        loop(timeout=seconds, map=self._map, use_poll=self._server.adj.asyncore_use_poll, count=1)

    def _refuse(self) -> None:
        """Close the listening sockets; connections stay."""
        for number, socket in list(self._map.items()):
            if getattr(socket, "accepting", False):
                del self._map[number]
                socket.socket.close()

    def _open(self) -> int:
        """Connections with a request under way or an answer that isn't sent yet."""
        return sum(bool(getattr(c, "requests", ()) or getattr(c, "total_outbufs_len", 0)) for c in self._map.values())
