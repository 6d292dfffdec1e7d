"""The handover (交接): all that hangs on a liaison or an officer is given to others in one act, which ends their term,
retires them or only moves a community's work, and may deactivate their account. The caller commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.people import holdings, left
from bureau.people.holdings import KINDS, Held, Share
from models import Community, Liaison, Officer
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import Message, _, in_default_locale
from panel.kinds import today
from panel.security import audit
from panel.security.policy import AccessDenied, Permission, table_of
from panel.security.records import AuditAction
from panel.security.session import actor_of, elevated, permitted, policy_of
from panel.store import bulk

CHANGED = _("Somebody changed one of these records meanwhile. Nothing was written; look again.")
NOBODY, NOTHING = _("nobody"), _("nothing")
#: The takers of what hangs on an officer: an id for each record.
Takers = Callable[[Held], int | None]


@dataclass(frozen=True, slots=True)
class NewLiaison:
    """Who takes over as liaison. Nobody has a row before the predecessor's term ends."""

    name: str
    mobile: str | None = None
    post: str | None = None


@dataclass(slots=True)
class Handed:
    """What was handed over: numbers by kind, the names of the takers, and the account that was deactivated."""

    numbers: Counter[str] = field(default_factory=Counter)
    takers: list[str] = field(default_factory=list)
    account: str = ""
    last: date | None = None

    def words(self) -> Message:
        return holdings.listed(self.numbers) or NOTHING


def may(session: Session) -> bool:
    """Whether the actor may hand over: whoever edits liaisons and officers."""
    policy, actor = policy_of(session), actor_of(session)
    return all(policy.may(actor, Permission.EDIT, model) for model in (Liaison, Officer))


def _require(session: Session, model: type[Any], id_: int) -> None:
    if not may(session) or not permitted(session, model, Permission.EDIT, {id_}):
        raise AccessDenied


def _check_day(begins: date, started: date | None, name: str) -> None:
    if begins > today():
        raise UserError(_("The day of the handover can't be in the future: hand over on the day itself."))
    if started is not None and begins <= started:
        message = _("{name} began on {day}: the successor begins on a later day.", name=name, day=started)
        raise UserError(message)


def in_office(session: Session, community: int, *, without: int | None = None) -> Liaison | None:
    """The liaison of a community whose term has no end."""
    statement = select(Liaison).where(Liaison.community_id == community, Liaison.end_on.is_(None))
    if without is not None:
        statement = statement.where(Liaison.id != without)
    return session.execute(statement, execution_options=UNSCOPED).scalar_one_or_none()


def replace_liaison(
    session: Session,
    liaison: Liaison,
    new: NewLiaison | None,
    *,
    version: int,
    begins: date,
    reason: str,
    vacant: bool = False,
    deactivate: bool = False,
) -> Handed:
    """End the term of a liaison on the day before, and give what hangs on them to the successor: whoever is in office
    already, or `new`. With `vacant` open cases wait without a liaison for the next one. Raises UserError."""
    _require(session, Liaison, liaison.id)
    if liaison.version != version:
        raise UserError(CHANGED)
    last, ended = begins - timedelta(days=1), liaison.end_on is not None and liaison.end_on < begins
    _check_day(begins, None if ended else liaison.start_on, liaison.name)
    held = holdings.found(session, "liaison", {liaison.id}).get(liaison.id, [])
    taker = in_office(session, liaison.community_id, without=liaison.id)
    if taker is None and new is None and not vacant:
        raise UserError(_("Name who takes over, or tick that the post is vacant."))
    with elevated(session):
        if not ended:
            liaison.end_on = last
        session.flush()
        if taker is None and new is not None:
            taker = Liaison(
                name=new.name, mobile=new.mobile, post=new.post, community_id=liaison.community_id, start_on=begins
            )
            session.add(taker)
            session.flush()
        taker_id = taker.id if taker is not None else None
        handed = _give(session, "liaison", [Share(one, taker_id, begins) for one in held], reason)
        handed.last, handed.takers = last, [taker.name] if taker is not None else []
        _note(session, liaison, handed, reason)
        if deactivate:
            handed.account = left.end_account(session, liaison.user_id)
    return handed


def replace_officer(
    session: Session,
    officer: Officer,
    takers: Takers,
    *,
    version: int,
    begins: date,
    reason: str,
    community: int | None = None,
    retire: bool = False,
    deactivate: bool = False,
) -> Handed:
    """Give what hangs on an officer to others, all or that of one community, and with `retire` take them out of
    service. `takers` says who gets a record. Raises UserError."""
    _require(session, Officer, officer.id)
    if officer.version != version:
        raise UserError(CHANGED)
    _check_day(begins, None, officer.name)
    held = holdings.found(session, "officer", {officer.id}).get(officer.id, [])
    held = [one for one in held if community is None or one.community == community]
    chosen = {one: takers(one) for one in held}
    missing = [one for one, taker in chosen.items() if taker is None and not KINDS[one.kind].follows]
    if missing:
        things = holdings.summary(session, missing)
        raise UserError(_("Choose who takes over: {things}.", things=things or NOTHING))
    names = _takers(session, officer, {taker for taker in chosen.values() if taker is not None})
    with elevated(session):
        handed = _give(session, "officer", [Share(one, chosen[one], begins) for one in held], reason)
        handed.last, handed.takers = begins - timedelta(days=1), [names[id_] for id_ in sorted(names)]
        if retire:
            officer.active = False
        session.flush()
        _note(session, officer, handed, reason)
        if deactivate:
            handed.account = left.end_account(session, officer.user_id)
    return handed


def _takers(session: Session, officer: Officer, ids: set[int]) -> dict[int, str]:
    """The names of the officers who take over. Raises UserError for one who can't."""
    if officer.id in ids:
        raise UserError(_("Whoever hands over can't take over as well."))
    if len(permitted(session, Officer, Permission.CHOOSE, ids)) != len(ids):
        raise UserError(_("Choose one from the list."))
    columns = table_of(Officer).c
    statement = select(columns.id, columns.name, columns.active).where(columns.id.in_(ids))
    rows = session.execute(statement, execution_options=UNSCOPED).all()
    for row in rows:
        if not row.active:
            raise UserError(_("{name} is no longer in service. Choose another.", name=row.name))
    return {row.id: row.name for row in rows}


def _give(session: Session, table: str, shares: Sequence[Share], reason: str) -> Handed:
    try:
        holdings.give(session, table, shares, reason)
    except bulk.StaleRow:
        raise UserError(CHANGED) from None
    return Handed(Counter(share.held.kind for share in shares))


def _note(session: Session, person: Liaison | Officer, handed: Handed, reason: str) -> None:
    """Record the act in the audit trail of the person."""
    message = _(
        "Handed over to {to}, last day {last}: {things}. {reason}",
        to="、".join(handed.takers) or NOBODY,
        last=handed.last,
        things=handed.words(),
        reason=reason,
    )
    audit.note(session, AuditAction.EVENT, person.__tablename__, person.id, in_default_locale(message))


def receive(session: Session, liaison: Liaison) -> Message | None:
    """Give a liaison in office the open cases of the community that wait for one; what they are, None for nothing."""
    waiting = holdings.waiting(session, {liaison.community_id}).get(liaison.community_id, [])
    if not waiting or liaison.end_on is not None:
        return None
    shares = [Share(held, liaison.id, max(liaison.start_on, today())) for held in waiting]
    return _give(session, "liaison", shares, in_default_locale(_("The post was vacant"))).words()


def communities_of(session: Session, held: Iterable[Held]) -> dict[int, str]:
    """The names of the communities that these records are about."""
    ids = {one.community for one in held if one.community is not None}
    columns = table_of(Community).c
    statement = select(columns.id, columns.name).where(columns.id.in_(ids)).order_by(columns.name_key)
    return {row.id: row.name for row in session.execute(statement, execution_options=UNSCOPED)}
