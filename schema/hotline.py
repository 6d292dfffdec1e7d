"""Orders of the 12345 hotline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Mapped, Session, relationship

from panel.base import Record, Via
from panel.fields import col
from panel.i18n import Message, _
from panel.kinds import Code, Flag, Moment, Reference, Text, Whole, now
from schema import labels
from schema.cases import Case
from schema.places import Community
from schema.words import HANDLING, OTHER, PLACE


class HotlineOrder(Record):
    """A work order of the 12345 hotline (工单) as it was received. What is done about it stands on its case."""

    __tablename__ = "hotlineorder"
    __label__ = _("12345 order")
    __labels__ = _("12345 orders")
    __scope__ = Via("case_id")
    __display__ = ("order_no",)
    __order__ = "-sent_at"

    order_no: Mapped[str] = col(
        Code(40), _("Order no."), required=True, key=True, unique=True, search=True, aliases=labels.CASE_HOTLINE_NO
    )
    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True, below="order_no")
    kind: Mapped[str | None] = col(
        Text(40), _("Kind of order"), search=True, aliases=("诉求类型", "工单类别", "诉求类别", "工单分类")
    )
    title: Mapped[str | None] = col(
        Text(80), _("Subject"), search=True, aliases=("诉求标题", "工单标题", "标题", "主题", "诉求主题")
    )
    content: Mapped[str] = col(
        Text(2000, lines=4),
        _("What is asked for"),
        required=True,
        search=True,
        listed=False,
        aliases=labels.ORDER_CONTENT,
    )
    community_id: Mapped[int] = col(Reference("community"), _("Community"), search=True, required=True, group=PLACE)
    place: Mapped[str | None] = col(
        Text(120), _("Place"), search=True, group=PLACE, below="community", aliases=labels.ORDER_PLACE
    )
    called_at: Mapped[datetime | None] = col(
        Moment(), _("Called at"), group=HANDLING, listed=False, aliases=labels.ORDER_CALLED_AT
    )
    sent_at: Mapped[datetime] = col(
        Moment(), _("Sent to us at"), required=True, group=HANDLING, index=True, aliases=labels.ORDER_SENT_AT
    )
    sign_by: Mapped[datetime | None] = col(
        Moment(), _("To be signed by"), group=HANDLING, aliases=("签收截止时间", "应签收时间", "签收期限")
    )
    reply_by: Mapped[datetime | None] = col(
        Moment(), _("To be answered by"), group=HANDLING, index=True, aliases=labels.ORDER_REPLY_BY
    )
    #: Set by the step that accepts, rejects or merges the case.
    signed_at: Mapped[datetime | None] = col(Moment(), _("Signed at"), group=HANDLING, readonly=True)
    #: Set when the reply is first written into a reply file.
    replied_at: Mapped[datetime | None] = col(Moment(), _("Answered at"), group=HANDLING, readonly=True)
    returns: Mapped[int] = col(Whole(0, 99), _("Times sent back"), required=True, default=0, group=OTHER, readonly=True)
    return_reason: Mapped[str | None] = col(
        Text(500, lines=2), _("Why it was sent back"), group=OTHER, readonly=True, listed=False
    )
    #: Undoing the import of the order voids a case that it made, and leaves one that was there before.
    made_case: Mapped[bool] = col(
        Flag(), _("Its case was made with it"), required=True, default=False, group=OTHER, readonly=True, listed=False
    )

    case: Mapped[Case] = relationship()
    community: Mapped[Community] = relationship()

    @staticmethod
    def wrong_times(values: Mapping[str, Any]) -> Iterator[tuple[str, Message]]:
        """What is wrong with the times of an order, by column."""
        sent = values.get("sent_at")
        if sent is not None and sent > now():
            yield "sent_at", _("This time is still to come.")
        for name in ("sign_by", "reply_by"):
            limit = values.get(name)
            if limit is not None and sent is not None and limit < sent:
                yield name, _("The limit is over before the order was sent. Check the two times.")

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        yield from self.wrong_times({"sent_at": self.sent_at, "sign_by": self.sign_by, "reply_by": self.reply_by})
        if self.id is not None and inspect(self).attrs.case_id.history.has_changes():
            yield "case", _("An order stays with its case.")
