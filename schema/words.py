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


#: States of ended cases; all others are open.
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


#: States of an open referral.
PENDING = (ReferralStatus.SENT, ReferralStatus.SIGNED)


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
    DONE = "done", _("Visited"), "good"
    #: Held on a later day than the planned Monday.
    MADE_UP = "made_up", _("Visited later"), "good"
    MISSED = "missed", _("Missed"), "bad"
    EXEMPT = "exempt", _("Excused"), ""


class AttachmentPhase(Choices):
    BEFORE = "before", _("Before handling"), ""
    AFTER = "after", _("After handling"), "good"
    DOCUMENT = "document", _("Document"), "brand"


class SurveyKind(Choices):
    SHOP = "shop", _("Shop")
    DOG = "dog", _("Dog")
    POULTRY = "poultry", _("Poultry")
    BUILDING = "building", _("Illegal building")
    OTHER = "other", _("Other")


class Period(Choices):
    DAY = "day", _("Daytime")
    NIGHT = "night", _("Night")


class Conclusion(Choices):
    WITHIN = "within", _("Within the limit"), "good"
    OVER = "over", _("Over the limit"), "bad"


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
    WRITTEN = "written", _("In writing")
    ORAL = "oral", _("By word of mouth")


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
