"""A made-up case and the papers about it, as rows for bulk inserts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from bureau.cases.steps import Step
from bureau.referrals.steps import REFER
from models import ActionKind, CaseStatus, FeedbackChannel, FeedbackTarget, Outcome, PartyRole, Satisfaction, Source
from panel.kinds import ZONE
from seed.cast import Cast
from seed.papers import feedback_row, party_row
from seed.world import Beat, Item, Person, Tale

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
#: Kinds that need two officers, and the word in the number of their document.
TWO_OFFICERS = {ActionKind.INSPECTION, ActionKind.FINE, ActionKind.FILING}
DOCUMENTS = {ActionKind.RECTIFICATION: "改", ActionKind.FINE: "罚", ActionKind.FILING: "立"}
#: How often complainants answer so, of 100.
ANSWERS = {
    Satisfaction.SATISFIED: 78,
    Satisfaction.FAIRLY: 15,
    Satisfaction.UNSATISFIED: 3,
    Satisfaction.UNREACHED: 4,
}


@dataclass(slots=True)
class Life:
    """A case and all that belongs to it as rows for bulk inserts; `id` is set when the case is written."""

    beat: Beat
    item: Item
    tale: Tale
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
    #: Each with its "sessions", and those with their "members".
    mediations: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    master: Life | None = None
    id: int | None = None

    @property
    def status(self) -> CaseStatus:
        found: CaseStatus = self.case["status"]
        return found

    def step(self, at: datetime, step: Step, to: CaseStatus, actor: Person, opinion: str = "", **payload: Any) -> None:
        """Move the case on, with an event that tells so; the first is the report, from no state."""
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
        """The step with which a case ends."""
        self.case["closed_at"] = at
        self.step(at, step, to, actor, opinion, **payload)

    def number(self, case_no: str, number: int) -> None:
        """Give the case its number, and the papers about it numbers made from that."""
        year = self.case["reported_at"].astimezone(ZONE).year
        self.case["case_no"] = case_no
        if self.case["source"] == Source.HOTLINE:
            self.case["hotline_no"] = f"12345{year}{number:08d}"
        for action in self.actions:
            if word := DOCUMENTS.get(action["kind"]):
                action["document_no"] = f"南综执{word}〔{year}〕{number:06d}号"
        sent = [event for event in self.events if event["step"] == REFER.name]
        for i, (referral, event) in enumerate(zip(self.referrals, sent, strict=True), 1):
            referral["document_no"] = f"南综执移〔{year}〕{number:06d}-{i}号"
            event["payload"]["document_no"] = referral["document_no"]

    def act(self, cast: Cast, at: datetime, kind: ActionKind, note: str) -> None:
        """Something is done about the case, by its handler and, where the kind asks it, a second officer."""
        second = None
        if kind in TWO_OFFICERS:
            others = [person for person in self.beat.squad if person.decides and person.id != self.handler.id]
            second = cast.rng.choice(others).id
        amount = Decimal(cast.rng.choice((50, 100, 200, 500))) if kind == ActionKind.FINE else None
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

    def tell(self, cast: Cast, at: datetime, target: FeedbackTarget) -> None:
        """Somebody is told what came of it; a complainant is also asked."""
        satisfaction = None
        if target == FeedbackTarget.COMPLAINANT:
            satisfaction = cast.rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        channel = cast.rng.choice((FeedbackChannel.PHONE, FeedbackChannel.PHONE, FeedbackChannel.MESSAGE))
        said = f"已告知处理结果：{self.case['result']}"
        self.feedback.append(feedback_row(at, target, channel, said, satisfaction))

    def involve(self, cast: Cast) -> None:
        """Whoever complained, about one in seven without a name, and at times whom it is about."""
        rng, at, source = cast.rng, self.case["reported_at"], self.case["source"]
        roles = []
        if source in {Source.RESIDENT, Source.HOTLINE} or (source == Source.LIAISON and rng.random() < 0.5):
            roles.append(PartyRole.COMPLAINANT)
        if rng.random() < 0.3:
            roles.append(PartyRole.RESPONDENT)
        for role in roles:
            anonymous = role == PartyRole.COMPLAINANT and rng.random() < 0.15
            person = cast.resident(self.beat)
            self.parties.append(party_row(at, role, person, anonymous=anonymous))
