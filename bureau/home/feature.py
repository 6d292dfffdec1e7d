"""The home page, and the frame of every page."""

from bureau import menu
from bureau.menu import OVERVIEW
from panel.i18n import _
from panel.web.features import Feature, Route, Site
from panel.web.panel import Link, Panel

#: Found above every page, in this order.
SEARCHED = (
    "case",
    "community",
    "liaison",
    "officer",
    "checklistitem",
    "referral",
    "mediation",
    "department",
    "volunteer",
    "user",
)
#: What people also call a page.
ALSO_CALLED = {
    "liaison": _("Roster of liaisons"),
    "report": _("Enter a case"),
    "calendar": _("Public holidays"),
    "ledgers": _("Case ledger"),
    "accounts": _("Log-in names"),
}


def _configure(panel: Panel) -> None:
    from bureau.home.web import frame
    from bureau.home.web.first_accounts import FIRST_ACCOUNTS

    panel.searched = SEARCHED
    panel.also_called |= ALSO_CALLED
    panel.first_accounts = FIRST_ACCOUNTS
    panel.menu_order, panel.menu_folded, panel.bar = menu.ORDER, menu.FOLDED, menu.BAR
    frame.install(panel)


def _site() -> Site:
    from bureau.home.web import first_steps

    return Site(
        links=(Link(_("Home"), "home", "home", OVERVIEW, first=True, rank=1),),
        routes=(
            Route("/first-steps", first_steps.PAGE, first_steps.page, handbook="start"),
            Route(
                "/first-steps/aside", "first_steps_aside", first_steps.put_aside, methods=("POST",), handbook="start"
            ),
        ),
        configure=_configure,
    )


FEATURE = Feature(site=_site)
