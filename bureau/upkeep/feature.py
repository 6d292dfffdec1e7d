"""Running the installation."""

from datetime import timedelta

from bureau.upkeep import imports
from panel.web.features import Feature, Periodic, Site


def _site() -> Site:
    return Site(periodic=(Periodic("imports.forget", timedelta(days=1), imports.forget),))


FEATURE = Feature(
    commands={
        "bureau.upkeep.web.commands": ("backup", "check", "demo", "restore", "setup", "tick", "user"),
        "bureau.upkeep.web.migration_commands": ("db",),
        "bureau.upkeep.web.table_commands": ("export", "template"),
        "bureau.upkeep.web.import_file": ("import",),
        "bureau.upkeep.web.import_commands": ("compare", "imports", "undo"),
    },
    site=_site,
)
