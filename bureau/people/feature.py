"""Streets, squads, departments, communities, and the people who work there."""

from bureau.menu import LISTS, ROSTER, SYSTEM
from bureau.people import finders, roster_import
from bureau.people.assignments import AssignmentRules
from models import Community, Department, Liaison, Officer, Squad, Street, Volunteer
from panel.i18n import _
from panel.security.accounts import User
from panel.web.features import Feature, Route, Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.people.web import accounts_page
    from bureau.people.web.roster_page import LiaisonView

    return Site(
        views={Liaison: LiaisonView, Officer: accounts_page.PeopleView, User: accounts_page.AccountView},
        links=(Link(_("Accounts and people"), "accounts", "address-card-o", SYSTEM, accounts_page.may_open, rank=40),),
        routes=(
            Route("/accounts", "accounts", accounts_page.page),
            Route("/accounts/new", "accounts_make", accounts_page.make, methods=("POST",)),
            Route("/accounts/roles", "accounts_grant", accounts_page.grant, methods=("POST",)),
            Route("/accounts/link", "accounts_link", accounts_page.link, methods=("GET", "POST")),
        ),
    )


FEATURE = Feature(
    screens=(
        Screen(Community, ROSTER, "building-o", rank=40),
        Screen(Liaison, ROSTER, "id-card-o", rank=41),
        Screen(Officer, ROSTER, "shield", rank=42),
        Screen(Volunteer, ROSTER, "heart-o", rank=44),
        Screen(Department, LISTS, "sitemap", rank=52),
        Screen(Street, LISTS, "road", rank=53),
        Screen(Squad, LISTS, "users", rank=54),
        Screen(User, SYSTEM, "user-circle-o", rank=60),
    ),
    rules={
        "community": roster_import.CommunityRules,
        "liaison": roster_import.LiaisonRules,
        "officer": roster_import.OfficerRules,
        "assignment": AssignmentRules,
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
