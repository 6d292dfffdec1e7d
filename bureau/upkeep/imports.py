"""How the bureau's tables are imported: which rules each has beyond its declaration, how its records are found."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bureau.cases import case_import, ledger_import
from bureau.people import finders, roster_import
from bureau.people.assignments import AssignmentRules
from bureau.referrals import referral_import
from bureau.settings import settings
from panel.imports import import_undo
from panel.imports.rules import Registry


def keep_days(session: Session) -> int:
    """For how many days the office wants imports to be taken back."""
    return int(settings.get(session, "import_keep_days"))


def forget(session: Session) -> None:
    """Periodic: let go of what imports kept that can't be taken back any more."""
    import_undo.forget(session, keep_days(session))


def registry() -> Registry:
    return Registry(
        keep_days=keep_days,
        rules={
            "community": roster_import.CommunityRules,
            "liaison": roster_import.LiaisonRules,
            "officer": roster_import.OfficerRules,
            "assignment": AssignmentRules,
            "checklistitem": case_import.ItemRules,
            "case": ledger_import.LedgerRules,
            "action": case_import.ActionRules,
            "referral": referral_import.ReferralRules,
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
