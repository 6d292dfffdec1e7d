"""The feature "cases": their screens, pages, steps and import rules."""

from bureau.cases import case_import, handover, ledger_import, repeats
from bureau.cases.case_feature import CaseFeature
from bureau.cases.steps.approval import APPROVAL
from bureau.cases.steps.corrections import CORRECTIONS
from bureau.cases.steps.handling import HANDLING
from bureau.cases.steps.intake import INTAKE
from bureau.cases.steps.remarks import REMARKS
from bureau.cases.steps.unsolved import UNSOLVED
from bureau.menu import LISTS, ON_CASE, OVERVIEW, RECORDS, WORK
from bureau.people import finders
from models import Action, Case, CaseEvent, CaseParty, DeadlineChange, Feedback
from panel.i18n import _
from panel.web.features import Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.cases.web import approvals_page, case_views, deadlines_page, person_cases, photos, report_page
    from bureau.people.web import cards

    cards.SOURCES["cases"] = person_cases.open_cases
    return Site(
        views={Case: case_views.CaseView, DeadlineChange: approvals_page.DeadlineChangeView},
        links=(
            *(
                Link(words, "report", "bullhorn", OVERVIEW, may, first=True, rank=2)
                for words, may in (
                    (report_page.REPORT_A_CASE, report_page.may_report),
                    (report_page.REGISTER_A_CASE, report_page.may_register),
                )
            ),
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
    handbook="cases",
    watches=repeats.WATCHES,
    screens=(
        Screen(
            Case,
            WORK,
            "folder-open-o",
            rank=10,
            empty=_("No cases yet. Liaisons and officers report them, the office registers them."),
        ),
        Screen(Action, RECORDS, "gavel", rank=20, empty=ON_CASE),
        Screen(CaseParty, RECORDS, "user-o", rank=21, handbook="parties", empty=ON_CASE),
        Screen(Feedback, RECORDS, "commenting-o", rank=22, empty=ON_CASE),
        Screen(
            DeadlineChange,
            RECORDS,
            "hourglass-half",
            rank=28,
            handbook="deadlines",
            empty=_("None yet. The handler of a case asks for an extension or suspension on its page."),
        ),
        Screen(CaseEvent, RECORDS, "history", rank=29, empty=_("None yet. Each step of a case adds a line.")),
    ),
    holdings=handover.HOLDINGS,
    steps=(*INTAKE, *APPROVAL, *HANDLING, UNSOLVED, *CORRECTIONS, *REMARKS),
    rules={
        "case": ledger_import.LedgerRules,
        "action": case_import.ActionRules,
    },
    finders={"case": finders.CaseFinder},
    site=_site,
)
