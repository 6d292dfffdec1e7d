"""The monthly ledger."""

from datetime import timedelta

from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature, Periodic, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.ledger.web import files, pages

    return Site(
        links=(Link(_("Monthly ledger"), "ledgers", "table", LEDGERS, pages.may_open, rank=10),),
        routes=pages.ROUTES,
        periodic=(Periodic("ledger.drafts", timedelta(minutes=30), files.draw_up_due),),
    )


FEATURE = Feature(handbook="ledger", commands={"bureau.ledger.web.commands": ("ledger",)}, site=_site)
