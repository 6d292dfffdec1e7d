"""Receipts of submitted forms, so that a form that is sent twice is carried out once.

Every form carries a random token. While a request with a token runs, its submission is the thread's `current` one: the
first commit of any session stores its receipt in the same transaction as the writes. The same content sent again finds
the receipt when it begins, or, if both run at the same time, breaks the unique key and is rolled back as a whole. A
submission with the same token and another content is another act, unless its page asks: see `earlier`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from panel.base import UNSCOPED
from panel.kinds import now
from panel.security.policy import table_of
from panel.security.session import keyed_hash, writing
from panel.store.records import FormReceipt

#: Most characters of a token; longer ones are no tokens of ours and are ignored.
TOKEN_LENGTH = 40
#: Most characters of the address that a submission was answered with; longer ones aren't stored.
LOCATION_LENGTH = 500
#: Days after which a receipt is deleted; a form isn't left open for longer.
KEPT_DAYS = 1


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier submission of a form: the record that it made, the address that it was answered with ("" if it wasn't
    a redirect, None while it is still being answered), and whether it had the same content."""

    table: str
    record_id: int | None
    location: str | None
    same: bool


@dataclass(slots=True)
class Submission:
    """A form that is being carried out. `key` is what its receipt is stored under: the token, or a hash of token and
    content if the token was used before with another content, by the `earlier` submission."""

    owner: int
    token: str
    digest: str
    key: str
    earlier: Earlier | None = None
    table: str = ""
    record_id: int | None = None
    #: The session whose transaction holds the receipt, and whether that was committed.
    holder: Session | None = None
    stored: bool = False


class RepeatedError(Exception):
    """The same form was carried out meanwhile. The transaction is to be rolled back."""


#: The submission of this request.
current: ContextVar[Submission | None] = ContextVar("submission", default=None)


def new_token() -> str:
    return secrets.token_urlsafe(18)


def is_token(token: str) -> bool:
    return 0 < len(token) <= TOKEN_LENGTH


def digest(content: Mapping[str, Any], secret: str) -> str:
    """The keyed hash of what was typed, since it may hold personal data."""
    return keyed_hash(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str), secret)


def begin(engine: Engine, owner: int, token: str, content: str) -> Submission:
    """The submission of an account's form with the digest of its content. One statement, in a reading transaction of
    its own: whoever sent the form twice isn't to hold a lock while a long act is prepared."""
    other = sha256(f"{token}:{content}".encode()).hexdigest()[:TOKEN_LENGTH]
    receipts = _find(engine, owner, (token, other))
    key = other if token in receipts and receipts[token][0] != content else token
    submission = Submission(owner, token, content, key)
    if key in receipts:
        submission.earlier = replace(receipts[key][1], same=True)
    elif token in receipts:
        submission.earlier = receipts[token][1]
    return submission


def find_again(engine: Engine, submission: Submission) -> Earlier | None:
    """The submission with the same content that was carried out since this one began."""
    receipt = _find(engine, submission.owner, (submission.key,)).get(submission.key)
    if receipt is None or receipt[0] != submission.digest:
        return None
    return replace(receipt[1], same=True)


def _find(engine: Engine, owner: int, keys: tuple[str, ...]) -> dict[str, tuple[str, Earlier]]:
    columns = table_of(FormReceipt).c
    statement = select(columns.token, columns.digest, columns.table_name, columns.record_id, columns.location)
    reading = writing.set(False)
    try:
        with engine.connect() as connection:
            rows = connection.execute(statement.where(columns.owner_id == owner, columns.token.in_(keys))).all()
    finally:
        writing.reset(reading)
    return {row.token: (row.digest, Earlier(row.table_name, row.record_id, row.location, same=False)) for row in rows}


def fulfil(table: str, record_id: int) -> None:
    """Note which record the current submission makes, before its commit."""
    if (submission := current.get()) is not None:
        submission.table, submission.record_id = table, record_id


def answered(session: Session, submission: Submission, location: str) -> None:
    """Note what the submission was answered with: the address of a redirect, or "" for a page."""
    receipt = table_of(FormReceipt)
    kept = location if len(location) <= LOCATION_LENGTH else ""
    statement = update(receipt).where(_is(submission)).values(location=kept)
    session.execute(statement, execution_options=UNSCOPED)


def release(session: Session, submission: Submission) -> None:
    """Forget the submission, so that the same form can be sent again: it came to nothing, or was a download."""
    session.execute(delete(table_of(FormReceipt)).where(_is(submission)), execution_options=UNSCOPED)


def _is(submission: Submission) -> Any:
    columns = table_of(FormReceipt).c
    return (columns.owner_id == submission.owner) & (columns.token == submission.key)


@event.listens_for(Session, "before_commit")
def _store(session: Session) -> None:
    """Store the receipt of the current submission in the transaction that is about to be committed. Of two transactions
    with one key the second waits here until the first has ended. Raises RepeatedError."""
    submission = current.get()
    if submission is None or submission.holder is not None or session.in_nested_transaction() or not writing.get():
        return
    values = {
        "owner_id": submission.owner,
        "token": submission.key,
        "digest": submission.digest,
        "at": now(),
        "table_name": submission.table,
        "record_id": submission.record_id,
    }
    try:
        session.connection().execute(insert(table_of(FormReceipt)).values(**values))
    except IntegrityError as error:
        raise RepeatedError from error
    submission.holder = session


@event.listens_for(Session, "after_commit")
def _stored(session: Session) -> None:
    submission = current.get()
    if submission is not None and submission.holder is session:
        submission.stored = True


@event.listens_for(Session, "after_rollback")
def _rolled_back(session: Session) -> None:
    """The receipt went with the transaction: the next one stores it."""
    submission = current.get()
    if submission is not None and submission.holder is session and not submission.stored:
        submission.holder = None


def delete_expired(session: Session) -> None:
    """Periodic: delete receipts older than KEPT_DAYS."""
    receipt = table_of(FormReceipt)
    statement = delete(receipt).where(receipt.c.at < now() - timedelta(days=KEPT_DAYS))
    session.execute(statement, execution_options=UNSCOPED)
