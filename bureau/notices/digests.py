"""Many reminders at a time are told in one. So nobody comes back to hundreds of notices after the server was off for
weeks, and no receiver of the webhook is flooded.

The single ones are stored as read, or as told, so that they aren't sent one by one later."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from panel.i18n import Message, _
from panel.notify import notices, outbox
from panel.notify.notices import Kind

#: The kind of a digest, and the least reminders at a time that are told in one.
KIND, LEAST = "reminders_many", 11
#: Kinds of reminders that a digest counts for themselves.
COUNTED = ("overdue", "due_soon")


def _words(numbers: Mapping[str, Any]) -> Message:
    return _(
        "{n} reminders at once: {overdue} overdue, {due_soon} due soon, {others} others",
        **{name: numbers[name] for name in ("n", *COUNTED, "others")},
    )


DECLARED = Kind(_("Many reminders"), "bad", words=_words, listed="running")


def put(session: Session, rows: Iterable[Mapping[str, Any]], at: datetime) -> None:
    """Write new notices; those of an account that are LEAST or more at a time as read, with one that tells them."""
    by_owner: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in notices.new(session, rows):
        by_owner[row["owner_id"]].append(dict(row))
    written: list[dict[str, Any]] = []
    for owner, own in by_owner.items():
        if len(own) >= LEAST:
            numbers = _numbers(row["kind"] for row in own)
            mark = f"{KIND}:{at.isoformat()}"
            written += [row | {"read_at": at} for row in own]
            written.append(notices.row(owner, KIND, mark, table_name="case", numbers=numbers, at=at))
        else:
            written += own
    notices.put(session, written)


def queue(session: Session, messages: Sequence[tuple[str, str, Mapping[str, Any]]], at: datetime) -> None:
    """Store messages of reminders; LEAST or more at a time as one that tells their numbers."""
    if len(messages) < LEAST:
        outbox.queue(session, messages)
        return
    mark = f"{KIND}:{at.isoformat()}"
    outbox.queue(session, messages, told_by=mark)
    content = {**_numbers(kind for kind, _mark, _content in messages), "at": at.isoformat()}
    outbox.queue(session, [(KIND, mark, {**content, "path": "/admin/case/?is=running"})])


def _numbers(kinds: Iterable[str]) -> dict[str, int]:
    counted = Counter(kinds)
    named = {name: counted[name] for name in COUNTED}
    return {"n": counted.total(), **named, "others": counted.total() - sum(named.values())}
