"""Figures of the work."""

from bureau.figures.web import pages, record_lists
from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature
from panel.web.panel import Link

FEATURE = Feature(
    links=(Link(_("Figures"), "figures", "bar-chart", LEDGERS, pages.may_open),),
    routes=pages.ROUTES,
    configure=record_lists.configure,
)
