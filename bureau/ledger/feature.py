"""The monthly ledger."""

from datetime import timedelta

from bureau.ledger.web import commands, files, pages
from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature, Periodic
from panel.web.panel import Link

FEATURE = Feature(
    links=(Link(_("Monthly ledger"), "ledgers", "table", LEDGERS, pages.may_open),),
    routes=pages.ROUTES,
    commands=(commands.install,),
    periodic=(Periodic("ledger.drafts", timedelta(minutes=30), files.draw_up_due),),
)
