"""Referrals to other departments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Index, inspect, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from panel.base import Record, Via
from panel.fields import col, many, rule
from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Code, Day, Moment, Reference, Text, Whole, now, today
from schema import labels, locks
from schema.attachments import Attachment
from schema.cases import Case
from schema.places import Department
from schema.words import DATES, RESULT, ReferralKind, ReferralStatus

JOINT_WITHOUT_DAY = _("A joint action needs its day.")
JOINT_TO_COME = _("This day is still to come: note the joint action as planned.")


class JointState(Choices):
    """Whether a joint action is planned or was carried out."""

    PLANNED = "planned", _("Planned"), "warn", "计划 拟开展 待开展"
    DONE = "done", _("Carried out"), "good", "已开展 已完成 完成 已联合行动"


class Referral(Record):
    """A referral to another department (移送协同). Steps of the case send it and record the reply."""

    __tablename__ = "referral"
    __label__ = _("Referral")
    __labels__ = _("Referrals")
    __scope__ = Via("case_id")
    __display__ = ("document_no", "department")
    __numbered__ = True
    __order__ = "-sent_at"
    __locked__ = (locks.OF_ENDED_ALONE,)
    __table_args__ = (
        Index(
            "uq_referral_open",
            "case_id",
            "department_id",
            unique=True,
            sqlite_where=text("status IN ('sent', 'signed')"),
            postgresql_where=text("status IN ('sent', 'signed')"),
            info={"message": _("This case already has an open referral to this department.")},
        ),
        rule(
            "signed_after_sent",
            "signed_at IS NULL OR signed_at >= sent_at",
            _("It can't be signed for before it was sent."),
        ),
        rule(
            "reply_has_text",
            "status <> 'replied' OR (replied_at IS NOT NULL AND reply IS NOT NULL)",
            _("A replied referral needs the time and the text of the reply."),
        ),
        rule(
            "return_has_reason",
            "status <> 'returned' OR return_reason IS NOT NULL",
            _("A returned referral needs the reason."),
        ),
        rule(
            "joint_state_has_day",
            "joint_state IS NULL OR joint_on IS NOT NULL",
            JOINT_WITHOUT_DAY,
            field="joint_on",
        ),
    )

    document_no: Mapped[str | None] = col(
        Code(40),
        _("Document no."),
        key=True,
        unique=True,
        search=True,
        aliases=labels.REFERRAL_DOCUMENT_NO,
    )
    case_id: Mapped[int] = col(
        Reference("case"), _("Case no."), search=True, required=True, key=True, aliases=("案件编号", "案号", "案件号")
    )
    department_id: Mapped[int] = col(
        Reference("department"),
        _("Department"),
        search=True,
        required=True,
        key=True,
        aliases=labels.REFERRAL_DEPARTMENT,
    )
    kind: Mapped[ReferralKind] = col(
        Choice(ReferralKind),
        _("Kind of referral"),
        required=True,
        default=ReferralKind.TRANSFER,
        aliases=("类别", "移送类型", "移送类别", "移送方式"),
        locked=locks.ANSWERED,
    )
    status: Mapped[ReferralStatus] = col(
        Choice(ReferralStatus), _("State"), required=True, default=ReferralStatus.SENT, readonly=True
    )
    request: Mapped[str | None] = col(
        Text(1000, lines=3), _("What is asked"), listed=False, aliases=labels.REFERRAL_REQUEST, locked=locks.ANSWERED
    )
    sent_at: Mapped[datetime] = col(
        Moment(),
        _("Sent at"),
        readonly=True,
        required=True,
        default=now,
        index=True,
        group=DATES,
        aliases=labels.REFERRAL_SENT_AT,
    )
    sign_due_at: Mapped[datetime | None] = col(
        Moment(), _("To be signed for by"), readonly=True, group=DATES, listed=False, aliases=("应签收",)
    )
    signed_at: Mapped[datetime | None] = col(
        Moment(),
        _("Signed for at"),
        readonly=True,
        group=DATES,
        listed=False,
        aliases=("签收", "接收时间", "收件时间", "收函时间"),
    )
    reply_due_at: Mapped[datetime | None] = col(
        Moment(), _("Reply due"), readonly=True, group=DATES, index=True, aliases=("应反馈",)
    )
    replied_at: Mapped[datetime | None] = col(
        Moment(),
        _("Replied at"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=("反馈", "回复时间", "答复时间", "回函时间"),
    )
    return_reason: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Reason for return"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=("退回理由", "退件原因", "退回情况"),
    )
    reply: Mapped[str | None] = col(
        Text(1000, lines=3),
        _("Reply"),
        readonly=True,
        group=RESULT,
        listed=False,
        aliases=labels.REFERRAL_REPLY,
    )
    joint_on: Mapped[date | None] = col(
        Day(), _("Joint action on"), group=RESULT, listed=False, aliases=("联合执法时间", "联合行动时间")
    )
    joint_state: Mapped[JointState | None] = col(
        Choice(JointState), _("State of the joint action"), group=RESULT, listed=False, below="joint_on"
    )
    joint_members: Mapped[str | None] = col(
        Text(300, lines=2),
        _("Who takes part"),
        group=RESULT,
        listed=False,
        aliases=("参加单位", "参与单位", "参加部门"),
    )
    quantity: Mapped[int | None] = col(
        Whole(0, 100_000, unit_field="quantity_unit"), _("Quantity achieved"), group=RESULT, listed=False
    )
    quantity_unit: Mapped[str | None] = col(
        Text(20), _("Unit of the quantity"), group=RESULT, listed=False, below="quantity"
    )
    #: Attachments of its case that go with the paper, and other papers by name, one a line.
    enclosures: Mapped[list[Attachment]] = many(
        "attachment", _("Attachments enclosed"), group=RESULT, listed=False, readonly=True, filter=False
    )
    other_enclosures: Mapped[str | None] = col(
        Text(500, lines=3),
        _("Other papers enclosed"),
        group=RESULT,
        listed=False,
        readonly=True,
        help=_("One paper a line, for example 现场检查笔录 1 份."),
    )
    urged_count: Mapped[int] = col(
        Whole(0, 1000), _("Times chased"), required=True, default=0, readonly=True, group=DATES, listed=False
    )
    urged_at: Mapped[datetime | None] = col(
        Moment(), _("Last chased"), readonly=True, group=DATES, listed=False, below="urged_count"
    )

    #: The number was given by the panel, in the series of its kind and year.
    in_series: Mapped[bool] = mapped_column(default=False)

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship()

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Refuse a change of case, department, kind or a number of the series: the state of the case, the series and
        the paper that was sent depend on them. A joint action that is still to come can't have been carried out."""
        state = inspect(self)
        if state.persistent:
            for name in ("case", "department"):
                if state.attrs[f"{name}_id"].history.has_changes():
                    yield name, _("A referral stays with its case and department.")
            if state.attrs.kind.history.has_changes():
                yield "kind", _("The kind stays: number and deadlines follow from it. Send another referral.")
            if self.in_series and state.attrs.document_no.history.has_changes():
                yield "document_no", _("This number belongs to a series without gaps: it stays.")
        if self.joint_state is not None and self.joint_on is None:
            yield "joint_on", JOINT_WITHOUT_DAY
        if self.joint_state is JointState.DONE and self.joint_on is not None and self.joint_on > today():
            yield "joint_on", JOINT_TO_COME
