"""The webhook: messages to another system about events in the panel.

A message is stored in the transaction of its event, and sent later by periodic work outside any transaction, so that a
slow or dead receiver blocks nobody. It is a POST of JSON to the address that the administrator has set, with the header
`X-Panel-Signature: sha256=` + the HMAC-SHA256 of the body by the shared secret, in hexadecimal."""

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

from sqlalchemy import CursorResult, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.config import PRIVATE_NETWORKS
from panel.i18n import Message, _
from panel.kinds import now
from panel.notify import targets
from panel.notify.records import DeliveryState, Webhook, WebhookDelivery
from panel.security.policy import table_of

log = logging.getLogger(__name__)

#: Attempts before a message is given up; the pause after the first, which doubles each time, and the longest pause.
MAX_ATTEMPTS, PAUSE, LONGEST_PAUSE = 8, timedelta(minutes=1), timedelta(hours=6)
#: Seconds to wait for a response; bytes of it that are read; the most messages of a round.
TIMEOUT, RESPONSE_BYTES, ROUND_SIZE = 5.0, 4096, 100
#: Failures that end a round; seconds that the periodic work waits for a round.
MAX_FAILURES, WAIT = 3, 60.0
_OK = range(200, 300)
#: What hindered a message, by the name that its row keeps.
PROBLEMS: Mapping[str, Message] = {
    "NotAllowed": _("This address isn't among those that something may be sent to (WEBHOOK_HOSTS)."),
    "ConnectionRefusedError": _("Nobody listens at that address."),
    "TimeoutError": _("No answer in {n} seconds.", n=int(TIMEOUT)),
    "gaierror": _("The name of the receiver is unknown here."),
    "SSLCertVerificationError": _("The certificate of the receiver isn't trusted here."),
}


def told(problem: str | None) -> Message | str:
    """What hindered a message, in the reader's language."""
    if not problem or problem.startswith("HTTP "):
        return problem or ""
    return PROBLEMS.get(problem) or _("It couldn't be delivered ({word}).", word=problem)


class Host(Protocol):
    """The panel, as far as the webhook needs it."""

    app: Any

    def system_session(self) -> AbstractContextManager[Session]: ...


class _NoRedirect(HTTPRedirectHandler):
    """Treats a redirect as a failure: messages go only to the address that was set."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def wrong_address(url: str) -> Message | None:
    """Why a URL can't be the webhook's address; None if it can."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() or not character.isascii() for character in url):
        return _("An address that begins with http:// or https://, for example https://10.0.0.8/notify.")
    if parts.username or parts.password or parts.fragment:
        return _("Without a name, password or # in it.")
    return None


def enabled_kinds(session: Session) -> frozenset[str]:
    """The kinds of messages to send; none while the webhook is off. One statement."""
    statement = select(Webhook.kinds).where(Webhook.active.is_(True), Webhook.url.is_not(None)).limit(1)
    return frozenset(session.execute(statement, execution_options=UNSCOPED).scalar() or ())


def queue(session: Session, messages: Iterable[tuple[str, str, Mapping[str, Any]]], *, told_by: str = "") -> None:
    """Store messages (kind, mark of the occasion, content) in the session's transaction. Those that another message
    tells, whose mark is `told_by`, aren't sent themselves."""
    table, at = table_of(WebhookDelivery), now()
    rows = {
        mark: {
            "mark": mark,
            "kind": kind,
            "payload": {"kind": kind, **content, **({"told_by": told_by} if told_by else {})},
            "at": at,
            "next_at": at,
            "state": DeliveryState.SENT if told_by else DeliveryState.WAITING,
            "attempts": 0,
            "ended_at": at if told_by else None,
        }
        for kind, mark, content in messages
    }
    if rows:
        session.execute(insert(table), list(rows.values()), execution_options=UNSCOPED)


def unqueued(session: Session, marks: Iterable[str]) -> set[str]:
    """The marks among `marks` for which no message is stored yet."""
    new = set(marks)
    for chunk in chunks(sorted(new)):
        statement = select(WebhookDelivery.mark).where(WebhookDelivery.mark.in_(chunk))
        new -= set(session.execute(statement, execution_options=UNSCOPED).scalars())
    return new


def send_due(host: Host) -> int:
    """Send the messages that are due, oldest first, and return how many were sent. Stops after MAX_FAILURES.

    Not inside a transaction: claiming a message and recording its outcome are short transactions of their own."""
    sent = failed = 0
    for _n in range(ROUND_SIZE):
        with host.system_session() as session:
            claimed = _claim(session)
        if claimed is None:
            break
        id_, url, secret, body, attempts = claimed
        problem = post(url, secret, id_, body, allow=host.app.config.get("WEBHOOK_HOSTS", PRIVATE_NETWORKS))
        with host.system_session() as session:
            _record_outcome(session, id_, attempts, problem)
        if problem is not None:
            log.warning("webhook failed: %s", problem, extra={"delivery": id_, "attempts": attempts})
            failed += 1
            if failed >= MAX_FAILURES:
                break
        else:
            sent += 1
    return sent


def _claim(session: Session) -> tuple[int, str, str, bytes, int] | None:
    """The oldest message that is due, as (id, url, secret, body, attempts). It is postponed meanwhile, so that no other
    process sends it too."""
    hook = session.execute(select(Webhook).where(Webhook.active.is_(True))).scalars().first()
    if hook is None or not hook.url:
        return None
    table = table_of(WebhookDelivery)
    row = table.c
    due = (
        select(row.id, row.next_at, row.attempts, row.payload)
        .where(row.state == DeliveryState.WAITING)
        # No pause is longer than that: beyond it the clock was in the future when the message was stored.
        .where(or_(row.next_at <= now(), row.next_at > now() + 2 * LONGEST_PAUSE))
        .order_by(row.next_at, row.id)
        .limit(1)
    )
    message = session.execute(due).first()
    if message is None:
        return None
    attempts = message.attempts + 1
    claim = update(table).where(row.id == message.id, row.next_at == message.next_at)
    result = session.execute(claim.values(attempts=attempts, next_at=now() + pause(attempts)))
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        return None
    payload = {**message.payload, "delivery": message.id}
    if "path" in payload:
        payload["url"] = urljoin(hook.base, payload.pop("path")) if hook.base else payload.pop("path")
    body = json.dumps(payload, ensure_ascii=False, sort_keys=True).encode()
    return message.id, hook.url, hook.secret, body, attempts


def pause(attempts: int) -> timedelta:
    """The time to wait after so many attempts."""
    return min(PAUSE * (1 << (attempts - 1)), LONGEST_PAUSE)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def post(url: str, secret: str, id_: int, body: bytes, *, allow: str) -> str | None:
    """Send a message, without proxy and redirects, to an address of the list `allow`. Returns why it failed, as a word
    of PROBLEMS or the number of an HTTP status, or None."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Panel-Delivery": str(id_),
        "X-Panel-Signature": signature(secret, body),
    }
    opener: OpenerDirector = build_opener(ProxyHandler({}), _NoRedirect, *targets.handlers(allow))
    try:
        request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - wrong_address allows http alone
        with opener.open(request, timeout=TIMEOUT) as response:
            response.read(RESPONSE_BYTES)
            return None if response.status in _OK else f"HTTP {response.status}"
    except HTTPError as error:
        error.close()
        return f"HTTP {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        word = type(reason if isinstance(reason, Exception) else error).__name__
        return "TimeoutError" if word == "timeout" else word


def _record_outcome(session: Session, id_: int, attempts: int, problem: str | None) -> None:
    ended = problem is None or attempts >= MAX_ATTEMPTS
    state = DeliveryState.SENT if problem is None else DeliveryState.GIVEN_UP
    values: dict[str, Any] = {"problem": problem}
    if ended:
        values |= {"state": state, "ended_at": now()}
    table = table_of(WebhookDelivery)
    session.execute(update(table).where(table.c.id == id_).values(**values))


def send_again(session: Session, id_: int) -> None:
    """Queue a message again that was given up. The caller commits."""
    table = table_of(WebhookDelivery)
    statement = update(table).where(table.c.id == id_, table.c.state == DeliveryState.GIVEN_UP)
    values = {"state": DeliveryState.WAITING, "attempts": 0, "next_at": now(), "ended_at": None}
    session.execute(statement.values(**values), execution_options=UNSCOPED)


def delete_expired(session: Session, before: datetime) -> None:
    """Delete messages stored before `before`, sent or not."""
    table = table_of(WebhookDelivery)
    session.execute(delete(table).where(table.c.at < before), execution_options=UNSCOPED)


class Sender:
    """The periodic work of the webhook. Its transaction only claims the round; messages are sent afterwards in a
    thread, one round at a time, so that a slow receiver doesn't delay other periodic work."""

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
