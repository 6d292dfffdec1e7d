"""The two checklists, and common phrases."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, UniqueConstraint, and_, exists, or_, select
from sqlalchemy.orm import Mapped, aliased, relationship

from panel.base import Named, Public, Record
from panel.fields import col, rule
from panel.i18n import _
from panel.kinds import Choice, Code, Day, Flag, Reference, Text, Whole, today
from schema import labels
from schema.places import Department
from schema.words import OTHER, RULES, LimitUnit, ListKind, PhraseUse


class ChecklistItem(Named, Record):
    """A version of a checklist item (清单事项). A version that cases refer to is never changed; editing adds the next
    one."""

    __tablename__ = "checklistitem"
    __label__ = _("Checklist item")
    __labels__ = _("Checklist items")
    __scope__ = Public()
    __display__ = ("code", "name")
    __numbered__ = True
    __shared_by_versions__ = "code"
    __order__ = "code"
    __table_args__ = (
        UniqueConstraint("code", "version_no"),
        rule("limit_positive", "limit_value > 0", _("A time limit must be at least 1.")),
        rule("in_force_in_order", "valid_until IS NULL OR valid_until >= valid_from", _("It ends before it begins.")),
    )

    code: Mapped[str] = col(
        Code(20),
        _("Code"),
        required=True,
        key=True,
        search=True,
        index=True,
        aliases=("事项编码", "事项代码", "事项编号"),
    )
    name: Mapped[str] = col(
        Text(80), _("Name"), required=True, search=True, aliases=("事项", "事项名称", "事项内容"), index=True
    )
    other_words: Mapped[str | None] = col(
        Text(300, lines=2),
        _("Other words"),
        search=True,
        listed=False,
        help=_("What people call it, such as 僵尸车、旧车. Searches and suggestions find the item by these words."),
        aliases=("别名", "俗称", "其他叫法", "关键词", "常用说法"),
    )
    list_kind: Mapped[ListKind] = col(
        Choice(ListKind), _("List"), required=True, aliases=labels.CHECKLISTITEM_LIST_KIND
    )
    category: Mapped[str | None] = col(
        Text(20), _("Category"), search=True, aliases=("事项类别", "事项分类", "分类", "事项类型")
    )
    legal_basis: Mapped[str | None] = col(
        Text(300, lines=2),
        _("Legal basis"),
        listed=False,
        help=_("As a reference for staff; check the text in force."),
        aliases=labels.CHECKLISTITEM_LEGAL_BASIS,
    )
    department_id: Mapped[int | None] = col(
        Reference("department"),
        _("Lead department"),
        help=_("Empty: the bureau itself."),
        aliases=labels.CHECKLISTITEM_DEPARTMENT,
    )
    limit_value: Mapped[int] = col(
        Whole(1, 1000, unit_field="limit_unit"),
        _("Time limit"),
        required=True,
        group=RULES,
        aliases=labels.CHECKLISTITEM_LIMIT_VALUE,
    )
    limit_unit: Mapped[LimitUnit] = col(
        Choice(LimitUnit),
        _("Unit of the limit"),
        required=True,
        default=LimitUnit.WORKING_DAY,
        group=RULES,
        below="limit_value",
    )
    needs_measurement: Mapped[bool] = col(
        Flag(),
        _("To be measured"),
        required=True,
        default=False,
        group=RULES,
        listed=False,
        aliases=("检测", "需要检测", "需要监测"),
    )
    mediable: Mapped[bool] = col(
        Flag(),
        _("May be mediated"),
        required=True,
        default=False,
        group=RULES,
        listed=False,
        aliases=("能否调解", "可否调解", "适用调解"),
    )
    version_no: Mapped[int] = col(Whole(1, 9999), _("Version"), required=True, default=1, readonly=True, group=OTHER)
    valid_from: Mapped[date | None] = col(
        Day(), _("In force from"), group=OTHER, listed=False, aliases=("生效", "启用时间", "实施时间", "施行时间")
    )
    valid_until: Mapped[date | None] = col(
        Day(), _("In force until"), group=OTHER, listed=False, aliases=("失效", "停用时间", "废止时间")
    )

    department: Mapped[Department | None] = relationship()

    @classmethod
    def in_force(cls, day: date) -> tuple[ColumnElement[bool], ...]:
        """Conditions of the versions in force on a day: begun, not ended, and no newer one has begun."""
        newer = aliased(cls)
        begun = or_(newer.valid_from.is_(None), newer.valid_from <= day)
        replaced = exists(select(newer.id).where(newer.code == cls.code, newer.version_no > cls.version_no, begun))
        return (
            or_(cls.valid_from.is_(None), cls.valid_from <= day),
            or_(cls.valid_until.is_(None), cls.valid_until >= day),
            ~replaced,
        )

    @classmethod
    def offered(cls) -> tuple[ColumnElement[bool], ...]:
        return cls.in_force(today())

    @classmethod
    def is_ended(cls, columns: Any) -> ColumnElement[bool] | None:
        """Versions that are over, or replaced by a newer one that has begun."""
        newer, day = cls.__table__.alias("newer").c, today()
        begun = or_(newer.valid_from.is_(None), newer.valid_from <= day)
        replaced = exists(
            select(newer.id).where(newer.code == columns.code, newer.version_no > columns.version_no, begun)
        )
        return or_(and_(columns.valid_until.is_not(None), columns.valid_until < day), replaced)

    @classmethod
    def offered_to_filters(cls) -> tuple[ColumnElement[bool], ...]:
        """The newest version of each item, in force or not."""
        newer = aliased(cls)
        return (~exists(select(newer.id).where(newer.code == cls.code, newer.version_no > cls.version_no)),)


class Phrase(Named, Record):
    """A common phrase (常用意见), offered in the forms of steps."""

    __tablename__ = "phrase"
    __label__ = _("Common phrase")
    __labels__ = _("Common phrases")
    __scope__ = Public()

    name: Mapped[str] = col(Text(40), _("Name"), required=True, key=True, unique=True, search=True)
    use: Mapped[PhraseUse] = col(Choice(PhraseUse), _("Used for"), required=True, default=PhraseUse.FEEDBACK)
    words: Mapped[str] = col(Text(500, lines=3), _("Words"), required=True, search=True)
