"""A made-up case with its records, as rows for bulk inserts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from bureau.cases.steps import Step
from bureau.referrals.steps import REFER
from models import (
    ActionKind,
    CaseStatus,
    Department,
    FeedbackChannel,
    FeedbackTarget,
    Outcome,
    PartyRole,
    ReferralKind,
    ReferralStatus,
    Satisfaction,
    Source,
)
from panel.kinds import ZONE
from seed.draws import Draws
from seed.papers import Papers
from seed.table_rows import feedback_row, party_row, referral_row
from seed.world import CaseText, CommunityStaff, Item, Person

ACTIONS = {
    Outcome.EDUCATION: ActionKind.EDUCATION,
    Outcome.RECTIFICATION: ActionKind.RECTIFICATION,
    Outcome.CLEARED: ActionKind.CLEARING,
    Outcome.ASSISTED: ActionKind.ASSISTANCE,
    Outcome.JOINT: ActionKind.ASSISTANCE,
    Outcome.FINED: ActionKind.FINE,
    Outcome.FILED: ActionKind.FILING,
    Outcome.UNFOUNDED: ActionKind.INSPECTION,
}
#: Kinds that need two officers; the character in document numbers by kind.
TWO_OFFICERS = {ActionKind.INSPECTION, ActionKind.FINE, ActionKind.FILING}
DOCUMENTS = {ActionKind.RECTIFICATION: "改", ActionKind.FINE: "罚", ActionKind.FILING: "立"}
#: Frequency of complainants' answers, in percent.
ANSWERS = {
    Satisfaction.SATISFIED: 78,
    Satisfaction.FAIRLY: 15,
    Satisfaction.UNSATISFIED: 3,
    Satisfaction.UNREACHED: 4,
}


@dataclass(slots=True)
class CaseRows:
    """A case and its records as rows for bulk inserts; `id` is set when the case is inserted."""

    staff: CommunityStaff
    item: Item
    text: CaseText
    lead: Person
    handler: Person
    reporter: Person
    case: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    parties: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    referrals: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    #: Each with child rows under "sessions", and those under "members".
    mediations: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    master: CaseRows | None = None
    id: int | None = None

    @property
    def status(self) -> CaseStatus:
        status: CaseStatus = self.case["status"]
        return status

    def step(self, at: datetime, step: Step, to: CaseStatus, actor: Person, opinion: str = "", **payload: Any) -> None:
        """Set the state of the case and add an event; the first event, the report, has no state before."""
        self.events.append(
            {
                "at": at,
                "step": step.name,
                "from_status": self.case["status"] if self.events else None,
                "to_status": to,
                "actor_id": actor.user_id,
                "actor_name": actor.name,
                "opinion": opinion or None,
                "payload": payload,
            }
        )
        self.case.update(status=to, updated_at=at)

    def finish(self, at: datetime, step: Step, to: CaseStatus, actor: Person, opinion: str, **payload: Any) -> None:
        """Take the step that ends the case."""
        self.case["closed_at"] = at
        self.step(at, step, to, actor, opinion, **payload)

    def number(self, case_no: str, number: int, papers: Papers) -> None:
        """Set the case number, the document numbers made from it, and the next numbers of its referrals."""
        year = self.case["reported_at"].astimezone(ZONE).year
        self.case["case_no"] = case_no
        if self.case["source"] == Source.HOTLINE:
            self.case["hotline_no"] = f"12345{year}{number:08d}"
        for action in self.actions:
            if word := DOCUMENTS.get(action["kind"]):
                action["document_no"] = f"南综执{word}〔{year}〕{number:06d}号"
        sent = [event for event in self.events if event["step"] == REFER.name]
        for referral, event in zip(self.referrals, sent, strict=True):
            referral["document_no"] = papers.next_no(referral["kind"], referral["sent_at"])
            event["payload"]["document_no"] = referral["document_no"]

    def inform(self, at: datetime, department: Department) -> None:
        """Inform a department in copy, which needs no reply."""
        kind, request = ReferralKind.NOTICE, f"抄告有关情况：{self.case['title']}。"
        self.referrals.append(referral_row(at, department, kind, request, status=ReferralStatus.INFORMED))
        self.step(at, REFER, CaseStatus.HANDLING, self.handler, request, department=department.id, kind=str(kind))

    def add_action(self, draws: Draws, at: datetime, kind: ActionKind, note: str) -> None:
        """Add an action by the handler, with a second officer where the kind needs one."""
        second = None
        if kind in TWO_OFFICERS:
            others = [person for person in self.staff.squad if person.decides and person.id != self.handler.id]
            second = draws.rng.choice(others).id
        amount = Decimal(draws.rng.choice((50, 100, 200, 500))) if kind == ActionKind.FINE else None
        self.actions.append(
            {
                "at": at,
                "kind": kind,
                "officer_id": self.handler.id,
                "second_officer_id": second,
                "document_no": None,
                "amount": amount,
                "note": note,
                "created_at": at,
                "updated_at": at,
            }
        )

    def add_feedback(self, draws: Draws, at: datetime, target: FeedbackTarget) -> None:
        """Add feedback; a complainant's has an answer about satisfaction."""
        satisfaction = None
        if target == FeedbackTarget.COMPLAINANT:
            satisfaction = draws.rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        channel = draws.rng.choice((FeedbackChannel.PHONE, FeedbackChannel.PHONE, FeedbackChannel.MESSAGE))
        content = f"已告知处理结果：{self.case['result']}"
        self.feedback.append(feedback_row(at, target, channel, content, satisfaction))

    def add_parties(self, draws: Draws) -> None:
        """Add the parties: a complainant, one in seven anonymous, and sometimes a respondent."""
        rng, at, source = draws.rng, self.case["reported_at"], self.case["source"]
        roles = []
        if source in {Source.RESIDENT, Source.HOTLINE} or (source == Source.LIAISON and rng.random() < 0.5):
            roles.append(PartyRole.COMPLAINANT)
        if rng.random() < 0.3:
            roles.append(PartyRole.RESPONDENT)
        for role in roles:
            anonymous = role == PartyRole.COMPLAINANT and rng.random() < 0.15
            person = draws.resident(self.staff)
            self.parties.append(party_row(at, role, person, anonymous=anonymous))
