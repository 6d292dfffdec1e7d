"""How the bureau's tables are imported: which rules each has beyond its declaration, how its records are found."""

from __future__ import annotations

from casework import casefiles, finders, oldledgers, rosters
from casework.assignments import AssignmentRules
from panel.rules import Registry


def registry() -> Registry:
    return Registry(
        rules={
            "community": rosters.CommunityRules,
            "liaison": rosters.LiaisonRules,
            "officer": rosters.OfficerRules,
            "assignment": AssignmentRules,
            "checklistitem": casefiles.ItemRules,
            "case": oldledgers.LedgerRules,
            "action": casefiles.ActionRules,
            "referral": casefiles.ReferralRules,
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
