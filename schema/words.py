"""Choices of columns, and the groups of forms."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from panel.i18n import Message, _
from panel.kinds import Choice, Choices, Flag, Label

# Groups of forms.
CONTACT = _("Contact")
TERM = _("Term")
DATES = _("Dates")
PLACE = _("Place")
RULES = _("Rules")
HANDLING = _("Handling")
RESULT = _("Result")
OTHER = _("Other")


class Gender(Choices):
    MALE = "male", _("Male"), "", "m 男性 男士 先生 男同志"
    FEMALE = "female", _("Female"), "", "f 女性 女士 小姐 女同志"


class CommunityStatus(Choices):
    ACTIVE = "active", _("In use"), "good", "在用 正常"
    CLOSED = "closed", _("Merged or closed"), "", "已撤并 撤并 合并 已合并 撤销 已撤销"


class OfficerKind(Choices):
    OFFICER = (
        "officer",
        _("Enforcement officer"),
        "brand",
        "队员 执法队员 执法人员 正式队员 正式 在编 在编人员 在编队员 公务员",
    )
    #: Auxiliary staff can't decide a penalty.
    AUXILIARY = (
        "auxiliary",
        _("Auxiliary"),
        "",
        "辅助 协管员 协管 城管协管员 辅助执法人员 辅助队员 辅助执法队员 编外 编外人员 编外队员",
    )


class ListKind(Choices):
    ENFORCEMENT = "enforcement", _("Enforcement list"), "brand", "执法 执法类 执法事项"
    SERVICE = "service", _("Service list"), "good", "服务 服务类 服务事项"


class LimitUnit(Choices):
    WORKING_DAY = "d", _("working days"), "", "天 日 个工作日"
    OFFICE_HOUR = "h", _("office hours"), "", "个工作时 个工作小时 工作小时"
    CLOCK_HOUR = "eh", _("clock hours"), "", "小时 个小时 个紧急工作时 时"


class Source(Choices):
    LIAISON = "liaison", _("Reported by the liaison"), "", "联络员 社区联络员 社区上报 联络员反映"
    RESIDENT = (
        "resident",
        _("Resident's complaint"),
        "",
        "群众投诉 来信来访 群众来信 群众来访 来信 来访 来电 群众来电 电话投诉 "
        "群众举报 居民举报 举报 群众反映 居民反映 市民投诉 市民反映 投诉 居民来电 投诉举报",
    )
    PATROL = (
        "patrol",
        _("Found on patrol"),
        "",
        "日常巡查 巡查 日常巡逻 巡逻 巡逻发现 队员巡查 队员发现 主动发现 自行发现 日常检查 检查发现 巡查上报",
    )
    VISIT = "visit", _("Found on a visit"), "", "走访 日常走访 入户走访 上门走访 联居走访 周一走访"
    HOTLINE = (
        "12345",
        _("12345 hotline"),
        "",
        "12345热线 热线 市民热线 12345市民热线 12345政务热线 政务热线 政务服务热线 12345政务服务热线 "
        "12345政务服务便民热线 政务服务便民热线 12345平台 12345工单 热线工单 热线转办 热线投诉 12345转办 12345平台转办",
    )
    SUPERIOR = (
        "superior",
        _("Assigned from above"),
        "",
        "交办 上级交办件 上级转办 上级转交 领导交办 上级部门交办 街道交办 区级交办 市级交办",
    )
    OTHER = "other", _("Other"), "", "其它 其他来源"


class Urgency(Choices):
    NORMAL = "normal", _("Normal"), "", "普通 普通件 一般件 平件 正常 常规 不急 不紧急"
    URGENT = ("urgent", _("Urgent"), "bad", "加急 加急件 紧急件 特急 特急件 急件 急 特别紧急 应急")


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


#: States of ended cases; all others are open.
ENDED = (CaseStatus.CLOSED, CaseStatus.REJECTED, CaseStatus.MERGED, CaseStatus.VOIDED)


class Outcome(Choices):
    PERSUASION = "persuasion", _("Persuasion"), "", "口头劝导 劝离 劝导劝离 现场劝导 已劝导 规劝"
    EDUCATION = "education", _("Education"), "", "教育 宣传教育 口头教育 教育批评 说服教育 已教育"
    RECTIFICATION = (
        "rectification",
        _("Ordered to rectify"),
        "",
        "责令整改 责令限期整改 责令限期改正 限期整改 限期改正 整改 责令当场改正 责令立即改正 下达整改通知",
    )
    CLEARED = "cleared", _("Cleared on site"), "", "清理 清除 已清理 现场清除 当场清理 现场整治"
    ASSISTED = "assisted", _("Assisted"), "", "协助 协助办理"
    JOINT = "joint", _("Joint action"), "", "联动 部门联动 联合执法 联合行动 联合处置 联动处置"
    MEDIATED = "mediated", _("Mediated"), "", "现场调解 调解处理 已调解 调解结案 调解成功"
    FINED = ("fined", _("Penalty on the spot"), "", "当场处罚 简易程序 简易处罚 当场罚款 简易程序处罚")
    FILED = (
        "filed",
        _("Filed for penalty"),
        "",
        "立案 立案处罚 立案查处 普通程序 一般程序 普通程序处罚 一般程序处罚 行政立案",
    )
    UNFOUNDED = ("unfounded", _("Unfounded"), "", "情况不属实 反映不属实 投诉不属实 查无此事 情况不实 反映不实")
    OTHER = "other", _("Other"), "", "其它 其他方式"


class PartyRole(Choices):
    COMPLAINANT = "complainant", _("Complainant"), "brand", "举报人 反映人 诉求人 来访人"
    RESPONDENT = "respondent", _("Respondent"), "warn", "被投诉人 相对人 行政相对人"
    WITNESS = "witness", _("Witness"), "", "证人"


class ActionKind(Choices):
    PERSUASION = "persuasion", _("Persuasion"), "", "口头劝导 劝离 现场劝导"
    EDUCATION = "education", _("Education"), "", "教育 宣传教育 口头教育 说服教育"
    RECTIFICATION = (
        "rectification",
        _("Ordered to rectify"),
        "",
        "责令整改 责令限期整改 责令限期改正 限期整改 限期改正 整改",
    )
    CLEARING = "clearing", _("Cleared on site"), "", "清理 清除 现场清除"
    ASSISTANCE = "assistance", _("Assisted"), "", "协助 协助办理"
    INSPECTION = "inspection", _("Inspection"), "", "现场检查 巡查 日常检查"
    FINE = "fine", _("Penalty on the spot"), "", "当场处罚 简易程序 简易处罚 当场罚款"
    FILING = "filing", _("Filed for penalty"), "", "立案 立案处罚 立案查处 普通程序 一般程序"


class ReferralKind(Choices):
    TRANSFER = "transfer", _("Transfer"), "", "移交 案件移送 线索移送 转办"
    NOTICE = "notice", _("Notice in copy"), "", "抄送 抄告单"
    JOINT = "joint", _("Joint coordination"), "", "联动 联合执法 联合行动 协调"


class ReferralStatus(Choices):
    SENT = "sent", _("To sign for"), "warn", "未签收"
    SIGNED = "signed", _("Signed for"), "brand", "签收"
    REPLIED = "replied", _("Replied"), "good", "已回复 已反馈"
    RETURNED = "returned", _("Returned"), "bad", "退回 退件"
    #: A notice in copy (抄告): nothing is waited for.
    INFORMED = "informed", _("Informed"), "good", "抄告"
    #: Ended by the bureau, because its case was merged or voided.
    WITHDRAWN = "withdrawn", _("Withdrawn"), "", "撤回 撤销"


#: States of an open referral.
PENDING = (ReferralStatus.SENT, ReferralStatus.SIGNED)


class FeedbackTarget(Choices):
    LIAISON = "liaison", _("Liaison"), "brand"
    COMPLAINANT = "complainant", _("Complainant"), ""


class FeedbackChannel(Choices):
    PHONE = "phone", _("By telephone"), "", "电话回访 电话告知 来电"
    VISIT = "visit", _("In person"), "", "上门回访 当面告知 上门 当面 面谈"
    MESSAGE = "message", _("By message"), "", "短信 微信 短信告知"
    OTHER = "other", _("Other")


class Satisfaction(Choices):
    SATISFIED = "satisfied", _("Satisfied"), "good", "非常满意 很满意"
    FAIRLY = "fairly", _("Fairly satisfied"), "good", "比较满意 较满意"
    UNSATISFIED = "unsatisfied", _("Unsatisfied"), "bad", "不太满意 很不满意 非常不满意"
    UNREACHED = "unreached", _("Not reached"), "", "未联系到 联系不上 无法联系 无人接听 未接通 未接听"


class Basis(Choices):
    """The cases that a monthly ledger lists: accepted in the month, or closed in it."""

    ACCEPTED = "accepted", _("By acceptance")
    CLOSED = "closed", _("By closing")


class StepName(Label):
    """The kind of a step's stored name. The slices declare the steps and their labels."""

    labels: ClassVar[dict[str, Message]] = {}


class WorkingDay(Flag):
    """The kind of "is a working day", which also reads the words of the yearly notice."""

    YES = Flag.YES | {"上班", "班", "补班", "调休上班", "工作日"}
    NO = Flag.NO | {"放假", "休", "休息", "休息日", "节假日", "法定节假日"}


class FromState(Choice):
    """The kind of a second state column in a table: its CHECK constraint needs a name of its own."""

    def sql(self) -> TypeEngine[Any]:
        states = super().sql()
        states.name = "from_state"  # type: ignore[attr-defined]
        return states


class VisitStatus(Choices):
    PLANNED = "planned", _("To visit"), "warn"
    DONE = "done", _("Visited"), "good", "已走访 完成 已完成"
    #: Held on a later day than the planned Monday.
    MADE_UP = "made_up", _("Visited later"), "good", "已补访"
    MISSED = "missed", _("Missed"), "bad", "未走访"
    EXEMPT = "exempt", _("Excused"), ""


class AttachmentPhase(Choices):
    BEFORE = "before", _("Before handling"), ""
    AFTER = "after", _("After handling"), "good"
    DOCUMENT = "document", _("Document"), "brand"


class SurveyKind(Choices):
    SHOP = "shop", _("Shop"), "", "商铺 门店 沿街店铺"
    DOG = "dog", _("Dog"), "", "养犬 养狗 犬只 犬类 饲养犬只"
    POULTRY = "poultry", _("Poultry"), "", "家禽 活禽 饲养家禽"
    BUILDING = "building", _("Illegal building"), "", "违建 违法建筑 违法建设"
    OTHER = "other", _("Other")


class Period(Choices):
    DAY = "day", _("Daytime"), "", "昼 昼间 白天"
    NIGHT = "night", _("Night"), "", "夜 夜间 夜里"


class Conclusion(Choices):
    WITHIN = "within", _("Within the limit"), "good", "达标 合格 不超标"
    OVER = "over", _("Over the limit"), "bad", "不达标 不合格"


class DisputeKind(Choices):
    NOISE = "noise", _("Noise")
    SMOKE = "smoke", _("Cooking fumes")
    LEAK = "leak", _("Leaking water")
    SPACE = "space", _("Shared space and parking")
    ANIMAL = "animal", _("Animals")
    BUILDING = "building", _("Building and machines outside")
    OTHER = "other", _("Other")


class MediationStatus(Choices):
    RUNNING = "running", _("In mediation"), "warn"
    AGREED = "agreed", _("Agreement"), "good"
    FAILED = "failed", _("No agreement"), "bad"


class EndedBy(Choices):
    """Who ended a failed mediation."""

    MEDIATORS = "mediators", _("The mediators")
    PARTY_A = "party_a", _("Party A")
    PARTY_B = "party_b", _("Party B")


class AgreementForm(Choices):
    """The form of an agreement, which decides its paper. `COMMITTEE` is the paper of a people's mediation committee
    under the People's Mediation Law, `WRITTEN` the bureau's own."""

    COMMITTEE = "committee", _("People's mediation agreement"), "", "人民调解 调解协议书 人民调解协议"
    WRITTEN = "written", _("Settlement agreement"), "", "书面 书面协议 和解"
    ORAL = "oral", _("By word of mouth"), "", "口头 口头调解协议"


class Performance(Choices):
    PENDING = "pending", _("Not due yet"), "warn"
    PERFORMED = "performed", _("Performed"), "good"
    BREACHED = "breached", _("Breached"), "bad"


class Attending(Choices):
    """The parties present in a session."""

    BOTH = "both", _("Both parties")
    ONE = "one", _("Party A alone")
    OTHER = "other", _("Party B alone")


class Force(Choices):
    """The three forces (三方力量); volunteers and trusted mediators (老娘舅) are one of them."""

    ENFORCEMENT = "enforcement", _("Enforcement officer"), "brand"
    COMMUNITY = "community", _("Community manager"), "good"
    MEDIATOR = "mediator", _("Trusted mediator"), "warn"
    VOLUNTEER = "volunteer", _("Volunteer"), ""


class ChangeKind(Choices):
    EXTENSION = "extension", _("Extension")
    SUSPENSION = "suspension", _("Suspension")
    RESUMPTION = "resumption", _("Resumption")
    #: To the day by which an agreement is performed, and a working day more.
    PERFORMANCE = "performance", _("By the day of performance")


class ChangeStatus(Choices):
    ASKED = "asked", _("Approval asked"), "warn"
    APPROVED = "approved", _("Approved"), "good"
    REFUSED = "refused", _("Refused"), "bad"
    #: A suspension that has ended.
    OVER = "over", _("Resumed"), ""


class RaisedTo(Choices):
    """Where a complaint was raised elsewhere (矛盾上交)."""

    HOTLINE = "12345", _("12345 hotline")
    PETITION = "petition", _("Petition office")
    SUPERIOR = "superior", _("Higher authority")


class PhraseUse(Choices):
    """The fields for which a phrase is offered."""

    FEEDBACK = "feedback", _("Feedback")
    RESULT = "result", _("Result")
    REASON = "reason", _("Reason")
