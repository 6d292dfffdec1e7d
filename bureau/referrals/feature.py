"""Referrals to other departments."""

from bureau.cases.steps.handling import HANDLE
from bureau.cases.web.case_feature import CaseFeature
from bureau.menu import WORK
from bureau.referrals import effects, referral_import, steps
from bureau.referrals.web.referral_views import ReferralView
from models import Referral
from panel.web.features import Screen

FEATURE = CaseFeature(
    screens=(Screen(Referral, WORK, "share-square-o", ReferralView, rank=11),),
    steps=steps.STEPS,
    checks=((HANDLE, effects.require_answered),),
    rules={"referral": referral_import.ReferralRules},
)
