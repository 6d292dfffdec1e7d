"""Liaisons, officers, their assignments to communities, and volunteers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, cast

from sqlalchemy import CheckConstraint, ColumnElement, Index, and_, inspect, or_, select, text
from sqlalchemy.orm import Mapped, Session, relationship

from panel.base import UNSCOPED, Anchor, Named, Record, Via
from panel.fields import Personal, col, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Code, Day, Flag, FullName, Mobile, Reference, Telephone, Text, today
from panel.security.accounts import User, administrator_problem
from schema import labels
from schema.places import Community, Squad
from schema.words import CONTACT, OTHER, TERM, Gender, OfficerKind


def _term_in_order() -> CheckConstraint:
    return rule("term_in_order", "end_on IS NULL OR end_on >= start_on", _("The term ends before it begins."))


def is_over(term: Any) -> ColumnElement[bool]:
    """The condition for terms that ended before today, by their columns."""
    return and_(term.end_on.is_not(None), term.end_on < today())


def _one_open_term(name: str, message: Message) -> Index:
    """A unique index: a community has one row without an end at most. `message` is the error for a second one."""
    is_open = text("end_on IS NULL")
    return Index(
        name,
        "community_id",
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
        info={"message": message},
    )


class Liaison(Named, Record):
    """A liaison (社区联络员), a member of community staff. A successor is a new row; the old row gets an end."""

    __tablename__ = "liaison"
    __label__ = _("Liaison")
    __labels__ = _("Liaisons")
    __ended_last__ = True
    __scope__ = Via("community_id")
    __table_args__ = (
        _term_in_order(),
        _one_open_term(
            "uq_liaison_active",
            _("This community already has an active liaison. Enter an end date for the predecessor first."),
        ),
    )

    name: Mapped[str] = col(
        FullName(),
        _("Person's name"),
        required=True,
        key=True,
        search=True,
        aliases=labels.LIAISON_NAME,
    )
    gender: Mapped[Gender | None] = col(Choice(Gender), _("Gender"), listed=False, aliases=("男/女", "男女"))
    community_id: Mapped[int] = col(Reference("community"), _("Community"), search=True, required=True, key=True)
    post: Mapped[str | None] = col(Text(40), _("Post"), below="name", inline=True, aliases=("职位", "岗位", "社区职务"))
    mobile: Mapped[str | None] = col(
        Mobile(),
        _("Mobile"),
        group=CONTACT,
        personal=Personal.WORK,
        inline=True,
        search=True,
        index=True,
        aliases=labels.MOBILE,
    )
    telephone: Mapped[str | None] = col(
        Telephone(),
        _("Office telephone"),
        group=CONTACT,
        personal=Personal.WORK,
        inline=True,
        below="mobile",
        aliases=labels.LIAISON_TELEPHONE,
    )
    start_on: Mapped[date] = col(
        Day(),
        _("Start of term"),
        required=True,
        group=TERM,
        default=today,
        aliases=labels.LIAISON_START_ON,
        help=_("A new liaison without a date starts today."),
    )
    end_on: Mapped[date | None] = col(
        Day(),
        _("End of term"),
        group=TERM,
        aliases=labels.LIAISON_END_ON,
        help=_("Empty while in office. Never overwrite: end-date, then add the successor."),
    )
    user_id: Mapped[int | None] = col(
        Reference("user"),
        _("Account"),
        group=OTHER,
        listed=False,
        unique=True,
        aliases=labels.ACCOUNT,
        help=_("With what they log in."),
    )
    note: Mapped[str | None] = col(Text(300, lines=3), _("Remark"), group=OTHER, listed=False, inline=True)

    community: Mapped[Community] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])

    @classmethod
    def offered(cls) -> tuple[ColumnElement[bool], ...]:
        """Those in office today; a filter finds the others too."""
        return (cls.start_on <= today(), or_(cls.end_on.is_(None), cls.end_on >= today()))

    @classmethod
    def not_offered(cls, name: str) -> Message:
        return _("{name} is not in office today. Choose another.", name=name)

    @classmethod
    def is_ended(cls, columns: Any) -> ColumnElement[bool] | None:
        return is_over(columns)

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        return is_over(columns)

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse an account that another liaison has."""
        return linked_elsewhere(self, session)


class Officer(Named, Record):
    """An enforcement officer (执法队员)."""

    __tablename__ = "officer"
    __label__ = _("Officer")
    __labels__ = _("Officers")
    __ended_last__ = True
    __scope__ = Anchor()
    __name_in_files__ = "{name}({badge_no})"

    name: Mapped[str] = col(
        FullName(),
        _("Person's name"),
        required=True,
        key=True,
        search=True,
        aliases=labels.OFFICER_NAME,
    )
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"), search=True, key=True)
    kind: Mapped[OfficerKind] = col(
        Choice(OfficerKind),
        _("Kind"),
        required=True,
        default=OfficerKind.OFFICER,
        aliases=labels.OFFICER_KIND,
    )
    badge_no: Mapped[str | None] = col(
        Code(30),
        _("Badge no."),
        key=True,
        unique=True,
        search=True,
        aliases=labels.OFFICER_BADGE_NO,
    )
    badge_until: Mapped[date | None] = col(
        Day(),
        _("Badge valid until"),
        below="badge_no",
        inline=True,
        aliases=("有效期", "执法证有效期", "有效期限", "证件到期时间"),
    )
    mobile: Mapped[str | None] = col(
        Mobile(),
        _("Mobile"),
        group=CONTACT,
        personal=Personal.WORK,
        inline=True,
        search=True,
        aliases=labels.MOBILE,
    )
    active: Mapped[bool] = col(
        Flag(), _("In service"), required=True, default=True, group=OTHER, aliases=("在职", "在岗情况", "在职情况")
    )
    user_id: Mapped[int | None] = col(
        Reference("user"),
        _("Account"),
        group=OTHER,
        listed=False,
        unique=True,
        aliases=labels.ACCOUNT,
        help=_("With what they log in."),
    )

    squad: Mapped[Squad | None] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])

    @classmethod
    def offered(cls) -> tuple[ColumnElement[bool], ...]:
        """Those in service; a filter finds the others too."""
        return (cls.active.is_(True),)

    @classmethod
    def not_offered(cls, name: str) -> Message:
        return _("{name} is no longer in service. Choose another.", name=name)

    @classmethod
    def is_ended(cls, columns: Any) -> ColumnElement[bool] | None:
        gone: ColumnElement[bool] = columns.active.is_(False)
        return gone

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse an account that another officer has."""
        return linked_elsewhere(self, session)


def linked_elsewhere(person: Liaison | Officer, session: Session) -> Iterator[tuple[str, Message]]:
    """The errors of an account that is linked to another person of the same kind already, or that an administrator
    has."""
    model, state = type(person), cast(Any, inspect(person))
    if person.user_id is None or not state.attrs.user_id.history.has_changes():
        return
    with session.no_autoflush:
        if problem := administrator_problem(session, person.user_id):
            yield "user", problem
        statement = select(model.name).where(model.user_id == person.user_id, model.id != (person.id or 0))
        if other := session.execute(statement, execution_options=UNSCOPED).scalar():
            yield "user", _("This account is linked to {name} already. Clear it there first.", name=other)


class Assignment(Record):
    """The assignment of an officer to a community (联居派驻) for a term. A community has one officer a day; a
    substitute replaces them for a limited term."""

    __tablename__ = "assignment"
    __label__ = _("Assignment")
    __labels__ = _("Assignments")
    __scope__ = Via("community_id")
    __display__ = ("community", "officer")
    __table_args__ = (
        _term_in_order(),
        _one_open_term(
            "uq_assignment_open",
            _("This community already has an officer without an end date. End that assignment first."),
        ),
        rule("substitute_ends", "NOT substitute OR end_on IS NOT NULL", _("A substitute needs a last day.")),
    )

    community_id: Mapped[int] = col(Reference("community"), _("Community"), search=True, required=True, key=True)
    officer_id: Mapped[int] = col(
        Reference("officer"), _("Officer"), search=True, required=True, key=True, aliases=("联居队员",)
    )
    start_on: Mapped[date] = col(
        Day(), _("From"), required=True, key=True, default=today, index=True, group=TERM, aliases=("起始时间",)
    )
    end_on: Mapped[date | None] = col(
        Day(), _("Until"), group=TERM, help=_("Empty while it goes on."), aliases=("结束时间", "离任时间")
    )
    substitute: Mapped[bool] = col(
        Flag(), _("Substitute"), required=True, default=False, group=TERM, help=_("Stands in for the officer assigned.")
    )

    community: Mapped[Community] = relationship()
    officer: Mapped[Officer] = relationship()

    @classmethod
    def of_past(cls, columns: Any) -> ColumnElement[bool] | None:
        return is_over(columns)

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse overlapping assignments of a community."""
        if self.start_on is None or (self.end_on is not None and self.end_on < self.start_on):
            return
        clash = select(Assignment.id).where(
            Assignment.community_id == self.community_id,
            Assignment.substitute.is_(bool(self.substitute)),
            or_(Assignment.end_on.is_(None), Assignment.end_on >= self.start_on),
        )
        if self.end_on is not None:
            clash = clash.where(Assignment.start_on <= self.end_on)
        if self.id is not None:
            clash = clash.where(Assignment.id != self.id)
        with session.no_autoflush:
            if session.execute(clash.limit(1), execution_options=UNSCOPED).first():
                yield "start_on", _("Another officer is assigned to this community in that time.")


class Volunteer(Named, Record):
    """A volunteer of a community (社区志愿者); `is_mediator` marks a 老娘舅, a trusted mediator."""

    __tablename__ = "volunteer"
    __label__ = _("Volunteer")
    __labels__ = _("Volunteers")
    __scope__ = Via("community_id")

    name: Mapped[str] = col(
        FullName(), _("Person's name"), required=True, key=True, search=True, aliases=("志愿者", "志愿者姓名")
    )
    community_id: Mapped[int] = col(Reference("community"), _("Community"), search=True, required=True, key=True)
    is_mediator: Mapped[bool] = col(
        Flag(), _("Trusted mediator"), required=True, default=False, aliases=("老娘舅", "是否老娘舅")
    )
    mobile: Mapped[str | None] = col(
        Mobile(),
        _("Mobile"),
        personal=Personal.WORK,
        inline=True,
        search=True,
        aliases=labels.MOBILE,
    )
    active: Mapped[bool] = col(Flag(), _("In service"), required=True, default=True)

    community: Mapped[Community] = relationship()
