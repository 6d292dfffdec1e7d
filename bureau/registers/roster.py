"""The roster of liaisons (社区联络员花名册) as of a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from bureau.printing.paper import CODE, DAY, LEFT, TEXT
from bureau.printing.register_sheet import Column
from bureau.registers.model import Filled, Register, RegisterRequest
from models import Assignment, Community, CommunityStatus, Gender, Liaison, Officer, Street
from panel.i18n import _
from panel.search.names import NOT_VISIBLE


@dataclass(frozen=True, slots=True)
class LiaisonLine:
    id: int
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
    """The liaisons in office on a day, sorted by street and community, and the names of active communities without one.
    `street` is an id."""
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
        .order_by(Street.name_key, Street.id, Community.name_key, Community.id)
        .order_by(Liaison.start_on, Liaison.id, Assignment.substitute, Assignment.id)
    )
    if street is not None:
        statement = statement.where(Community.street_id == street)
    lines: list[LiaisonLine] = []
    vacant: list[str] = []
    for row in session.execute(statement):
        if row.liaison_id is None:
            if row.status is CommunityStatus.ACTIVE:
                vacant.append(row.community)
            continue
        officer = row.officer if row.assignment_id is None or row.officer else str(NOT_VISIBLE)
        if lines and lines[-1].id == row.liaison_id:
            # A substitute stands in for the officer assigned: one line with both.
            lines[-1] = replace(lines[-1], officer="、".join(filter(None, (lines[-1].officer, officer))))
            continue
        lines.append(
            LiaisonLine(
                id=row.liaison_id,
                street=row.street,
                community=row.community,
                name=row.name,
                gender=row.gender,
                post=row.post,
                mobile=row.mobile,
                telephone=row.telephone,
                officer=officer,
                start_on=row.start_on,
                note=row.note,
            )
        )
    return lines, vacant


def _on(model: type[Liaison | Assignment], day: date) -> tuple[ColumnElement[bool], ...]:
    return (model.start_on <= day, or_(model.end_on.is_(None), model.end_on >= day))


def _fill(session: Session, params: RegisterRequest) -> Filled:
    lines, vacant = roster(session, params.day, params.street)
    rows = [
        (
            line.street,
            line.community,
            line.name,
            line.gender and str(line.gender.label),
            line.post,
            line.mobile,
            line.telephone,
            line.officer,
            line.start_on,
            line.note,
        )
        for line in lines
    ]
    notes = [f"尚无联络员的社区：{'、'.join(vacant)}"] if vacant else []
    return Filled(rows, f"{len(rows)} 人", notes)


REGISTER = Register(
    "roster",
    "社区联络员花名册",
    _("Liaison roster"),
    _("Who is liaison of which community as of a day, street by street. It can be imported again."),
    Liaison,
    (
        Column("街道", 13, joined=True),
        Column("社区", 14),
        Column("姓名", 9),
        Column("性别", 6),
        Column("职务", 16, LEFT),
        Column("手机", 14, CODE),
        Column("办公电话", 16, CODE),
        Column("联居队员", 10),
        Column("起始时间", 11.5, DAY),
        Column("备注", 20, TEXT),
    ),
    _fill,
    by_day=True,
)
