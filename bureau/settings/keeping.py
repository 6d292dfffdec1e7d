"""Settings of what is kept, for how long, and how it is proved."""

from __future__ import annotations

from bureau.settings.declared import Declared
from panel.i18n import _
from panel.imports.rules import UNDO_DAYS
from panel.kinds import Flag, Invalid, Whole
from panel.security import comparisons

#: 等保 2.0 asks for six months of logs and more.
LEAST_LOG_MONTHS = 6


class Months(Whole):
    """Months that logs are kept: none at all, or as many as the rules ask for."""

    def parse(self, raw: object) -> int | None:
        months = Whole.parse(self, raw)
        if months is not None and 0 < months < LEAST_LOG_MONTHS:
            raise Invalid(_("Logs are kept for {n} months at least, or 0 for ever.", n=LEAST_LOG_MONTHS))
        return months


KEEPING = (
    Declared(
        "compare_limit",
        _("Telephones compared a day"),
        _(
            "So many telephones of complainants that an account stores on one day are compared with those of cases "
            "outside its area. Further ones are stored, but not compared, so that nobody finds a number by trying. "
            "An account may search for as many whole numbers a day; further searches aren't answered."
        ),
        comparisons.MOST,
        Whole(0, 500),
    ),
    Declared(
        "backup_hour",
        _("Backup at (hour)"),
        _("From this hour on the panel makes a backup each day and verifies it. 24: never by itself."),
        2,
        Whole(0, 24),
    ),
    Declared("backup_days", _("Daily backups kept"), _("The last one of each of so many days."), 14, Whole(1, 366)),
    Declared("backup_weeks", _("Weekly backups kept"), _("The last one of each of so many weeks."), 8, Whole(0, 260)),
    Declared(
        "backup_months", _("Monthly backups kept"), _("The last one of each of so many months."), 12, Whole(0, 120)
    ),
    Declared(
        "backup_alarm_days",
        _("Backup too old after (days)"),
        _("The administrator's home page shows it in red when the last good backup is so old."),
        2,
        Whole(1, 60),
    ),
    Declared(
        "ledger_log_head",
        _("Print the seal of the logs on the ledger"),
        _("Below the signatures: number and seal of the newest sealed block. Logs cut off later are noticed by it."),
        False,
        Flag(),
    ),
    Declared(
        "log_keep_months",
        _("Logs stay in the database (months)"),
        _("Older entries go to a sealed file in the folder archive; histories don't show them any more. 0: never."),
        0,
        Months(0, 600),
    ),
    Declared(
        "import_rows_months",
        _("Rows of imports stay in the database (months)"),
        _("Afterwards the rows of a batch go to a file in the folder archive; the batch stays. 0: never."),
        0,
        Whole(0, 600),
    ),
    Declared(
        "draft_keep_months",
        _("Drafts of ledgers stay in the database (months)"),
        _("Older ones not handed up go to a sealed file in the folder archive. Ledgers handed up stay. 0: never."),
        0,
        Whole(0, 600),
    ),
    Declared(
        "party_keep_months",
        _("People are anonymised after (months)"),
        _("So long after a case ended, or an entry of the survey was verified. 0: never. A page shows how many."),
        0,
        Whole(0, 600),
    ),
    Declared(
        "import_keep_days",
        _("Imports and deletions can be taken back (days)"),
        _(
            "So long the panel keeps what an import replaced, its failed rows, earlier personal values and deleted "
            "records; afterwards they are cleared."
        ),
        UNDO_DAYS,
        Whole(1, 3650),
    ),
    Declared(
        "notice_days",
        _("Notices are kept (days)"),
        _("Older notices and messages to other systems are cleared."),
        180,
        Whole(1, 3650),
    ),
)
