"""The home page, and the frame of every page."""

from bureau.menu import OVERVIEW
from panel.i18n import _
from panel.web.features import Feature, Site
from panel.web.panel import Link, Panel


def _configure(panel: Panel) -> None:
    from bureau.home.web import frame

    panel.search_table = "case"
    frame.install(panel)


def _site() -> Site:
    return Site(links=(Link(_("Home"), "home", "home", OVERVIEW, first=True, rank=1),), configure=_configure)


FEATURE = Feature(site=_site)
