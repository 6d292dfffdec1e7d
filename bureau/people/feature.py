"""Streets, squads, departments, communities, and the people who work there."""

from bureau.menu import LISTS, ROSTER
from bureau.people import finders, roster_import
from bureau.people.assignments import AssignmentRules
from models import Community, Department, Liaison, Officer, Squad, Street, Volunteer
from panel.web.features import Feature, Screen, Site


def _site() -> Site:
    from bureau.people.web.roster_page import LiaisonView

    return Site(views={Liaison: LiaisonView})


FEATURE = Feature(
    screens=(
        Screen(Community, ROSTER, "building-o", rank=40),
        Screen(Liaison, ROSTER, "id-card-o", rank=41),
        Screen(Officer, ROSTER, "shield", rank=42),
        Screen(Volunteer, ROSTER, "heart-o", rank=44),
        Screen(Department, LISTS, "sitemap", rank=52),
        Screen(Street, LISTS, "road", rank=53),
        Screen(Squad, LISTS, "users", rank=54),
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
