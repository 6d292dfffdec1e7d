"""Referrals to other departments."""

from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.handling import HANDLE
from bureau.menu import WORK
from bureau.referrals import effects, referral_import, steps
from models import Referral
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.referrals.web.referral_views import ReferralView

    return Site(views={Referral: ReferralView})


FEATURE = CaseFeature(
    screens=(Screen(Referral, WORK, "share-square-o", rank=11),),
    steps=steps.STEPS,
    checks=((HANDLE, effects.require_answered),),
    rules={"referral": referral_import.ReferralRules},
    site=_site,
)
