"""The two lists."""

from bureau.checklists.web import item_views, pages
from bureau.menu import LISTS, OVERVIEW
from bureau.people import finders
from models import ChecklistItem, Phrase
from panel.i18n import _
from panel.web.features import Feature, Screen
from panel.web.panel import Link

FEATURE = Feature(
    screens=(
        Screen(ChecklistItem, LISTS, "check-square-o", item_views.ChecklistItemView, rank=51),
        Screen(Phrase, LISTS, "quote-left", rank=55),
    ),
    links=(Link(_("The two lists"), "checklists", "list-alt", OVERVIEW, pages.may_open, first=True, rank=5),),
    routes=pages.ROUTES,
    finders={"checklistitem": finders.ItemFinder},
)
