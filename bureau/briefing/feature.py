"""The month in words."""

from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.briefing.web import pages

    return Site(
        links=(Link(_("Month in words"), "briefing", "file-word-o", LEDGERS, pages.may_open),), routes=pages.ROUTES
    )


FEATURE = Feature(handbook="briefing", site=_site)
