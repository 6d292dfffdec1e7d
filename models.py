"""The bureau's relational schema: every table and column, once. Tables in the order a reader meets them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint, inspect, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship
from sqlalchemy.types import TypeEngine

from panel.accounts import User
from panel.base import Anchor, Base, Named, Public, Record, Via
from panel.fields import Personal, col, rule
from panel.kinds import (
    Amount,
    Choice,
    Choices,
    Code,
    Data,
    Day,
    Flag,
    Label,
    Mobile,
    Moment,
    PersonName,
    Place,
    Reference,
    Telephone,
    Text,
    Whole,
    now,
    today,
)
from panel.text import Message, _

# Groups of a form, in the words people use.
CONTACT = _("Contact")
TERM = _("Term")
DATES = _("Dates")
PLACE = _("Place")
RULES = _("Rules")
HANDLING = _("Handling")
RESULT = _("Result")
OTHER = _("Other")


class Gender(Choices):
    MALE = "male", _("Male")
    FEMALE = "female", _("Female")


class CommunityStatus(Choices):
    ACTIVE = "active", _("In use"), "good"
    CLOSED = "closed", _("Merged or closed"), ""


class OfficerKind(Choices):
    OFFICER = "officer", _("Enforcement officer"), "brand"
    #: Auxiliary staff can't decide a penalty.
    AUXILIARY = "auxiliary", _("Auxiliary"), ""


class ListKind(Choices):
    ENFORCEMENT = "enforcement", _("Enforcement list"), "brand", ("执法",)
    SERVICE = "service", _("Service list"), "good", ("服务",)


class LimitUnit(Choices):
    WORKING_DAY = "d", _("working days")
    OFFICE_HOUR = "h", _("office hours")
    CLOCK_HOUR = "eh", _("clock hours")


class Source(Choices):
    LIAISON = "liaison", _("Reported by the liaison")
    RESIDENT = "resident", _("Resident's complaint")
    PATROL = "patrol", _("Found on patrol")
    VISIT = "visit", _("Found on a visit")
    HOTLINE = "12345", _("12345 hotline")
    SUPERIOR = "superior", _("Assigned from above")
    OTHER = "other", _("Other")


class Urgency(Choices):
    NORMAL = "normal", _("Normal"), ""
    URGENT = "urgent", _("Urgent"), "bad"


class CaseStatus(Choices):
    REPORTED = "reported", _("Reported"), "warn"
    ACCEPTED = "accepted", _("To dispatch"), "warn"
    DISPATCHED = "dispatched", _("Dispatched"), "brand"
    HANDLING = "handling", _("Being handled"), "brand"
    REFERRED = "referred", _("Referred"), "warn"
    MEDIATING = "mediating", _("In mediation"), "warn"
    SUSPENDED = "suspended", _("Suspended"), ""
    HANDLED = "handled", _("To verify"), "brand"
    VERIFIED = "verified", _("To feed back"), "brand"
    CLOSED = "closed", _("Closed"), "good"
    REJECTED = "rejected", _("Rejected"), ""
    MERGED = "merged", _("Merged"), ""
    VOIDED = "voided", _("Voided"), ""


#: Cases in these states are finished; all others are open.
ENDED = (CaseStatus.CLOSED, CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)


class Outcome(Choices):
    PERSUASION = "persuasion", _("Persuasion")
    EDUCATION = "education", _("Education")
    RECTIFICATION = "rectification", _("Ordered to rectify")
    CLEARED = "cleared", _("Cleared on site")
    ASSISTED = "assisted", _("Assisted")
    JOINT = "joint", _("Joint action")
    MEDIATED = "mediated", _("Mediated")
    FINED = "fined", _("Penalty on the spot")
    FILED = "filed", _("Filed for penalty")
    UNFOUNDED = "unfounded", _("Unfounded")
    OTHER = "other", _("Other")


class PartyRole(Choices):
    COMPLAINANT = "complainant", _("Complainant"), "brand"
    RESPONDENT = "respondent", _("Respondent"), "warn"
    WITNESS = "witness", _("Witness"), ""


class ActionKind(Choices):
    PERSUASION = "persuasion", _("Persuasion")
    EDUCATION = "education", _("Education")
    RECTIFICATION = "rectification", _("Ordered to rectify")
    CLEARING = "clearing", _("Cleared on site")
    ASSISTANCE = "assistance", _("Assisted")
    INSPECTION = "inspection", _("Inspection")
    FINE = "fine", _("Penalty on the spot")
    FILING = "filing", _("Filed for penalty")


class ReferralKind(Choices):
    TRANSFER = "transfer", _("Transfer")
    NOTICE = "notice", _("Notice in copy")
    JOINT = "joint", _("Joint coordination")


class ReferralStatus(Choices):
    SENT = "sent", _("To sign for"), "warn"
    SIGNED = "signed", _("Signed for"), "brand"
    REPLIED = "replied", _("Replied"), "good"
    RETURNED = "returned", _("Returned"), "bad"


class FeedbackTarget(Choices):
    LIAISON = "liaison", _("Liaison"), "brand"
    COMPLAINANT = "complainant", _("Complainant"), ""


class FeedbackChannel(Choices):
    PHONE = "phone", _("By telephone")
    VISIT = "visit", _("In person")
    MESSAGE = "message", _("By message")
    OTHER = "other", _("Other")


class Satisfaction(Choices):
    SATISFIED = "satisfied", _("Satisfied"), "good"
    FAIRLY = "fairly", _("Fairly satisfied"), "good"
    UNSATISFIED = "unsatisfied", _("Unsatisfied"), "bad"
    UNREACHED = "unreached", _("Not reached"), ""


class Basis(Choices):
    """Which cases a monthly ledger lists: those accepted in the month, or those closed in it."""

    ACCEPTED = "accepted", _("By acceptance")
    CLOSED = "closed", _("By closing")


class StepName(Label):
    """A step by its stored name; the steps themselves are declared in casework."""

    labels: ClassVar[dict[str, Message]] = {}


class WorkingDay(Flag):
    """Whether one works, also as the yearly notice says it."""

    YES = Flag.YES | {"上班", "班", "补班", "调休上班", "工作日"}
    NO = Flag.NO | {"放假", "休", "休息", "休息日", "节假日", "法定节假日"}


class FromState(Choice):
    """A case's state beside another one in the same table, where each CHECK needs a name of its own."""

    def sql(self) -> TypeEngine[Any]:
        states = super().sql()
        states.name = "from_state"  # type: ignore[attr-defined]
        return states


class Street(Named, Record):
    """街道."""

    __tablename__ = "street"
    __label__ = _("Street")
    __labels__ = _("Streets")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(40), _("Name"), required=True, key=True, unique=True, search=True, aliases=("街道", "街道名称")
    )
    code: Mapped[str | None] = col(Code(20), _("Code"), unique=True, search=True, aliases=("代码", "街道代码"))


class Squad(Named, Record):
    """分队."""

    __tablename__ = "squad"
    __label__ = _("Squad")
    __labels__ = _("Squads")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(40), _("Name"), required=True, key=True, unique=True, search=True, aliases=("分队", "分队名称")
    )
    is_pilot: Mapped[bool] = col(
        Flag(), _("Pilot"), required=True, default=False, help=_("The squad in which the system is tried first.")
    )


class Department(Named, Record):
    """协同部门: to whom what is not our power is referred."""

    __tablename__ = "department"
    __label__ = _("Department")
    __labels__ = _("Departments")
    __scope__ = Public()

    name: Mapped[str] = col(
        Text(60), _("Name"), required=True, key=True, unique=True, search=True, aliases=("部门", "部门名称", "协同部门")
    )
    contact: Mapped[str | None] = col(
        PersonName(40), _("Contact person"), group=CONTACT, personal=Personal.WORK, search=True
    )
    phone: Mapped[str | None] = col(
        Telephone(), _("Telephone"), group=CONTACT, personal=Personal.WORK, below="contact", aliases=("联系电话",)
    )
    sign_limit: Mapped[int] = col(
        Whole(1, 60), _("Limit to sign for (working days)"), required=True, default=2, group=RULES
    )
    reply_limit: Mapped[int] = col(
        Whole(1, 250), _("Limit to reply (working days)"), required=True, default=10, group=RULES
    )


class Community(Named, Record):
    """社区."""

    __tablename__ = "community"
    __label__ = _("Community")
    __labels__ = _("Communities")
    __scope__ = Anchor()
    __table_args__ = (
        UniqueConstraint("street_id", "name"),
        rule("noise_zone_0_4", "noise_zone BETWEEN 0 AND 4", _("A noise zone is a number from 0 to 4.")),
        rule("households_not_negative", "households >= 0", _("The number of households can't be negative.")),
    )

    name: Mapped[str] = col(
        Text(60), _("Name"), required=True, key=True, search=True, index=True, aliases=("社区", "社区名称")
    )
    street_id: Mapped[int] = col(
        Reference("street"), _("Street"), required=True, key=True, below="name", aliases=("所属街道",)
    )
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"), aliases=("所属分队",))
    status: Mapped[CommunityStatus] = col(
        Choice(CommunityStatus), _("State"), required=True, default=CommunityStatus.ACTIVE
    )
    households: Mapped[int | None] = col(Whole(0, 200_000), _("Households"), aliases=("总户数",))
    address: Mapped[str | None] = col(Text(120), _("Address"), search=True)
    alias_names: Mapped[str | None] = col(
        Text(200),
        _("Other names"),
        listed=False,
        search=True,
        aliases=("别名",),
        help=_("Other ways people write it, separated by 、; they find this community in imports."),
    )
    dog_key_zone: Mapped[bool] = col(
        Flag(), _("Key zone for dogs"), required=True, default=False, group=RULES, listed=False
    )
    noise_zone: Mapped[int | None] = col(
        Whole(0, 4), _("Noise zone"), group=RULES, listed=False, help=_("0 to 4, as GB 3096 divides them.")
    )

    street: Mapped[Street] = relationship()
    squad: Mapped[Squad | None] = relationship()


class Liaison(Named, Record):
    """社区联络员: community staff. A successor is a new row; the predecessor's is end-dated."""

    __tablename__ = "liaison"
    __label__ = _("Liaison")
    __labels__ = _("Liaisons")
    __scope__ = Via("community_id")
    __table_args__ = (
        rule("term_in_order", "end_on IS NULL OR end_on >= start_on", _("The term ends before it begins.")),
        Index(
            "uq_liaison_active",
            "community_id",
            unique=True,
            sqlite_where=text("end_on IS NULL"),
            postgresql_where=text("end_on IS NULL"),
            info={
                "message": _(
                    "This community already has an active liaison. Enter an end date for the predecessor first."
                )
            },
        ),
    )

    name: Mapped[str] = col(
        PersonName(), _("Person's name"), required=True, key=True, search=True, aliases=("联络员", "联络员姓名")
    )
    gender: Mapped[Gender | None] = col(Choice(Gender), _("Gender"), listed=False)
    community_id: Mapped[int] = col(Reference("community"), _("Community"), required=True, key=True)
    post: Mapped[str | None] = col(Text(40), _("Post"), below="name")
    mobile: Mapped[str | None] = col(
        Mobile(),
        _("Mobile"),
        group=CONTACT,
        personal=Personal.WORK,
        search=True,
        index=True,
        aliases=("手机号", "手机号码", "联系电话", "移动电话"),
    )
    telephone: Mapped[str | None] = col(
        Telephone(), _("Office telephone"), group=CONTACT, personal=Personal.WORK, below="mobile", aliases=("固定电话",)
    )
    start_on: Mapped[date] = col(
        Day(),
        _("Start of term"),
        required=True,
        group=TERM,
        default=today,
        aliases=("任职时间", "开始日期"),
        help=_("A new liaison without a date starts today."),
    )
    end_on: Mapped[date | None] = col(
        Day(),
        _("End of term"),
        group=TERM,
        help=_("Empty while in office. Never overwrite: end-date, then add the successor."),
    )
    user_id: Mapped[int | None] = col(
        Reference("user"), _("Account"), group=OTHER, listed=False, unique=True, help=_("With what they log in.")
    )
    note: Mapped[str | None] = col(Text(300, lines=3), _("Remark"), group=OTHER, listed=False)

    community: Mapped[Community] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])


class Officer(Named, Record):
    """执法队员."""

    __tablename__ = "officer"
    __label__ = _("Officer")
    __labels__ = _("Officers")
    __scope__ = Anchor()

    name: Mapped[str] = col(
        PersonName(), _("Person's name"), required=True, key=True, search=True, aliases=("队员", "队员姓名")
    )
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"), key=True)
    kind: Mapped[OfficerKind] = col(Choice(OfficerKind), _("Kind"), required=True, default=OfficerKind.OFFICER)
    badge_no: Mapped[str | None] = col(
        Code(30), _("Badge no."), key=True, unique=True, search=True, aliases=("证号", "执法证编号")
    )
    badge_until: Mapped[date | None] = col(Day(), _("Badge valid until"), below="badge_no")
    mobile: Mapped[str | None] = col(
        Mobile(),
        _("Mobile"),
        group=CONTACT,
        personal=Personal.WORK,
        search=True,
        aliases=("手机号", "手机号码", "联系电话", "移动电话"),
    )
    active: Mapped[bool] = col(Flag(), _("In service"), required=True, default=True, group=OTHER)
    user_id: Mapped[int | None] = col(
        Reference("user"), _("Account"), group=OTHER, listed=False, unique=True, help=_("With what they log in.")
    )

    squad: Mapped[Squad | None] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])


class Assignment(Record):
    """联居派驻: which officer visits which community, from when to when. One a community a day."""

    __tablename__ = "assignment"
    __label__ = _("Assignment")
    __labels__ = _("Assignments")
    __scope__ = Via("community_id")
    __display__ = ("community", "officer")
    __table_args__ = (
        rule("term_in_order", "end_on IS NULL OR end_on >= start_on", _("The term ends before it begins.")),
        Index(
            "uq_assignment_open",
            "community_id",
            unique=True,
            sqlite_where=text("end_on IS NULL"),
            postgresql_where=text("end_on IS NULL"),
            info={
                "message": _("This community already has an officer without an end date. End that assignment first.")
            },
        ),
    )

    community_id: Mapped[int] = col(Reference("community"), _("Community"), required=True, key=True)
    officer_id: Mapped[int] = col(Reference("officer"), _("Officer"), required=True, key=True, aliases=("联居队员",))
    start_on: Mapped[date] = col(
        Day(), _("From"), required=True, key=True, default=today, index=True, group=TERM, aliases=("起始时间",)
    )
    end_on: Mapped[date | None] = col(
        Day(), _("Until"), group=TERM, help=_("Empty while it goes on."), aliases=("结束时间", "离任时间")
    )

    community: Mapped[Community] = relationship()
    officer: Mapped[Officer] = relationship()

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Two assignments of a community may not overlap."""
        if self.start_on is None or (self.end_on is not None and self.end_on < self.start_on):
            return
        clash = select(Assignment.id).where(
            Assignment.community_id == self.community_id,
            or_(Assignment.end_on.is_(None), Assignment.end_on >= self.start_on),
        )
        if self.end_on is not None:
            clash = clash.where(Assignment.start_on <= self.end_on)
        if self.id is not None:
            clash = clash.where(Assignment.id != self.id)
        with session.no_autoflush:
            if session.execute(clash.limit(1), execution_options={"unscoped": True}).first():
                yield "start_on", _("Another officer is assigned to this community in that time.")


class ChecklistItem(Named, Record):
    """清单事项 of one of the two lists. A version in use is never changed: it gets a next version."""

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
    limit_value: Mapped[int] = col(Whole(1, 1000), _("Time limit"), required=True, group=RULES, aliases=("时限",))
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


class Case(Record):
    """案件: a resident's problem from report to feedback. Its state is changed by steps alone."""

    __tablename__ = "case"
    __label__ = _("Case")
    __labels__ = _("Cases")
    __scope__ = Anchor()
    __display__ = ("case_no",)
    __order__ = "-reported_at"
    __table_args__ = (
        Index("ix_case_status_due_at", "status", "due_at"),
        Index("ix_case_status_reported_at", "status", "reported_at"),
        Index("ix_case_community_id_status", "community_id", "status"),
        rule(
            "accepted_after_report",
            "accepted_at IS NULL OR historic OR accepted_at >= reported_at",
            _("It can't be accepted before it was reported."),
        ),
        rule(
            "accepted_has_item",
            "historic OR accepted_at IS NULL OR item_id IS NOT NULL",
            _("An accepted case needs a checklist item."),
        ),
        rule(
            "dispatched_has_handler",
            "historic OR status NOT IN ('dispatched', 'handling', 'handled', 'verified') OR handler_id IS NOT NULL",
            _("A dispatched case needs a handler."),
        ),
        rule(
            "closed_has_time",
            "historic OR status <> 'closed' OR closed_at IS NOT NULL",
            _("A closed case needs the time of closing."),
        ),
        rule(
            "merged_has_master",
            "historic OR status <> 'merged' OR master_id IS NOT NULL",
            _("A merged case needs its master case."),
        ),
        rule("not_its_own_master", "master_id IS NULL OR master_id <> id", _("A case can't be merged into itself.")),
        rule("quantity_not_negative", "quantity >= 0", _("A quantity can't be negative.")),
    )

    case_no: Mapped[str] = col(
        Code(20), _("Case no."), required=True, key=True, unique=True, search=True, readonly=True
    )
    title: Mapped[str | None] = col(
        Text(80),
        _("Title"),
        search=True,
        listed=False,
        help=_("What it is about, in a few words; taken from the description if left empty."),
    )
    status: Mapped[CaseStatus] = col(
        Choice(CaseStatus), _("State"), required=True, default=CaseStatus.REPORTED, readonly=True
    )
    reported_at: Mapped[datetime] = col(
        Moment(),
        _("Reported at"),
        required=True,
        default=now,
        index=True,
        below="case_no",
        aliases=("上报时间", "发生时间"),
    )
    source: Mapped[Source] = col(Choice(Source), _("Source"), required=True, below="case_no")
    community_id: Mapped[int] = col(Reference("community"), _("Community"), required=True, group=PLACE)
    place: Mapped[str | None] = col(Text(120), _("Place"), search=True, group=PLACE, below="community")
    item_id: Mapped[int | None] = col(
        Reference("checklistitem"),
        _("Checklist item"),
        aliases=("事项", "事项名称"),
        help=_("Fixes the list and the time limit."),
    )
    description: Mapped[str] = col(
        Text(2000, lines=4), _("Description"), required=True, search=True, aliases=("描述", "问题描述")
    )
    urgency: Mapped[Urgency] = col(Choice(Urgency), _("Urgency"), required=True, default=Urgency.NORMAL, listed=False)
    liaison_id: Mapped[int | None] = col(
        Reference("liaison"), _("Liaison"), group=PLACE, listed=False, aliases=("联络员",)
    )
    lead_officer_id: Mapped[int | None] = col(
        Reference("officer"), _("Lead officer"), group=HANDLING, aliases=("主办",)
    )
    #: Whom an old ledger names, where no officer is called so.
    lead_name: Mapped[str | None] = col(
        PersonName(), _("Lead officer as written"), group=HANDLING, readonly=True, listed=False
    )
    handler_id: Mapped[int | None] = col(
        Reference("officer"), _("Handler"), group=HANDLING, below="lead_officer", readonly=True, aliases=("承办",)
    )
    accepted_at: Mapped[datetime | None] = col(
        Moment(), _("Accepted at"), group=HANDLING, readonly=True, listed=False, index=True
    )
    due_at: Mapped[datetime | None] = col(
        Moment(), _("Due"), group=HANDLING, readonly=True, index=True, aliases=("到期",)
    )
    handled_at: Mapped[datetime | None] = col(Moment(), _("Handled at"), group=HANDLING, readonly=True, listed=False)
    closed_at: Mapped[datetime | None] = col(
        Moment(), _("Closed at"), group=HANDLING, readonly=True, listed=False, index=True
    )
    outcome: Mapped[Outcome | None] = col(Choice(Outcome), _("Outcome"), group=RESULT, listed=False)
    result: Mapped[str | None] = col(
        Text(1000, lines=3), _("Result"), group=RESULT, listed=False, aliases=("处理结果",)
    )
    quantity: Mapped[int | None] = col(
        Whole(0, 100_000), _("Quantity achieved"), group=RESULT, listed=False, help=_("For example parking spaces won.")
    )
    master_id: Mapped[int | None] = col(Reference("case"), _("Master case"), group=OTHER, listed=False, readonly=True)
    hotline_no: Mapped[str | None] = col(
        Code(40), _("12345 order no."), group=OTHER, listed=False, unique=True, search=True, aliases=("工单号",)
    )
    historic: Mapped[bool] = col(
        Flag(), _("Historic"), required=True, default=False, group=OTHER, listed=False, readonly=True
    )
    #: The item as it stood at intake: the list is the bureau's decision and moves; a case keeps what it was judged by.
    list_kind: Mapped[ListKind | None] = col(
        Choice(ListKind), _("List"), readonly=True, below="item", aliases=("清单类别",)
    )
    item_snapshot: Mapped[dict[str, Any] | None] = mapped_column(Data().sql())

    community: Mapped[Community] = relationship()
    item: Mapped[ChecklistItem | None] = relationship()
    liaison: Mapped[Liaison | None] = relationship()
    lead_officer: Mapped[Officer | None] = relationship(foreign_keys=[lead_officer_id])
    handler: Mapped[Officer | None] = relationship(foreign_keys=[handler_id])
    master: Mapped[Case | None] = relationship(remote_side="Case.id")

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """List, snapshot and deadline of an accepted case follow from its item."""
        if self.accepted_at is not None and inspect(self).attrs.item_id.history.has_changes():
            yield "item", _("The item of an accepted case stays: its list and deadline follow from it.")


class CaseParty(Record):
    """案件人员: a private person; every value is masked and clear only by a logged reveal."""

    __tablename__ = "caseparty"
    __label__ = _("Party")
    __labels__ = _("Parties")
    __scope__ = Via("case_id")
    __display__ = ("role",)
    __table_args__ = (
        rule(
            "named_or_anonymous", "anonymous OR name IS NOT NULL", _("Enter a name, or mark the person as anonymous.")
        ),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    role: Mapped[PartyRole] = col(Choice(PartyRole), _("Part played"), required=True, default=PartyRole.COMPLAINANT)
    anonymous: Mapped[bool] = col(Flag(), _("Anonymous"), required=True, default=False)
    name: Mapped[str | None] = col(PersonName(), _("Person's name"), personal=Personal.PRIVATE, filter=False)
    phone: Mapped[str | None] = col(
        Mobile(), _("Telephone"), personal=Personal.PRIVATE, filter=False, group=CONTACT, aliases=("联系电话", "手机")
    )
    address: Mapped[str | None] = col(
        Place(), _("Home address"), personal=Personal.PRIVATE, filter=False, group=CONTACT
    )
    #: Last four digits and keyed hash of the phone: to recognise a caller without reading the number.
    phone_tail: Mapped[str | None] = mapped_column(String(4), index=True)
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)

    case: Mapped[Case] = relationship()


class CaseEvent(Base):
    """流转记录: what happened to a case; append-only, each row sealed with the hash of the one before."""

    __tablename__ = "caseevent"
    __label__ = _("Case event")
    __labels__ = _("Case events")
    __scope__ = Via("case_id")
    __append_only__ = True
    __display__ = ("step",)
    __order__ = "-at"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    seq: Mapped[int] = mapped_column()
    step: Mapped[str] = col(StepName(20), _("Step"), required=True, index=True)
    from_status: Mapped[CaseStatus | None] = col(FromState(CaseStatus), _("From state"), listed=False)
    to_status: Mapped[CaseStatus] = col(Choice(CaseStatus), _("To state"), required=True)
    actor_name: Mapped[str] = col(Text(80), _("Person"), required=True, default="")
    opinion: Mapped[str | None] = col(Text(1000, lines=3), _("Opinion"))
    actor_id: Mapped[int | None] = mapped_column()
    payload: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64), default="")
    hash: Mapped[str] = mapped_column(String(64))

    case: Mapped[Case] = relationship()


class Action(Record):
    """处置记录: what was done about a case."""

    __tablename__ = "action"
    __label__ = _("Action")
    __labels__ = _("Actions")
    __scope__ = Via("case_id")
    __display__ = ("kind",)
    __order__ = "-at"
    __table_args__ = (
        rule(
            "two_officers",
            "kind NOT IN ('inspection', 'fine', 'filing') "
            "OR (officer_id IS NOT NULL AND second_officer_id IS NOT NULL)",
            _("Inspection and penalty need two officers."),
        ),
        rule(
            "officers_differ",
            "second_officer_id IS NULL OR officer_id <> second_officer_id",
            _("The two officers must be two people."),
        ),
        rule("amount_for_fine", "amount IS NULL OR kind IN ('fine', 'filing')", _("Only a penalty has an amount.")),
        rule("amount_not_negative", "amount >= 0", _("An amount can't be negative.")),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    kind: Mapped[ActionKind] = col(Choice(ActionKind), _("Kind"), required=True)
    officer_id: Mapped[int | None] = col(Reference("officer"), _("Officer"))
    second_officer_id: Mapped[int | None] = col(Reference("officer"), _("Second officer"), below="officer")
    document_no: Mapped[str | None] = col(Code(40), _("Document no."), search=True)
    amount: Mapped[Decimal | None] = col(Amount(), _("Amount (yuan)"))
    note: Mapped[str | None] = col(Text(500, lines=3), _("What was done"))

    case: Mapped[Case] = relationship()
    officer: Mapped[Officer | None] = relationship(foreign_keys=[officer_id])
    second_officer: Mapped[Officer | None] = relationship(foreign_keys=[second_officer_id])

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """Auxiliary staff can't decide a penalty."""
        if self.kind not in (ActionKind.FINE, ActionKind.FILING):
            return
        ids = [i for i in (self.officer_id, self.second_officer_id) if i is not None]
        query = select(Officer.id).where(Officer.id.in_(ids), Officer.kind == OfficerKind.AUXILIARY)
        with session.no_autoflush:
            found = set(session.execute(query, execution_options={"unscoped": True}).scalars())
        for name, id_ in (("officer", self.officer_id), ("second_officer", self.second_officer_id)):
            if id_ in found:
                yield name, _("Auxiliary staff can't decide a penalty.")


class Referral(Record):
    """移送协同: a case, or part of it, asked of another department; sent and answered by steps of the case."""

    __tablename__ = "referral"
    __label__ = _("Referral")
    __labels__ = _("Referrals")
    __scope__ = Via("case_id")
    __display__ = ("document_no", "department")
    __numbered__ = True
    __order__ = "-sent_at"
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
    )

    document_no: Mapped[str | None] = col(Code(40), _("Document no."), key=True, unique=True, search=True)
    case_id: Mapped[int] = col(Reference("case"), _("Case no."), required=True, key=True, aliases=("案件编号",))
    department_id: Mapped[int] = col(
        Reference("department"), _("Department"), required=True, key=True, aliases=("部门", "协同部门")
    )
    kind: Mapped[ReferralKind] = col(
        Choice(ReferralKind), _("Kind"), required=True, default=ReferralKind.TRANSFER, aliases=("类型",)
    )
    status: Mapped[ReferralStatus] = col(
        Choice(ReferralStatus), _("State"), required=True, default=ReferralStatus.SENT, readonly=True
    )
    request: Mapped[str | None] = col(Text(1000, lines=3), _("What is asked"), listed=False)
    sent_at: Mapped[datetime] = col(
        Moment(), _("Sent at"), readonly=True, required=True, default=now, index=True, group=DATES, aliases=("发出",)
    )
    sign_due_at: Mapped[datetime | None] = col(
        Moment(), _("To be signed for by"), readonly=True, group=DATES, listed=False, aliases=("应签收",)
    )
    signed_at: Mapped[datetime | None] = col(
        Moment(), _("Signed for at"), readonly=True, group=DATES, listed=False, aliases=("签收",)
    )
    reply_due_at: Mapped[datetime | None] = col(
        Moment(), _("Reply due"), readonly=True, group=DATES, index=True, aliases=("应反馈",)
    )
    replied_at: Mapped[datetime | None] = col(
        Moment(), _("Replied at"), readonly=True, group=RESULT, listed=False, aliases=("反馈",)
    )
    return_reason: Mapped[str | None] = col(
        Text(1000, lines=3), _("Reason for return"), readonly=True, group=RESULT, listed=False
    )
    reply: Mapped[str | None] = col(Text(1000, lines=3), _("Reply"), readonly=True, group=RESULT, listed=False)
    joint_on: Mapped[date | None] = col(Day(), _("Joint action on"), group=RESULT, listed=False)

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship()

    def problems(self, session: Session) -> Iterable[tuple[str, Message]]:
        """The steps of a case go by its referrals: none is taken from it, or put to another department."""
        state = inspect(self)
        for name in ("case", "department"):
            if state.persistent and state.attrs[f"{name}_id"].history.has_changes():
                yield name, _("A referral stays with its case and department.")


class Feedback(Record):
    """反馈回访: telling the liaison, and the complainant, what came of it."""

    __tablename__ = "feedback"
    __label__ = _("Feedback")
    __labels__ = _("Feedback records")
    __scope__ = Via("case_id")
    __display__ = ("target",)
    __order__ = "-at"

    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    target: Mapped[FeedbackTarget] = col(Choice(FeedbackTarget), _("To whom"), required=True)
    channel: Mapped[FeedbackChannel] = col(
        Choice(FeedbackChannel), _("Channel"), required=True, default=FeedbackChannel.PHONE
    )
    at: Mapped[datetime] = col(Moment(), _("Time"), required=True, default=now, index=True)
    content: Mapped[str] = col(Text(1000, lines=3), _("Content"), required=True)
    satisfaction: Mapped[Satisfaction | None] = col(Choice(Satisfaction), _("Satisfaction"))

    case: Mapped[Case] = relationship()


class Ledger(Base):
    """月度台账 handed up: the workbook as it was signed, for good. Of one squad, or of the whole bureau."""

    __tablename__ = "ledger"
    __label__ = _("Monthly ledger")
    __labels__ = _("Monthly ledgers")
    __scope__ = Anchor()
    __append_only__ = True
    __display__ = ("month", "basis")
    __order__ = "-month"
    __table_args__ = (
        UniqueConstraint("month", "basis", "squad_id"),
        Index(
            "uq_ledger_whole",
            "month",
            "basis",
            unique=True,
            sqlite_where=text("squad_id IS NULL"),
            postgresql_where=text("squad_id IS NULL"),
            info={"message": _("This ledger has been handed up already.")},
        ),
    )

    month: Mapped[str] = col(Code(7), _("Month"), required=True)
    basis: Mapped[Basis] = col(Choice(Basis), _("Basis"), required=True)
    squad_id: Mapped[int | None] = col(Reference("squad"), _("Squad"))
    closed_at: Mapped[datetime] = col(Moment(), _("Handed up at"), required=True, default=now)
    actor_name: Mapped[str] = col(Text(80), _("Handed up by"), required=True, default="")
    actor_id: Mapped[int | None] = mapped_column()
    figures: Mapped[dict[str, Any]] = mapped_column(Data().sql(), default=dict)
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    squad: Mapped[Squad | None] = relationship()


class LedgerDraft(Record):
    """月度台账 drawn up for the whole bureau, waiting to be checked and handed up; gone once it is."""

    __tablename__ = "ledgerdraft"
    __label__ = _("Ledger to check")
    __labels__ = _("Ledgers to check")
    __scope__ = Public()
    __display__ = ("month", "basis")
    __order__ = "-month"
    __table_args__ = (UniqueConstraint("month", "basis"),)

    month: Mapped[str] = col(Code(7), _("Month"), required=True)
    basis: Mapped[Basis] = col(Choice(Basis), _("Basis"), required=True)
    made_at: Mapped[datetime] = col(Moment(), _("Drawn up at"), required=True, default=now)
    rows: Mapped[int] = col(Whole(), _("Cases"), required=True, default=0)
    #: Tells whether the ledger still says what this file says.
    digest: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(String(200))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class LedgerLine(Base):
    """A line of a ledger that was handed up: a case's printed cells, or a correction of an earlier ledger."""

    __tablename__ = "ledgerline"
    __label__ = _("Ledger line")
    __labels__ = _("Ledger lines")
    __scope__ = Via("ledger_id")
    __append_only__ = True
    __display__ = ("position",)
    __order__ = "id"
    __table_args__ = (UniqueConstraint("ledger_id", "correction", "position"),)

    ledger_id: Mapped[int] = col(Reference("ledger"), _("Monthly ledger"), required=True)
    position: Mapped[int] = mapped_column()
    correction: Mapped[bool] = mapped_column(default=False)
    case_id: Mapped[int] = col(Reference("case"), _("Case"), required=True)
    cells: Mapped[list[Any]] = mapped_column(Data().sql(), default=list)

    ledger: Mapped[Ledger] = relationship()


class CalendarDay(Record):
    """工作日历: a day that the yearly notice names, or that differs from Monday to Friday."""

    __tablename__ = "calendarday"
    __label__ = _("Calendar day")
    __labels__ = _("Working calendar")
    __scope__ = Public()
    __display__ = ("day",)
    __order__ = "-day"

    day: Mapped[date] = col(Day(), _("Date"), required=True, key=True, unique=True)
    is_work: Mapped[bool] = col(
        WorkingDay(),
        _("Working day"),
        required=True,
        aliases=("是否工作日", "工作日", "是否上班", "类型"),
        help=_("In a workbook also 上班 or 放假."),
    )
    name: Mapped[str | None] = col(
        Text(40), _("Name"), search=True, help=_("For example 国庆节, or the day made up for.")
    )
    source: Mapped[str | None] = col(Text(60), _("Source"), readonly=True)


class Counter(Base):
    """The last number given out for a prefix and year; bumped in the transaction that uses the number."""

    __tablename__ = "counter"
    __label__ = _("Counter")
    __labels__ = _("Counters")
    __scope__ = Public()
    __display__ = ("prefix", "year")
    __table_args__ = (UniqueConstraint("prefix", "year"),)

    prefix: Mapped[str] = mapped_column(String(20))
    year: Mapped[int] = mapped_column()
    last: Mapped[int] = mapped_column(default=0)
