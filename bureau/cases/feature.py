"""The feature "cases": their screens, pages, steps and import rules."""

from bureau.cases import case_import, ledger_import
from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.approval import APPROVAL
from bureau.cases.steps.handling import HANDLING
from bureau.cases.steps.intake import INTAKE
from bureau.cases.steps.remarks import REMARKS
from bureau.menu import LISTS, OVERVIEW, RECORDS, WORK
from bureau.people import finders
from models import Action, Case, CaseEvent, CaseParty, DeadlineChange, Feedback
from panel.i18n import _
from panel.web.features import Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.cases.web import approvals_page, case_views, deadlines_page, photos, report_page

    return Site(
        views={Case: case_views.CaseView, DeadlineChange: approvals_page.DeadlineChangeView},
        links=(
            Link(_("Report a case"), "report", "bullhorn", OVERVIEW, report_page.may_open, first=True, rank=2),
            Link(
                _("Approvals"),
                "approvals",
                "check-square",
                OVERVIEW,
                approvals_page.may_open,
                first=True,
                badge=approvals_page.badge,
                rank=4,
            ),
            Link(_("Days off and deadlines"), "calendar", "calendar", LISTS, deadlines_page.may_open, rank=51),
        ),
        routes=(*report_page.ROUTES, *approvals_page.ROUTES, *deadlines_page.ROUTES, *photos.ROUTES),
        configure=photos.configure,
    )


FEATURE = CaseFeature(
    screens=(
        Screen(Case, WORK, "folder-open-o", rank=10),
        Screen(Action, RECORDS, "gavel", rank=20),
        Screen(CaseParty, RECORDS, "user-o", rank=21),
        Screen(Feedback, RECORDS, "commenting-o", rank=22),
        Screen(DeadlineChange, RECORDS, "hourglass-half", rank=28),
        Screen(CaseEvent, RECORDS, "history", rank=29),
    ),
    steps=(*INTAKE, *APPROVAL, *HANDLING, *REMARKS),
    rules={
        "checklistitem": case_import.ItemRules,
        "case": ledger_import.LedgerRules,
        "action": case_import.ActionRules,
    },
    finders={"case": finders.CaseFinder},
    site=_site,
)
