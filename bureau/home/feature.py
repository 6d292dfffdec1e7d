"""The home page and what stands round every page."""

from bureau.home.web import frame
from bureau.menu import OVERVIEW
from panel.i18n import _
from panel.web.features import Feature
from panel.web.panel import Link, Panel


def _configure(panel: Panel) -> None:
    panel.search_table = "case"
    frame.install(panel)


FEATURE = Feature(
    links=(Link(_("Home"), "home", "home", OVERVIEW, first=True, rank=1),),
    configure=_configure,
)
