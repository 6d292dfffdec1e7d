"""Streets, squads, departments and communities."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, relationship

from panel.base import Anchor, Named, Public, Record
from panel.fields import Personal, col, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Code, Day, Flag, PersonName, Reference, Telephone, Text, Whole
from schema import labels
from schema.words import CONTACT, OTHER, RULES, CommunityStatus

#: Characters of all other names of a community together.
ALIASES_LENGTH = 200


class Street(Named, Record):
    """A street office (街道), which covers several communities."""

    __tablename__ = "street"
    __label__ = _("Street")
    __labels__ = _("Streets")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(40),
        _("Name"),
        required=True,
        key=True,
        unique=True,
        search=True,
        aliases=labels.STREET_NAME,
    )
    code: Mapped[str | None] = col(
        Code(20), _("Code"), unique=True, search=True, aliases=("代码", "街道代码", "街道编码")
    )


class Squad(Named, Record):
    """A squad (分队) of the bureau."""

    __tablename__ = "squad"
    __label__ = _("Squad")
    __labels__ = _("Squads")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(40),
        _("Name"),
        required=True,
        key=True,
        unique=True,
        search=True,
        aliases=("分队", "分队名称", "中队", "中队名称"),
    )
    is_pilot: Mapped[bool] = col(
        Flag(), _("Pilot"), required=True, default=False, help=_("The squad in which the system is tried first.")
    )


class Department(Named, Record):
    """A department to which cases are referred (协同部门)."""

    __tablename__ = "department"
    __label__ = _("Department")
    __labels__ = _("Departments")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(60),
        _("Name"),
        required=True,
        key=True,
        unique=True,
        search=True,
        aliases=labels.DEPARTMENT_NAME,
    )
    contact: Mapped[str | None] = col(
        PersonName(40),
        _("Contact person"),
        group=CONTACT,
        personal=Personal.WORK,
        inline=True,
        search=True,
        aliases=("联络人", "联络员", "联系人姓名", "对接人"),
    )
    phone: Mapped[str | None] = col(
        Telephone(),
        _("Telephone"),
        group=CONTACT,
        personal=Personal.WORK,
        inline=True,
        below="contact",
        aliases=labels.DEPARTMENT_PHONE,
    )
    sign_limit: Mapped[int] = col(
        Whole(1, 60, measure="工作日"), _("Limit to sign for (working days)"), required=True, default=2, group=RULES
    )
    reply_limit: Mapped[int] = col(
        Whole(1, 250, measure="工作日"), _("Limit to reply (working days)"), required=True, default=10, group=RULES
    )


class Community(Named, Record):
    """A community (社区)."""

    __tablename__ = "community"
    __label__ = _("Community")
    __labels__ = _("Communities")
    __scope__ = Anchor()
    __found_by__ = ("street", "squad")
    __table_args__ = (
        UniqueConstraint("street_id", "name"),
        rule("noise_zone_0_4", "noise_zone BETWEEN 0 AND 4", _("A noise zone is a number from 0 to 4.")),
        rule(
            "not_into_itself",
            "merged_into_id IS NULL OR merged_into_id <> id",
            _("A community can't be merged into itself."),
        ),
        rule("households_not_negative", "households >= 0", _("The number of households can't be negative.")),
    )

    name: Mapped[str] = col(
        Text(60),
        _("Name"),
        required=True,
        key=True,
        search=True,
        index=True,
        aliases=labels.COMMUNITY_NAME,
    )
    street_id: Mapped[int] = col(
        Reference("street"), _("Street"), required=True, key=True, search=True, below="name", aliases=("所属街道",)
    )
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"), search=True, aliases=labels.COMMUNITY_SQUAD)
    status: Mapped[CommunityStatus] = col(
        Choice(CommunityStatus), _("State"), required=True, default=CommunityStatus.ACTIVE
    )
    households: Mapped[int | None] = col(
        Whole(0, 200_000, measure="户"), _("Households"), aliases=("总户数", "居民户数", "常住户数", "住户数")
    )
    address: Mapped[str | None] = col(
        Text(120), _("Address"), search=True, inline=True, aliases=labels.COMMUNITY_ADDRESS
    )
    alias_names: Mapped[str | None] = col(
        Text(ALIASES_LENGTH),
        _("Other names"),
        listed=False,
        search=True,
        aliases=labels.COMMUNITY_ALIAS_NAMES,
        help=_("Other ways people write it, separated by commas; they find this community in imports."),
    )
    dog_key_zone: Mapped[bool] = col(
        Flag(),
        _("Key zone for dogs"),
        required=True,
        default=False,
        group=RULES,
        listed=False,
        aliases=("重点管理区", "犬类重点管理区", "养犬重点区"),
    )
    noise_zone: Mapped[int | None] = col(
        Whole(0, 4),
        _("Noise zone"),
        group=RULES,
        listed=False,
        help=_("0 to 4, as GB 3096 divides them."),
        aliases=("声环境功能区", "声功能区类别", "声环境功能区类别", "噪声功能区"),
    )

    merged_into_id: Mapped[int | None] = col(
        Reference("community"), _("Merged into"), group=OTHER, listed=False, readonly=True
    )
    merged_on: Mapped[date | None] = col(
        Day(), _("Merged on"), group=OTHER, listed=False, readonly=True, below="merged_into"
    )

    street: Mapped[Street] = relationship()
    squad: Mapped[Squad | None] = relationship()
    merged_into: Mapped[Community | None] = relationship(remote_side="Community.id")

    @classmethod
    def offered(cls) -> tuple[ColumnElement[bool], ...]:
        """Those in use; a filter finds the others too."""
        return (cls.status == CommunityStatus.ACTIVE,)

    @classmethod
    def not_offered(cls, name: str) -> Message:
        return _("{name} is no longer in use. Choose another.", name=name)

    @classmethod
    def is_ended(cls, columns: Any) -> ColumnElement[bool] | None:
        closed: ColumnElement[bool] = columns.status == CommunityStatus.CLOSED
        return closed

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse other names that the column can't hold, and bringing a merged community back."""
        if problem := aliases_too_long(self.alias_names):
            yield "alias_names", problem
        if self.merged_into_id is not None and self.status is CommunityStatus.ACTIVE:
            yield "status", _("It was merged into another community and can't be used again.")


def aliases_too_long(aliases: str | None) -> Message | None:
    """The sentence for other names that the column can't hold; None if it can."""
    if len(aliases or "") <= ALIASES_LENGTH:
        return None
    return _("The other names are too long together ({n} characters at most). Shorten them first.", n=ALIASES_LENGTH)
