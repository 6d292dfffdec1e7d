"""The head of the chain of blocks in a file outside the database: a line a day with the newest block and its seal.

Whoever cuts off the end of the logs together with their blocks can't take the line back, if the file lies where they
can't write, such as on another machine, or if the head is printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from panel import ids
from panel.kinds import ZONE, now
from panel.security.policy import table_of
from panel.store.sealed.records import LogBlock

#: The word of a line from which on the logs count anew, as after the restoration of an older backup.
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block: its id and seal."""

    block: int
    seal: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file. `accepted` is the reason why the lines before don't count any more."""

    at: str
    head: Head
    accepted: str = ""


def current(connection: Connection) -> Head | None:
    """The newest block; None before the first."""
    blocks = table_of(LogBlock).c
    row = connection.execute(select(blocks.id, blocks.seal).order_by(blocks.id.desc()).limit(1)).first()
    return Head(row.id, row.seal) if row else None


def lines(file: Path) -> Iterator[Line]:
    """The lines of the file, the oldest first; none if there is no file. One that can't be read counts for nothing."""
    try:
        content = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in content.splitlines():
        parts = line.split(maxsplit=4)
        if len(parts) >= 3 and (number := ids.parse(parts[1])) is not None:
            yield Line(parts[0], Head(number, parts[2]), parts[4] if parts[3:4] == [ACCEPTED] else "")


def write(connection: Connection, file: Path, accepted: str = "", at: datetime | None = None) -> bool:
    """Append the present head, if it isn't that of the last line, or if the log is accepted as it stands now. The line
    is on the disk afterwards."""
    head = current(connection)
    last = next(reversed(list(lines(file))), None)
    if head is None or (last is not None and last.head == head and not accepted):
        return False
    moment = f"{(at or now()).astimezone(ZONE):%Y-%m-%dT%H:%M:%S%z}"
    words = [moment, str(head.block), head.seal, *([ACCEPTED, " ".join(accepted.split())] if accepted else [])]
    new = not file.exists()
    with file.open("a", encoding="utf-8") as out:
        if new:
            file.chmod(0o600)
        out.write(" ".join(words) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return True
