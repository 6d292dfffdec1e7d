"""How the bureau's tables are imported: which rules each has beyond its declaration, how its records are found."""

from __future__ import annotations

from sqlalchemy.orm import Session

from casework import casefiles, finders, oldledgers, referralfiles, rosters, settings
from casework.assignments import AssignmentRules
from panel import undoing
from panel.rules import Registry


def keep_days(session: Session) -> int:
    """For how many days the office wants imports to be taken back."""
    return int(settings.get(session, "import_keep_days"))


def forget(session: Session) -> None:
    """Periodic: let go of what imports kept that can't be taken back any more."""
    undoing.forget(session, keep_days(session))


def registry() -> Registry:
    return Registry(
        keep_days=keep_days,
        rules={
            "community": rosters.CommunityRules,
            "liaison": rosters.LiaisonRules,
            "officer": rosters.OfficerRules,
            "assignment": AssignmentRules,
            "checklistitem": casefiles.ItemRules,
            "case": oldledgers.LedgerRules,
            "action": casefiles.ActionRules,
            "referral": referralfiles.ReferralRules,
        },
        finders={
            "street": finders.NamedFinder,
            "squad": finders.NamedFinder,
            "department": finders.NamedFinder,
            "community": finders.CommunityFinder,
            "officer": finders.OfficerFinder,
            "checklistitem": finders.ItemFinder,
            "liaison": finders.LiaisonFinder,
            "case": finders.CaseFinder,
        },
    )
