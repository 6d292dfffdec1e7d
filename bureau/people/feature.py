"""Streets, squads, departments, communities, and the people who work there."""

from bureau.menu import LISTS, ROSTER, STAFF, SYSTEM
from bureau.people import administrators, assigned, closing, finders, leaving, liaison_columns, roster_import
from bureau.people.assignments import AssignmentRules
from bureau.people.deputies import DeputyRules
from bureau.people.holdings import PeopleFeature
from bureau.people.personal_words import personal_words
from models import Community, Department, Deputy, Liaison, Officer, Squad, Street, Volunteer
from panel.i18n import _
from panel.security.accounts import User
from panel.web.features import Route, Screen, Site
from panel.web.panel import Link, Panel


def _configure(panel: Panel) -> None:
    panel.personal_words = personal_words


def _site() -> Site:
    from bureau.people.web import accounts_page, handover_page, left_page, merge_page
    from bureau.people.web.roster_page import LiaisonView

    return Site(
        configure=_configure,
        views={
            Community: merge_page.MergeableView,
            Liaison: LiaisonView,
            Officer: accounts_page.OfficerView,
            User: accounts_page.AccountView,
        },
        links=(
            Link(_("Handover"), leaving.PAGE, "random", STAFF, handover_page.may_open, rank=45),
            Link(_("Accounts and people"), "accounts", "address-card-o", SYSTEM, accounts_page.may_open, rank=40),
        ),
        routes=(
            Route(
                "/communities/merge",
                "communities_merge",
                merge_page.page,
                methods=("GET", "POST"),
                handbook="merge",
            ),
            Route("/accounts", "accounts", accounts_page.page, handbook="accounts"),
            Route("/accounts/new", "accounts_make", accounts_page.make, methods=("POST",), handbook="accounts"),
            Route("/accounts/roles", "accounts_grant", accounts_page.grant, methods=("POST",), handbook="accounts"),
            Route("/accounts/link", "accounts_link", accounts_page.link, methods=("GET", "POST"), handbook="accounts"),
            Route("/handover", leaving.PAGE, handover_page.page, methods=("GET", "POST"), handbook="handover"),
            Route(
                "/handover/account",
                "handover_account",
                left_page.deactivate,
                methods=("POST",),
                handbook="handover",
            ),
        ),
    )


FEATURE = PeopleFeature(
    extras={Liaison: liaison_columns.OF_LIAISON},
    handbook="people",
    holdings=assigned.HOLDINGS,
    watches=(*administrators.WATCHES, *leaving.WATCHES, *closing.WATCHES),
    screens=(
        Screen(Community, ROSTER, "building-o", rank=40),
        Screen(Liaison, ROSTER, "id-card-o", rank=41),
        Screen(Officer, ROSTER, "shield", rank=42),
        Screen(Deputy, STAFF, "exchange", rank=44, handbook="deputies"),
        Screen(Volunteer, STAFF, "heart-o", rank=45),
        Screen(Department, LISTS, "sitemap", rank=52),
        Screen(Street, LISTS, "road", rank=53),
        Screen(Squad, LISTS, "users", rank=54),
        Screen(User, SYSTEM, "user-circle-o", rank=60, handbook="accounts"),
    ),
    rules={
        "community": roster_import.CommunityRules,
        "liaison": roster_import.LiaisonRules,
        "officer": roster_import.OfficerRules,
        "assignment": AssignmentRules,
        "deputy": DeputyRules,
    },
    finders={
        "street": finders.NamedFinder,
        "squad": finders.NamedFinder,
        "department": finders.NamedFinder,
        "community": finders.CommunityFinder,
        "officer": finders.OfficerFinder,
        "liaison": finders.LiaisonFinder,
    },
    site=_site,
)
