"""Free space of the instance folder, and a reserve for a full disk.

The reserve is a file of RESERVE_BYTES that is deleted when a write finds no room, so that log-ins and small changes go
on. Uploads that would leave less than NEEDED_BYTES are refused before. It is made again once there is room."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
RESERVE_BYTES = 16 * MEGABYTE
#: Free bytes that are left alone by uploads and other large writes, and below which the administrator is warned.
NEEDED_BYTES, LOW_BYTES = 64 * MEGABYTE, 1024 * MEGABYTE
NAME = "reserve.bin"


def free(folder: Path) -> int:
    """Free bytes of the disk that holds a folder or, if it isn't there, the nearest one above it."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def is_empty(folder: Path) -> bool:
    """Whether the disk has no room even for a page of the database."""
    return free(folder) < 256 * 1024


def reserve(folder: Path) -> None:
    """Make the reserve if there is none and twice the room for it. Failures are logged: the panel works without."""
    file = folder / NAME
    try:
        if file.exists() or free(folder) < NEEDED_BYTES + 2 * RESERVE_BYTES:
            return
        partial = file.with_name(NAME + ".partial")
        with partial.open("wb") as out:
            for _block in range(RESERVE_BYTES // MEGABYTE):
                out.write(os.urandom(MEGABYTE))  # a file system may store zeros in no space at all
            out.flush()
            os.fsync(out.fileno())
        partial.chmod(0o600)
        partial.replace(file)
    except OSError:
        log.exception("no space could be reserved")


def release(folder: Path) -> bool:
    """Delete the reserve; whether there was one."""
    with suppress(OSError):
        (folder / NAME).unlink()
        log.warning("the disk is full: the reserve of %s MB was given back", RESERVE_BYTES // MEGABYTE)
        return True
    return False
