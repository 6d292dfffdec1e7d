"""Measurements and mediation."""

from bureau.cases.steps.handling import HANDLE
from bureau.cases.steps.intake import REJECT, VOID
from bureau.cases.web.case_feature import CaseFeature
from bureau.mediation import mediation, steps
from bureau.mediation.web.disputes import SOURCE, MeasurementView, MediationView
from bureau.menu import RECORDS, WORK
from models import Measurement, Mediation, MediationMember, MediationSession
from panel.web.features import Screen

FEATURE = CaseFeature(
    screens=(
        Screen(Mediation, WORK, "handshake-o", MediationView, rank=12),
        Screen(Measurement, RECORDS, "tachometer", MeasurementView, rank=25),
        Screen(MediationSession, RECORDS, "comments-o", rank=26),
        Screen(MediationMember, RECORDS, "users", rank=27),
    ),
    steps=steps.STEPS,
    checks=((HANDLE, mediation.require_settled), (REJECT, mediation.break_off), (VOID, mediation.break_off)),
    sections=(SOURCE,),
)
