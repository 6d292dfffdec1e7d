"""The queue of background tasks: Huey, over a file of its own or a Redis server."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from huey import RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.exceptions import ConfigurationError
from huey.serializer import SignedSerializer

from panel.errors import UserError
from panel.i18n import _

log = logging.getLogger(__name__)

#: Seconds between two polls of the queue.
POLL_SECONDS = 1.0

NO_REDIS = _("JOBS_URL names a Redis server, but the package “redis” is not installed: pip install redis.")
UNREACHABLE = _("The queue of background tasks can't be reached: look at JOBS_URL and at the server it names.")
UNKNOWN_URL = _("JOBS_URL must begin with redis://, rediss:// or unix://.")


class Queue:
    """The ids of waiting jobs. It holds nothing else and is signed, so that write access to it doesn't allow to run
    anything but stored jobs."""

    def __init__(self, root: Path, url: str | None, secret: str, run: Callable[[int], object]) -> None:
        self.process = os.getpid()
        serializer = SignedSerializer(secret=secret, salt="jobs")
        options = {"results": False, "utc": False, "serializer": serializer}
        if not url:
            self.huey = SqliteHuey("jobs", filename=str(root / "queue.db"), timeout=30, **options)
        elif url.startswith(("redis://", "rediss://", "unix://")):
            try:
                self.huey = RedisHuey("jobs", url=url, **options)
            except ConfigurationError:
                raise UserError(NO_REDIS) from None
        else:
            raise UserError(UNKNOWN_URL)
        self.task = self.huey.task(name="run")(run)

    def check(self) -> None:
        """Raise UserError if the queue can't be reached. Called at the start of the server."""
        try:
            self.size()
        except Exception as error:
            log.exception("the queue", exc_info=error)
            raise UserError(UNREACHABLE) from None

    def size(self) -> int:
        return int(self.huey.pending_count())

    def put(self, id_: int) -> None:
        self.task(id_)

    def drain(self) -> int:
        """Run all waiting jobs in this thread, and return their number."""
        done = 0
        while (task := self.huey.dequeue()) is not None:
            self.huey.execute(task)
            done += 1
        return done

    def consume(self) -> Consumer:
        """Start the thread that runs jobs."""
        consumer = _Consumer(self.huey, workers=1, periodic=False, max_delay=POLL_SECONDS, scheduler_interval=60)
        consumer.start()
        return consumer


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's consumer without its signal handlers: the server has its own."""

    def _set_signal_handlers(self) -> None:
        pass
