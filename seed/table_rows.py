"""Rows for bulk inserts. Each has every column of its table, so that one statement inserts all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bureau.cases import intake
from models import (
    CaseStatus,
    ChangeKind,
    ChangeStatus,
    Department,
    FeedbackChannel,
    FeedbackTarget,
    PartyRole,
    ReferralKind,
    ReferralStatus,
    Satisfaction,
    Urgency,
)
from seed.draws import Resident
from seed.world import Person


def case_row(at: datetime, description: str, **values: Any) -> dict[str, Any]:
    """A case reported at this moment."""
    later = ("item_id", "handler_id", "accepted_at", "due_at", "handled_at", "closed_at", "outcome", "result")
    others = ("quantity", "quantity_unit", "master_id", "hotline_no", "list_kind")
    return {
        **dict.fromkeys((*later, *others)),
        "case_no": "",
        "title": intake.title_of(description),
        "status": CaseStatus.REPORTED,
        "reported_at": at,
        "description": description,
        "urgency": Urgency.NORMAL,
        "historic": False,
        "created_at": at,
        "updated_at": at,
        **values,
    }


def party_row(at: datetime, role: PartyRole, person: Resident, *, anonymous: bool = False) -> dict[str, Any]:
    """A party of a case; an anonymous one has no personal data."""
    return {
        "role": role,
        "anonymous": anonymous,
        "name": None if anonymous else person.name,
        "phone": None if anonymous else person.phone,
        "address": None if anonymous else person.address,
        "phone_hash": None if anonymous else person.phone_hash,
        "created_at": at,
        "updated_at": at,
    }


def referral_row(
    at: datetime, department: Department, kind: ReferralKind, request: str, **values: Any
) -> dict[str, Any]:
    empty = ("document_no", "sign_due_at", "signed_at", "reply_due_at", "replied_at", "return_reason", "reply")
    return {
        **dict.fromkeys((*empty, "joint_on", "joint_state", "joint_members", "quantity", "quantity_unit")),
        "department_id": department.id,
        "kind": kind,
        "in_series": True,
        "status": ReferralStatus.SENT,
        "request": request,
        "sent_at": at,
        "created_at": at,
        "updated_at": at,
        **values,
    }


def feedback_row(
    at: datetime,
    target: FeedbackTarget,
    channel: FeedbackChannel,
    content: str,
    satisfaction: Satisfaction | None = None,
) -> dict[str, Any]:
    """Feedback about a case."""
    return {
        "target": target,
        "channel": channel,
        "at": at,
        "content": content,
        "satisfaction": satisfaction,
        "created_at": at,
        "updated_at": at,
    }


def change_row(at: datetime, kind: ChangeKind, reason: str, asker: Person, **values: Any) -> dict[str, Any]:
    """A requested change of a deadline."""
    empty = ("days", "unit", "review_on", "decided_at", "decided_by", "decided_by_id", "came_from", "resumed_at")
    return {
        **dict.fromkeys((*empty, "old_due_at", "new_due_at")),
        "kind": kind,
        "status": ChangeStatus.ASKED,
        "reason": reason,
        "asked_at": at,
        "asked_by": asker.name,
        "asked_by_id": asker.user_id,
        "for_office": False,
        "created_at": at,
        "updated_at": at,
        **values,
    }
