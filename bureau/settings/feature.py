"""Settings of the office."""

from bureau.menu import SYSTEM
from bureau.settings.web import pages
from panel.i18n import _
from panel.web.features import Feature, Route
from panel.web.panel import Link

FEATURE = Feature(
    routes=(Route("/settings", "settings", pages.page, methods=("GET", "POST")),),
    links=(Link(_("Settings"), "settings", "sliders", SYSTEM, pages.may_open, rank=52),),
)
