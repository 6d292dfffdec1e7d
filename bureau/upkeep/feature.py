"""Running the installation."""

from datetime import timedelta

from bureau.upkeep import imports
from panel.jobs import clock_watch
from panel.store import once
from panel.store.login import sessions, tries
from panel.web.features import Feature, Periodic, Site


def _site() -> Site:
    from bureau.upkeep import retention
    from bureau.upkeep.web import archives_page, backups, backups_page, clock_page, growth, retention_page

    return Site(
        links=(*backups_page.LINKS, *archives_page.LINKS, *retention_page.LINKS),
        routes=(*archives_page.ROUTES, *backups_page.ROUTES, *clock_page.ROUTES, *retention_page.ROUTES),
        configure=backups_page.install,
        periodic=(
            Periodic("clock.see", clock_watch.EVERY, clock_watch.see),
            Periodic("backups.make", timedelta(minutes=4), backups.make_due),
            Periodic("imports.forget", timedelta(days=1), imports.forget),
            Periodic("forms.forget", timedelta(days=1), once.delete_expired),
            Periodic("people.anonymise", timedelta(days=1), retention.run_due),
            Periodic("logs.archive", timedelta(days=1), growth.archive_logs),
            Periodic("imports.archive", timedelta(days=1), growth.archive_import_rows),
            Periodic("drafts.archive", timedelta(days=1), growth.archive_drafts),
            Periodic("database.optimize", timedelta(days=1), growth.optimize),
            Periodic("database.rewrite", timedelta(hours=1), growth.rewrite),
            Periodic("sessions.forget", timedelta(days=1), sessions.delete_ended),
            Periodic("tries.forget", timedelta(days=1), tries.delete_expired),
        ),
    )


FEATURE = Feature(
    commands={
        "bureau.upkeep.web.commands": ("check", "demo", "keys", "setup", "tick", "user"),
        "bureau.upkeep.web.backup_commands": ("backup", "backups", "restore"),
        "bureau.upkeep.web.index_command": ("reindex",),
        "bureau.upkeep.web.log_commands": ("logs",),
        "bureau.upkeep.web.private_commands": ("private",),
        "bureau.upkeep.web.migration_commands": ("db",),
        "bureau.upkeep.web.table_commands": ("export", "template"),
        "bureau.upkeep.web.import_file": ("import",),
        "bureau.upkeep.web.import_commands": ("compare", "imports", "undo"),
    },
    handbook="backup",
    site=_site,
)
