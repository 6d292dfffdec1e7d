"""Settings: each declared once, stored as text, parsed by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bureau.settings.hours import Hours, OfficeHours
from bureau.settings.noise_limits import Limits, Night, NightHours, NoiseLimits
from panel.base import UNSCOPED
from panel.i18n import Message, _
from panel.imports.rules import UNDO_DAYS
from panel.kinds import Code, Flag, Invalid, Kind, Text, Whole
from panel.store.records import Setting


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting. `default` is the value without a stored row; `editable` is False for settings that only the program
    sets."""

    key: str
    label: Message
    help: Message
    default: Any
    kind: Kind
    editable: bool = True


DECLARED: Mapping[str, Declared] = {
    declared.key: declared
    for declared in (
        Declared(
            "unit_name",
            _("Name of the unit"),
            _("Stands above pages and ledgers, for example 南湖区综合行政执法局. Empty: 综合执法＋社区服务 alone."),
            "",
            Text(40),
        ),
        Declared(
            "ledger_title",
            _("Title of the monthly ledger"),
            _("Stands between the name of the unit and the month."),
            "“综合执法+社区服务管理”案件台账",
            Text(60),
        ),
        Declared("ledger_maker", _("Ledger made by"), _("Printed in its last line, before signing."), "", Text(20)),
        Declared(
            "ledger_checker", _("Ledger checked by"), _("Printed in its last line, before signing."), "", Text(20)
        ),
        Declared("ledger_head", _("Head who signs the ledger"), _("Empty: a blank to sign in."), "", Text(20)),
        Declared(
            "ledger_by_closing",
            _("Draw up the ledger by closing as well"),
            _("On the first working day last month's ledger is drawn up by acceptance, and by closing if this is on."),
            True,
            Flag(),
        ),
        Declared(
            "case_prefix",
            _("Prefix of case numbers"),
            _("Letters before the year, as in NH-2026-000123. A new prefix starts its own numbers."),
            "NH",
            Code(8),
        ),
        Declared(
            "separate_admins",
            _("Separate administrators"),
            _("Administrator, security and auditor must be three accounts."),
            True,
            Flag(),
        ),
        Declared(
            "office_hours",
            _("Office hours"),
            _("In which limits in hours run, for example 08:30-12:00, 13:30-17:30."),
            OfficeHours(),
            Hours(),
        ),
        Declared("accept_days", _("Limit to accept (working days)"), _("Counted from the report."), 1, Whole(1, 60)),
        Declared(
            "accept_urgent_hours",
            _("Limit to accept what is urgent (hours)"),
            _("Counted from the report, around the clock."),
            2,
            Whole(1, 200),
        ),
        Declared(
            "dispatch_hours", _("Limit to dispatch (office hours)"), _("Counted from acceptance."), 4, Whole(1, 200)
        ),
        Declared("verify_days", _("Limit to verify (working days)"), _("Counted from handling."), 2, Whole(1, 60)),
        Declared("feedback_days", _("Limit to feed back (working days)"), _("Counted from handling."), 1, Whole(1, 60)),
        Declared(
            "attachment_size",
            _("Largest attachment (MB)"),
            _("Of each picture or PDF as it is handed in; pictures are made smaller when they are kept."),
            10,
            Whole(1, 50),
        ),
        Declared(
            "attachments_most",
            _("Attachments of a case"),
            _("So many pictures and papers a case may have."),
            20,
            Whole(1, 100),
        ),
        Declared(
            "visit_weeks",
            _("Visits planned ahead (weeks)"),
            _("So many weeks before their Monday the visits to the communities are planned."),
            4,
            Whole(1, 26),
        ),
        Declared(
            "mediation_prefix",
            _("Prefix of mediation numbers"),
            _("Letters before the year, as in TJ-2026-000123; not those of case numbers."),
            "TJ",
            Code(8),
        ),
        Declared(
            "noise_limits",
            _("Noise limits, dB(A)"),
            _("By day/by night for the zones 0 to 4, at the boundary: 50/40, 55/45, 60/50, 65/55, 70/55 by GB 22337."),
            NoiseLimits(),
            Limits(),
        ),
        Declared("night_hours", _("Night"), _("When the limits of the night hold."), NightHours(), Night()),
        Declared(
            "extension_times",
            _("Extensions of one deadline"),
            _("How often a deadline may be extended."),
            1,
            Whole(0, 9),
        ),
        Declared(
            "extension_share",
            _("Longest extension (% of the limit)"),
            _("By how much a deadline may be extended at once: 100 is the original limit."),
            100,
            Whole(1, 1000),
        ),
        Declared(
            "repeat_days",
            _("Window for repeats (days)"),
            _("A case is taken for a repeat of one that is open or was closed so many days before."),
            90,
            Whole(1, 1000),
        ),
        Declared(
            "remind_soon",
            _("Remind the handler when a case is due soon"),
            _("When its light turns yellow."),
            True,
            Flag(),
        ),
        Declared(
            "remind_leader",
            _("Remind the squad leader when a case is overdue"),
            _("Besides its handler. When its light turns red."),
            True,
            Flag(),
        ),
        Declared(
            "remind_stage",
            _("Remind when a case waits too long to be accepted, dispatched, verified or fed back"),
            _("Lead officer and office, by the limits above; of verifying the squad leader as well."),
            True,
            Flag(),
        ),
        Declared(
            "remind_sign",
            _("Remind when a department hasn't signed for a referral in time"),
            _("The handler, besides the reminder of a late reply."),
            True,
            Flag(),
        ),
        Declared(
            "supervise_days",
            _("Supervision after (working days over)"),
            _("Office and head are told of a case that is overdue for so long. 0: never."),
            3,
            Whole(0, 250),
        ),
        Declared(
            "import_keep_days",
            _("Imports can be taken back (days)"),
            _("So long the panel keeps what an import replaced and the failed rows; afterwards both are cleared."),
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
        Declared("demo", _("Demo data"), _("Whether the records are made up."), False, Flag(), editable=False),
    )
}


def get(session: Session, key: str) -> Any:
    """The value of one setting. Raises KeyError for an undeclared key. One statement."""
    declared = DECLARED[key]
    query = select(Setting.value).where(Setting.key == key)
    return _read(declared, session.scalar(query, execution_options=UNSCOPED))


def all_values(session: Session) -> dict[str, Any]:
    """The values of all settings by key. One statement."""
    query = select(Setting.key, Setting.value).where(Setting.key.in_(DECLARED))
    stored = dict(session.execute(query, execution_options=UNSCOPED).all())
    return {key: _read(declared, stored.get(key)) for key, declared in DECLARED.items()}


def put(session: Session, key: str, value: object) -> None:
    """Store a setting, typed or as get() returns it, and flush. An empty value restores the default.

    Raises KeyError for an undeclared key, panel.kinds.Invalid for a value that its kind refuses."""
    declared = DECLARED[key]
    text = _text(declared, declared.kind.parse(value))
    _check_prefix(session, key, text or declared.default)
    query = select(Setting).where(Setting.key == key)
    row = session.scalar(query, execution_options=UNSCOPED)
    if row is None:
        session.add(Setting(key=key, value=text))
    else:
        row.value = text
    session.flush()


def _check_prefix(session: Session, key: str, value: Any) -> None:
    """Refuse equal prefixes of cases and mediations: they would share numbers, and neither would be gapless."""
    other = {"case_prefix": "mediation_prefix", "mediation_prefix": "case_prefix"}.get(key)
    if other is not None and get(session, other) == value:
        raise Invalid(_("Cases and mediations need prefixes of their own."))


def _read(declared: Declared, text: str | None) -> Any:
    value = declared.kind.parse(text)
    return declared.default if value is None else value


def _text(declared: Declared, value: Any) -> str:
    """The stored text; flags as 1 and 0, because their words depend on the language."""
    return str(int(value)) if isinstance(value, bool) else declared.kind.format(value)
