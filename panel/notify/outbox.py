"""The webhook: other systems are told of what happens. A message is written in the transaction of what it tells, and
sent later, outside any transaction, by the server's clock: a receiver that is dead or slow hinders nobody.

Each message is a POST of JSON to the one address that the administrator set, signed over the body:
`X-Panel-Signature: sha256=` and the HMAC-SHA256 by the shared secret, in hexadecimal."""

from __future__ import annotations

import hmac
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from hashlib import sha256
from http.client import HTTPException
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.imports.matching import chunks
from panel.kinds import now
from panel.notify.records import DeliveryState, Webhook, WebhookDelivery
from panel.security.policy import table_of

log = logging.getLogger(__name__)

#: Tries before a message is given up; the pause after the first one, which doubles each time, and the longest one.
TRIES, PAUSE, LONGEST = 8, timedelta(minutes=1), timedelta(hours=6)
#: Seconds to wait for an answer; how much of it is read; how many messages a round sends.
TIMEOUT, ANSWER_BYTES, A_ROUND = 5.0, 4096, 100
#: Failures that end a round; seconds that the server's clock waits for one.
PATIENCE, WAIT = 3, 60.0
_OK = range(200, 300)


class Host(Protocol):
    """Where messages are written and sent: the assembled panel."""

    app: Any

    def system_session(self) -> AbstractContextManager[Session]: ...


class _NoRedirect(HTTPRedirectHandler):
    """An answer that points elsewhere is a failure: only the address that was set is asked."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def wrong_address(url: str) -> Message | None:
    """Why messages can't be sent to an address, or None."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(sign.isspace() or not sign.isascii() for sign in url):
        return _("An address that begins with http:// or https://, for example https://10.0.0.8/notify.")
    if parts.username or parts.password or parts.fragment:
        return _("Without a name, password or # in it.")
    return None


def wanted(session: Session) -> frozenset[str]:
    """The kinds that are sent: none while the webhook is off. One statement."""
    statement = select(Webhook.kinds).where(Webhook.active.is_(True), Webhook.url.is_not(None)).limit(1)
    return frozenset(session.execute(statement, execution_options=UNSCOPED).scalar() or ())


def queue(session: Session, messages: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Write messages, each a kind, the mark of its occasion and what is told, in the session's transaction."""
    table, at = table_of(WebhookDelivery), now()
    rows = {
        mark: {
            "mark": mark,
            "kind": kind,
            "payload": {"kind": kind, **told},
            "at": at,
            "next_at": at,
            "state": DeliveryState.WAITING,
            "attempts": 0,
        }
        for kind, mark, told in messages
    }
    if rows:
        session.execute(insert(table), list(rows.values()), execution_options=UNSCOPED)


def unqueued(session: Session, marks: Iterable[str]) -> set[str]:
    """Those of these occasions of which no message was written yet."""
    left = set(marks)
    for some in chunks(sorted(left)):
        found = select(WebhookDelivery.mark).where(WebhookDelivery.mark.in_(some))
        left -= set(session.execute(found, execution_options=UNSCOPED).scalars())
    return left


def send_due(host: Host) -> int:
    """Send what is due, the oldest first, until the receiver has failed a few times; gives how many were sent. Not
    inside a transaction: each message is claimed and its outcome written in a short one of its own."""
    sent = failed = 0
    for _n in range(A_ROUND):
        with host.system_session() as session:
            claimed = _claim(session)
        if claimed is None:
            break
        id_, url, secret, body, attempts = claimed
        problem = post(url, secret, id_, body)
        with host.system_session() as session:
            _note(session, id_, attempts, problem)
        if problem is not None:
            log.warning("webhook failed: %s", problem, extra={"delivery": id_, "attempts": attempts})
            failed += 1
            if failed >= PATIENCE:
                break
        else:
            sent += 1
    return sent


def _claim(session: Session) -> tuple[int, str, str, bytes, int] | None:
    """The oldest message that is due, put off while it is being sent so that no other process sends it too."""
    hook = session.execute(select(Webhook).where(Webhook.active.is_(True))).scalars().first()
    if hook is None or not hook.url:
        return None
    table = table_of(WebhookDelivery)
    row = table.c
    due = (
        select(row.id, row.next_at, row.attempts, row.payload)
        .where(row.state == DeliveryState.WAITING, row.next_at <= now())
        .order_by(row.next_at, row.id)
        .limit(1)
    )
    found = session.execute(due).first()
    if found is None:
        return None
    attempts = found.attempts + 1
    claim = update(table).where(row.id == found.id, row.next_at == found.next_at)
    result = session.execute(claim.values(attempts=attempts, next_at=now() + pause(attempts)))
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        return None
    told = {**found.payload, "delivery": found.id}
    if "path" in told:
        told["url"] = urljoin(hook.base, told.pop("path")) if hook.base else told.pop("path")
    body = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    return found.id, hook.url, hook.secret, body, attempts


def pause(attempts: int) -> timedelta:
    """How long to wait after so many tries."""
    return min(PAUSE * (1 << (attempts - 1)), LONGEST)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def post(url: str, secret: str, id_: int, body: bytes) -> str | None:
    """Send a message; why it failed, or None. No proxy, no redirect."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Panel-Delivery": str(id_),
        "X-Panel-Signature": signature(secret, body),
    }
    opener: OpenerDirector = build_opener(ProxyHandler({}), _NoRedirect)
    try:
        asked = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - wrong_address allows http alone
        with opener.open(asked, timeout=TIMEOUT) as answer:
            answer.read(ANSWER_BYTES)
            return None if answer.status in _OK else f"HTTP {answer.status}"
    except HTTPError as error:
        error.close()
        return f"HTTP {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        return type(reason if isinstance(reason, Exception) else error).__name__


def _note(session: Session, id_: int, attempts: int, problem: str | None) -> None:
    over = problem is None or attempts >= TRIES
    state = DeliveryState.SENT if problem is None else DeliveryState.GIVEN_UP
    values: dict[str, Any] = {"problem": problem}
    if over:
        values |= {"state": state, "ended_at": now()}
    table = table_of(WebhookDelivery)
    session.execute(update(table).where(table.c.id == id_).values(**values))


def again(session: Session, id_: int) -> None:
    """Send once more what was given up. The caller commits."""
    table = table_of(WebhookDelivery)
    statement = update(table).where(table.c.id == id_, table.c.state == DeliveryState.GIVEN_UP)
    values = {"state": DeliveryState.WAITING, "attempts": 0, "next_at": now(), "ended_at": None}
    session.execute(statement.values(**values), execution_options=UNSCOPED)


def delete_expired(session: Session, before: datetime) -> None:
    """Throw away old messages, sent or not."""
    table = table_of(WebhookDelivery)
    session.execute(delete(table).where(table.c.at < before), execution_options=UNSCOPED)


class Sender:
    """The periodic work: its transaction claims the round and no more. The sending is a thread of its own, so that a
    receiver that answers drop by drop doesn't stop the clock; one at a time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._thread: threading.Thread | None = None

    def __call__(self, _session: Session) -> Callable[[], None]:
        return self._round

    def _round(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._send, name="webhook", daemon=True)
            self._thread.start()
        self._thread.join(WAIT)

    def _send(self) -> None:
        try:
            with self._host.app.app_context():
                send_due(self._host)
        except Exception:
            log.exception("a round of the webhook failed")
