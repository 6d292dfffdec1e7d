"""How waitress serves: how many connections at a time, how long one may be silent.

A connection costs a file descriptor, not a thread: a request takes a thread only once it has come in whole. So the
number of connections may be large, and what matters is that those which say nothing are closed and that the limit
leaves room for the files of the database."""

from __future__ import annotations

import select
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import waitress.channel
import waitress.server

from panel.config import Config

#: File descriptors that aren't connections: database, logs, uploads, static files being sent.
OTHER_FILES = 200
#: Least connections, whatever the system allows.
LEAST = 100


def options(config: Config) -> dict[str, Any]:
    """Arguments of waitress's serve() or create_server()."""
    return {
        "host": config.host,
        "port": config.port,
        "threads": config.threads,
        "ident": None,
        "connection_limit": _connections(config.connections),
        # Above the 1,024 that select() can watch.
        "asyncore_use_poll": hasattr(select, "poll"),
        "backlog": 1024,
        "channel_timeout": config.silent_seconds,
        "cleanup_interval": max(1, min(10, config.silent_seconds // 3)),
        # A request without its end is refused by size before it fills the memory; the pages' own limits are smaller.
        "max_request_header_size": 32 * 1024,
        # Waitress drops what a proxy says of the client. Behind one, ProxyFix reads it (panel/web/prepare.py).
        "clear_untrusted_proxy_headers": not config.trusted_proxies,
    }


def use_steady_clock() -> None:
    """Let waitress measure silence by a clock that nobody sets. By the machine's own, a clock that was in the future
    for a while would stop the closing of silent connections until then."""
    steady = SimpleNamespace(time=time.monotonic, sleep=time.sleep)
    waitress.server.time = waitress.channel.time = steady


def _connections(wanted: int) -> int:
    """As many as wanted, as far as the system's limit of open files goes, which is raised as far as it may be."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < most:
        raised = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else max(LEAST, min(wanted, soft - OTHER_FILES))
