"""Running the installation."""

from datetime import timedelta

from bureau.upkeep import imports
from bureau.upkeep.web import commands, import_commands, migration_commands, table_commands
from panel.web.features import Feature, Periodic

FEATURE = Feature(
    commands=(commands.install, migration_commands.install, table_commands.install, import_commands.install),
    periodic=(Periodic("imports.forget", timedelta(days=1), imports.forget),),
)
