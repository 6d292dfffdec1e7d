"""Registers that are printed and filed."""

from bureau.menu import LEDGERS
from panel.i18n import _
from panel.web.features import Feature, Site
from panel.web.panel import Link


def _site() -> Site:
    from bureau.registers.web import pages

    return Site(
        links=(Link(_("Registers"), "registers", "print", LEDGERS, pages.may_open, rank=20),),
        routes=pages.ROUTES,
    )


FEATURE = Feature(handbook="registers", commands={"bureau.registers.web.commands": ("register",)}, site=_site)
