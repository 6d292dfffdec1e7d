"""Referrals to other departments."""

from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.handling import HANDLE
from bureau.cases.steps.intake import MERGE, VOID
from bureau.cases.web.place_columns import of_cases
from bureau.menu import WORK
from bureau.referrals import effects, leaving, referral_import, steps
from models import Referral
from panel.i18n import _
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.referrals.web.referral_views import ReferralView

    return Site(views={Referral: ReferralView})


FEATURE = CaseFeature(
    extras={Referral: of_cases(Referral)},
    handbook="referrals",
    screens=(
        Screen(
            Referral, WORK, "share-square-o", rank=11, empty=_("None yet. “Refer” on the page of a case makes one.")
        ),
    ),
    steps=steps.STEPS,
    checks=((HANDLE, effects.require_answered), (MERGE, leaving.hand_over), (VOID, leaving.withdraw)),
    rules={"referral": referral_import.ReferralRules},
    site=_site,
)
