"""Registers that are printed and filed."""

from bureau.menu import LEDGERS
from bureau.registers.web import commands, pages
from panel.i18n import _
from panel.web.features import Feature
from panel.web.panel import Link

FEATURE = Feature(
    links=(Link(_("Registers"), "registers", "print", LEDGERS, pages.may_open),),
    routes=pages.ROUTES,
    commands=(commands.install,),
)
