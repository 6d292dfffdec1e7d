"""Measurements and mediation."""

from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.handling import HANDLE
from bureau.cases.steps.intake import MERGE, REJECT, VOID
from bureau.cases.web.place_columns import of_cases
from bureau.mediation import agreements, mediation, steps
from bureau.menu import ON_CASE, RECORDS, WORK
from models import Measurement, Mediation, MediationMember, MediationSession
from panel.i18n import _
from panel.web.features import Screen, Site


def _site() -> Site:
    from bureau.cases.web.sections import CaseSite
    from bureau.mediation.web.case_section import SOURCE
    from bureau.mediation.web.measurement_view import MeasurementView
    from bureau.mediation.web.mediation_view import MediationView

    return CaseSite(views={Mediation: MediationView, Measurement: MeasurementView}, sections=(SOURCE,))


ON_MEDIATION = _("None yet. They are added on the page of a mediation.")

FEATURE = CaseFeature(
    extras={Mediation: of_cases(Mediation)},
    handbook="mediation",
    screens=(
        Screen(
            Mediation,
            WORK,
            "handshake-o",
            rank=12,
            empty=_("None yet. “Begin mediation” on the page of a case makes one."),
        ),
        Screen(Measurement, RECORDS, "tachometer", rank=25, empty=ON_CASE),
        Screen(MediationSession, RECORDS, "comments-o", rank=26, empty=ON_MEDIATION),
        Screen(MediationMember, RECORDS, "users", rank=27, empty=ON_MEDIATION),
    ),
    steps=steps.STEPS,
    listeners=(steps.ask_performance,),
    checks=(
        (HANDLE, agreements.require_settled),
        *((step, mediation.break_off) for step in (REJECT, VOID, MERGE)),
    ),
    site=_site,
)
