"""Measurements and mediation."""

from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.handling import HANDLE
from bureau.cases.steps.intake import REJECT, VOID
from bureau.mediation import agreements, mediation, steps
from bureau.menu import RECORDS, WORK
from models import Measurement, Mediation, MediationMember, MediationSession
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.cases.web.sections import CaseSite
    from bureau.mediation.web.case_section import SOURCE
    from bureau.mediation.web.measurement_view import MeasurementView
    from bureau.mediation.web.mediation_view import MediationView

    return CaseSite(views={Mediation: MediationView, Measurement: MeasurementView}, sections=(SOURCE,))


FEATURE = CaseFeature(
    screens=(
        Screen(Mediation, WORK, "handshake-o", rank=12),
        Screen(Measurement, RECORDS, "tachometer", rank=25),
        Screen(MediationSession, RECORDS, "comments-o", rank=26),
        Screen(MediationMember, RECORDS, "users", rank=27),
    ),
    steps=steps.STEPS,
    checks=((HANDLE, agreements.require_settled), (REJECT, mediation.break_off), (VOID, mediation.break_off)),
    site=_site,
)
