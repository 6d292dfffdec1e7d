"""The tables of saved views of lists, and of the views that lists open with."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Base, Own, Path, Record
from panel.fields import col
from panel.i18n import _
from panel.kinds import Code, Text
from panel.security.accounts import RoleName

#: Characters of a view's name and of its query.
NAME_LENGTH, QUERY_LENGTH = 40, 2000


class SavedView(Record):
    """The query of a list, saved under a name: as in its address, with filters, columns, order and page size. With a
    `role` it is shared with whoever has that role; else it is its owner's alone."""

    __tablename__ = "savedview"
    __label__ = _("Saved view")
    __labels__ = _("Saved views")
    __scope__: ClassVar[Path] = Own("owner_id", "role")
    __display__ = ("name",)
    __table_args__ = (Index("ix_savedview_list", "table_name", "owner_id", "role"),)

    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    table_name: Mapped[str] = col(Code(40), _("Table"), required=True)
    role: Mapped[str] = col(RoleName(20), _("Shared with"), required=True, default="")
    name: Mapped[str] = col(Text(NAME_LENGTH), _("Name"), required=True)
    #: Not declared, since it may hold names: the audit keeps no clear personal data.
    query: Mapped[str] = mapped_column(String(QUERY_LENGTH), default="")


class DefaultView(Base):
    """The view that a list opens with, for an account, or, without one, for a role."""

    __tablename__ = "defaultview"
    __label__ = _("View that a list opens with")
    __labels__ = _("Views that lists open with")
    __scope__: ClassVar[Path] = Own("owner_id", "role")
    __display__ = ("id",)
    __table_args__ = (UniqueConstraint("table_name", "owner_id"), Index("ix_defaultview_view_id", "view_id"))

    table_name: Mapped[str] = mapped_column(String(40))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    role: Mapped[str] = mapped_column(String(20), default="")
    view_id: Mapped[int] = mapped_column(ForeignKey("savedview.id", ondelete="CASCADE"))

    view: Mapped[SavedView] = relationship()
