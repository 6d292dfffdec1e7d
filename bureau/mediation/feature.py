"""Measurements and mediation."""

from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.handling import HANDLE
from bureau.cases.steps.intake import REJECT, VOID
from bureau.mediation import mediation, steps
from bureau.menu import RECORDS, WORK
from models import Measurement, Mediation, MediationMember, MediationSession
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.cases.web.sections import CaseSite
    from bureau.mediation.web.disputes import SOURCE, MeasurementView, MediationView

    return CaseSite(views={Mediation: MediationView, Measurement: MeasurementView}, sections=(SOURCE,))


FEATURE = CaseFeature(
    screens=(
        Screen(Mediation, WORK, "handshake-o", rank=12),
        Screen(Measurement, RECORDS, "tachometer", rank=25),
        Screen(MediationSession, RECORDS, "comments-o", rank=26),
        Screen(MediationMember, RECORDS, "users", rank=27),
    ),
    steps=steps.STEPS,
    checks=((HANDLE, mediation.require_settled), (REJECT, mediation.break_off), (VOID, mediation.break_off)),
    site=_site,
)
