"""What goes with the paper of a referral (随函材料): attachments of its case, and other papers by name."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.cases.errors import StepNotAllowed
from models import PENDING, Attachment, Referral, ReferralStatus
from panel.fields import field_named
from panel.i18n import _


def offered(session: Session, referral: Referral) -> list[Attachment]:
    """The attachments that the case has now, within the actor's scope."""
    statement = select(Attachment).where(Attachment.case_id == referral.case_id, Attachment.removed_at.is_(None))
    return list(session.execute(statement.order_by(Attachment.id)).scalars())


def enclosed(referral: Referral) -> list[Attachment]:
    """The chosen attachments that the case still has."""
    return [attachment for attachment in referral.enclosures if attachment.removed_at is None]


def may_change(referral: Referral) -> bool:
    """A paper that was answered or withdrawn stays as it was sent. A notice in copy is never answered."""
    return referral.status in (*PENDING, ReferralStatus.INFORMED)


def choose(session: Session, referral: Referral, ids: Collection[int], others: str) -> None:
    """Set what is enclosed and flush. Raises StepNotAllowed for an answered referral or an attachment that isn't the
    case's, and Invalid for a text that is too long."""
    session.refresh(referral, with_for_update=True)
    if not may_change(referral):
        raise StepNotAllowed(
            _("This referral is “{status}”: what went with it stays.", status=ReferralStatus.of(referral.status).label)
        )
    chosen = [attachment for attachment in offered(session, referral) if attachment.id in ids]
    if len(chosen) != len(set(ids)):
        raise StepNotAllowed(_("One of these attachments isn't there any more. Choose again."))
    declared = field_named(Referral, "other_enclosures")
    assert declared is not None
    text = declared.kind.parse(others)
    if text != referral.other_enclosures:
        referral.other_enclosures = text
    if {attachment.id for attachment in chosen} != {attachment.id for attachment in referral.enclosures}:
        referral.enclosures = chosen
    session.flush()


def other_lines(referral: Referral) -> list[str]:
    return [line.strip() for line in (referral.other_enclosures or "").splitlines() if line.strip()]
