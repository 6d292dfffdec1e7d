"""The two lists."""

from bureau.checklists import versions
from bureau.checklists.item_import import ItemRules
from bureau.menu import LISTS, ROSTER
from bureau.people import finders
from models import ChecklistItem, Phrase
from panel.i18n import _
from panel.web.features import Feature, Screen, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.checklists.web import item_views, pages

    return Site(
        views={ChecklistItem: item_views.ChecklistItemView},
        links=(Link(_("The two lists"), "checklists", "list-alt", ROSTER, pages.may_open),),
        routes=pages.ROUTES,
    )


FEATURE = Feature(
    handbook="checklists",
    screens=(Screen(ChecklistItem, LISTS, "check-square-o", rank=51), Screen(Phrase, LISTS, "quote-left", rank=55)),
    rules={"checklistitem": ItemRules},
    watches=versions.WATCHES,
    finders={"checklistitem": finders.ItemFinder},
    site=_site,
)
