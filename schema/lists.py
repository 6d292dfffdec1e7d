"""The two checklists, and common phrases."""

from __future__ import annotations

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from panel.base import Named, Public, Record
from panel.fields import col, rule
from panel.i18n import _
from panel.kinds import Choice, Code, Day, Flag, Reference, Text, Whole
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
    __order__ = "code"
    __table_args__ = (
        UniqueConstraint("code", "version_no"),
        rule("limit_positive", "limit_value > 0", _("A time limit must be at least 1.")),
        rule("in_force_in_order", "valid_until IS NULL OR valid_until >= valid_from", _("It ends before it begins.")),
    )

    code: Mapped[str] = col(
        Code(20), _("Code"), required=True, key=True, search=True, index=True, aliases=("事项编码",)
    )
    name: Mapped[str] = col(Text(80), _("Name"), required=True, search=True, aliases=("事项", "事项名称"), index=True)
    list_kind: Mapped[ListKind] = col(Choice(ListKind), _("List"), required=True, aliases=("清单", "清单类别"))
    category: Mapped[str | None] = col(Text(20), _("Category"), search=True)
    legal_basis: Mapped[str | None] = col(
        Text(300, lines=2), _("Legal basis"), listed=False, help=_("As a reference for staff; check the text in force.")
    )
    department_id: Mapped[int | None] = col(
        Reference("department"), _("Lead department"), help=_("Empty: the bureau itself.")
    )
    limit_value: Mapped[int] = col(
        Whole(1, 1000, unit_field="limit_unit"), _("Time limit"), required=True, group=RULES, aliases=("时限",)
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
        Flag(), _("To be measured"), required=True, default=False, group=RULES, listed=False
    )
    mediable: Mapped[bool] = col(Flag(), _("May be mediated"), required=True, default=False, group=RULES, listed=False)
    version_no: Mapped[int] = col(Whole(1, 9999), _("Version"), required=True, default=1, readonly=True, group=OTHER)
    valid_from: Mapped[date | None] = col(Day(), _("In force from"), group=OTHER, listed=False, aliases=("生效",))
    valid_until: Mapped[date | None] = col(Day(), _("In force until"), group=OTHER, listed=False, aliases=("失效",))

    department: Mapped[Department | None] = relationship()


class Phrase(Named, Record):
    """A common phrase (常用意见), offered in the forms of steps."""

    __tablename__ = "phrase"
    __label__ = _("Common phrase")
    __labels__ = _("Common phrases")
    __scope__ = Public()

    name: Mapped[str] = col(Text(40), _("Name"), required=True, key=True, unique=True, search=True)
    use: Mapped[PhraseUse] = col(Choice(PhraseUse), _("Used for"), required=True, default=PhraseUse.FEEDBACK)
    words: Mapped[str] = col(Text(500, lines=3), _("Words"), required=True, search=True)
