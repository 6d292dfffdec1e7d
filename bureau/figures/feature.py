"""Figures of the work."""

from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.figures.web import pages, record_lists

    return Site(
        links=(Link(_("Figures"), "figures", "bar-chart", LEDGERS, pages.may_open),),
        routes=pages.ROUTES,
        configure=record_lists.configure,
    )


FEATURE = Feature(handbook="figures", site=_site)
