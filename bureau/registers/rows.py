"""Registers that are printed and filed: what stands in them, as plain rows within the scope of the session's actor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bureau.calendar.deadlines import local
from bureau.calendar.month import Month
from bureau.cases.privacy import redact
from bureau.mediation.records import people
from models import (
    Assignment,
    Case,
    ChecklistItem,
    Community,
    CommunityStatus,
    Department,
    Gender,
    Liaison,
    Officer,
    Referral,
    ReferralKind,
    ReferralStatus,
    Street,
)
from panel.fields import Field, fields
from panel.i18n import _
from panel.imports.matching import is_masked
from panel.kinds import now
from panel.security.session import actor_of, policy_of

NOT_VISIBLE = _("not visible")


@dataclass(frozen=True, slots=True)
class ReferralLine:
    document_no: str | None
    case_no: str
    sent_at: datetime
    kind: ReferralKind
    department: str
    community: str
    item: str
    request: str
    sign_due_at: datetime | None
    signed_at: datetime | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    reply: str
    joint_on: date | None
    joint_members: str
    quantity: int | None
    quantity_unit: str | None
    status: ReferralStatus
    #: Signed for or answered after its time, or not yet although the time is over.
    sign_late: bool
    reply_late: bool


def referrals(session: Session, first: Month, last: Month, street: int | None = None) -> list[ReferralLine]:
    """移送台账: what was referred from one month to another, as it stands now, in the order of sending. The paper goes
    to the departments, so that nobody who complained is named in what was asked and answered. Two statements."""
    of_months = (Referral.sent_at >= first.start, Referral.sent_at < last.end)
    statement = (
        select(
            Referral.case_id,
            Referral.document_no,
            Referral.kind,
            Referral.status,
            Referral.request,
            Referral.sent_at,
            Referral.sign_due_at,
            Referral.signed_at,
            Referral.reply_due_at,
            Referral.replied_at,
            Referral.return_reason,
            Referral.reply,
            Referral.joint_on,
            Referral.joint_members,
            Referral.quantity,
            Referral.quantity_unit,
            Case.case_no,
            Case.item_snapshot,
            Department.name.label("department"),
            Community.name.label("community"),
            ChecklistItem.name.label("item"),
        )
        .join(Case, Referral.case_id == Case.id)
        .join(Department, Referral.department_id == Department.id)
        .outerjoin(Community, Case.community_id == Community.id)
        .outerjoin(ChecklistItem, Case.item_id == ChecklistItem.id)
        .where(*of_months)
        .order_by(Referral.sent_at, Referral.id)
    )
    if street is not None:
        statement = statement.where(Community.street_id == street)
    known = people(session, select(Referral.case_id).where(*of_months))
    moment, found = now(), []
    for row in session.execute(statement):
        returned = row.status is ReferralStatus.RETURNED
        ended = row.status in (ReferralStatus.REPLIED, ReferralStatus.RETURNED)
        found.append(
            ReferralLine(
                document_no=row.document_no,
                case_no=row.case_no,
                sent_at=local(row.sent_at),
                kind=row.kind,
                department=row.department,
                community=row.community or str(NOT_VISIBLE),
                item=(row.item_snapshot or {}).get("name") or row.item or "",
                request=redact(row.request, known[row.case_id]),
                sign_due_at=local(row.sign_due_at),
                signed_at=local(row.signed_at),
                reply_due_at=local(row.reply_due_at),
                replied_at=local(row.replied_at),
                reply=redact(row.return_reason if returned else row.reply, known[row.case_id]),
                joint_on=row.joint_on,
                joint_members=redact(row.joint_members, known[row.case_id]),
                quantity=row.quantity,
                quantity_unit=row.quantity_unit,
                status=row.status,
                sign_late=_late(row.sign_due_at, row.signed_at, moment, ended=ended),
                reply_late=_late(row.reply_due_at, row.replied_at, moment, ended=ended),
            )
        )
    return found


def _late(due: datetime | None, done: datetime | None, moment: datetime, *, ended: bool) -> bool:
    """What ended without that moment being known isn't called late."""
    if due is None or (done is None and ended):
        return False
    return (done or moment) > due


@dataclass(frozen=True, slots=True)
class LiaisonLine:
    street: str
    community: str
    name: str
    gender: Gender | None
    post: str | None
    mobile: str | None
    telephone: str | None
    officer: str | None
    start_on: date
    note: str | None


def roster(session: Session, day: date, street: int | None = None) -> tuple[list[LiaisonLine], list[str]]:
    """社区联络员花名册 as of a day, street by street, and the communities that had no liaison then. Telephone numbers
    are masked for those who see them masked."""
    statement = (
        select(
            Street.name.label("street"),
            Community.name.label("community"),
            Community.status,
            Liaison.id.label("liaison_id"),
            Liaison.name,
            Liaison.gender,
            Liaison.post,
            Liaison.mobile,
            Liaison.telephone,
            Liaison.start_on,
            Liaison.note,
            Assignment.id.label("assignment_id"),
            Officer.name.label("officer"),
        )
        .select_from(Community)
        .join(Street, Community.street_id == Street.id)
        .outerjoin(Liaison, and_(Liaison.community_id == Community.id, *_on(Liaison, day)))
        .outerjoin(Assignment, and_(Assignment.community_id == Community.id, *_on(Assignment, day)))
        .outerjoin(Officer, Assignment.officer_id == Officer.id)
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id, Liaison.start_on, Liaison.id)
    )
    if street is not None:
        statement = statement.where(Community.street_id == street)
    actor = actor_of(session)
    hidden = actor.system or policy_of(session).sees_masked(actor, Liaison)
    declared = {f.name: f for f in fields(Liaison)}
    found, vacant = [], []
    for row in session.execute(statement):
        if row.liaison_id is None:
            if row.status is CommunityStatus.ACTIVE:
                vacant.append(row.community)
            continue
        officer = row.officer if row.assignment_id is None or row.officer else str(NOT_VISIBLE)
        found.append(
            LiaisonLine(
                street=row.street,
                community=row.community,
                name=row.name,
                gender=row.gender,
                post=row.post,
                mobile=_number(declared["mobile"], row.mobile, hidden=hidden),
                telephone=_number(declared["telephone"], row.telephone, hidden=hidden),
                officer=officer,
                start_on=row.start_on,
                note=row.note,
            )
        )
    return found, vacant


def _on(model: type[Liaison | Assignment], day: date) -> tuple[ColumnElement[bool], ...]:
    return (model.start_on <= day, or_(model.end_on.is_(None), model.end_on >= day))


def _number(field: Field, value: str | None, *, hidden: bool) -> str | None:
    return field.kind.mask(value) if value and is_masked(field, hidden=hidden) else value
