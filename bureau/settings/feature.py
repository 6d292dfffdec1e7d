"""Settings of the office."""

from bureau.menu import SYSTEM
from panel.i18n import _
from panel.web.features import Feature, Route, Site
from panel.web.panel import Link, Panel


def _site() -> Site:
    from bureau.settings import settings
    from bureau.settings.web import pages

    def configure(panel: Panel) -> None:
        panel.store_setting = settings.put
        panel.compare_limit = lambda session: settings.get(session, "compare_limit")

    return Site(
        configure=configure,
        routes=(Route("/settings", "settings", pages.page, methods=("GET", "POST")),),
        links=(Link(_("Settings"), "settings", "sliders", SYSTEM, pages.may_open, rank=52),),
    )


FEATURE = Feature(handbook="settings", site=_site)
