"""Settings: each declared once, stored as text, parsed by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session

from bureau.settings.declared import Declared
from bureau.settings.default_texts import RIGHTS_AND_DUTIES
from bureau.settings.hours import Hours, OfficeHours
from bureau.settings.keeping import KEEPING
from bureau.settings.login_settings import LOGIN_SETTINGS, RoleNames
from bureau.settings.noise_limits import Limits, Night, NightHours, NoiseLimits
from bureau.settings.user_names import SEPARATOR, UserNames
from panel.base import UNSCOPED
from panel.i18n import _
from panel.kinds import Code, Flag, Invalid, Text, Whole
from panel.security.accounts import User, UserRole
from panel.security.policy import table_of
from panel.security.separation import in_force
from panel.security.session import actor_of
from panel.store.records import Setting

#: The key of the accounts that decide for a squad without a leader.
OFFICE_HEADS = "office_heads"
#: The keys of the settings that two administrators switch off: one asks for it, another confirms.
SEPARATE, ROLES_BY_TWO = "separate_admins", "roles_by_two"
PROTECTIONS = (SEPARATE, ROLES_BY_TWO)
BY_TWO = _("Two administrators switch this off: ask for it on the page of settings, another confirms it.")


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
            SEPARATE,
            _("Separate administrators"),
            _(
                "Administrator, security and auditor must be three accounts; what touches one of them needs another of "
                "them. Two switch it off."
            ),
            True,
            Flag(),
            administrator=True,
        ),
        *LOGIN_SETTINGS,
        Declared(
            ROLES_BY_TWO,
            _("Roles are given by two"),
            _("Security asks for every role given or taken, another administrator confirms. Two switch it off."),
            False,
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
            "transfer_prefix",
            _("Prefix of transfer letters"),
            _("Stands before the year, as in 综执移〔2026〕7号. Each kind of referral counts for itself in each year."),
            "综执移",
            Code(16),
        ),
        Declared(
            "notice_prefix",
            _("Prefix of notices in copy"),
            _("Stands before the year, as in 综执抄〔2026〕7号. Each kind of referral counts for itself in each year."),
            "综执抄",
            Code(16),
        ),
        Declared(
            "joint_prefix",
            _("Prefix of requests for joint coordination"),
            _("Stands before the year, as in 综执协〔2026〕7号. Each kind of referral counts for itself in each year."),
            "综执协",
            Code(16),
        ),
        Declared(
            "committee_prefix",
            _("Prefix of people's mediation agreements"),
            _("Stands before the year, as in 人调协〔2026〕7号. Each form of agreement has a series for each year."),
            "人调协",
            Code(16),
        ),
        Declared(
            "settlement_prefix",
            _("Prefix of settlement agreements"),
            _("Stands before the year, as in 综执和〔2026〕7号. Each form of agreement has a series for each year."),
            "综执和",
            Code(16),
        ),
        Declared(
            "committee_name",
            _("People's mediation committee"),
            _("Seals people's mediation agreements. Empty: that of the case's community."),
            "",
            Text(40),
        ),
        Declared(
            "mediation_rights",
            _("Rights and duties of the parties in mediation"),
            _("Text of the notice that the parties sign before a mediation; a paragraph a line."),
            RIGHTS_AND_DUTIES,
            Text(2000, lines=10),
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
            OFFICE_HEADS,
            _("Office staff who decide for a squad without a leader"),
            _(
                "User names, separated by commas. They approve, void, reopen and change items while the squad has no "
                "leader with an account in use. Empty, or none of them in office: any office staff."
            ),
            "",
            UserNames(200),
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
            "first_steps_aside", _("First steps set aside"), _("Steps not needed now."), "", Text(300), editable=False
        ),
        *KEEPING,
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
    stored: dict[str, str] = dict(session.execute(_every(), execution_options=UNSCOPED).all())
    read = {key: _read(DECLARED[key], text) for key, text in stored.items()}
    return {key: read.get(key, declared.default) for key, declared in DECLARED.items()}


@cache
def _every() -> Executable:
    """The statement of all settings. Nearly every request sends it, so that it is made once."""
    return select(Setting.key, Setting.value).where(Setting.key.in_(DECLARED))


def put(session: Session, key: str, value: object) -> None:
    """Store a setting, typed or as get() returns it, and flush. An empty value restores the default.

    Raises KeyError for an undeclared key, panel.kinds.Invalid for a value that its kind refuses."""
    declared = DECLARED[key]
    text = text_of(declared, parsed := declared.kind.parse(value))
    if key in PROTECTIONS and not parsed and not actor_of(session).system and get(session, key):
        raise Invalid(BY_TWO)
    _check_prefix(session, key, text or declared.default)
    if key == OFFICE_HEADS:
        text = _checked_heads(session, text)
    query = select(Setting).where(Setting.key == key)
    row = session.scalar(query, execution_options=UNSCOPED)
    if row is None:
        session.add(Setting(key=key, value=text))
    else:
        row.value = text
    session.flush()


#: The settings that hold a prefix of numbers.
_PREFIXED = ("case", "mediation", "transfer", "notice", "joint", "committee", "settlement")
PREFIXES = tuple(f"{series}_prefix" for series in _PREFIXED)


def _check_prefix(session: Session, key: str, value: Any) -> None:
    """Refuse a prefix that another kind of numbers has: they would share numbers, and neither would be gapless."""
    if key not in PREFIXES:
        return
    for other in PREFIXES:
        if other != key and get(session, other) == value:
            raise Invalid(_("“{other}” is the same: each kind of numbers needs its own.", other=DECLARED[other].label))


def _checked_heads(session: Session, text: str) -> str:
    """The user names as they are stored. Raises Invalid for one that is no active account of the office."""
    names = text.split(SEPARATOR) if text else []
    user, role = table_of(User).c, table_of(UserRole).c
    query = (
        select(user.username)
        .join(table_of(UserRole), role.user_id == user.id)
        .where(user.active, in_force(role), role.role == "office", user.username.in_(names))
    )
    known = set(session.scalars(query, execution_options=UNSCOPED)) if names else set()
    if unknown := [name for name in names if name not in known]:
        raise Invalid(_("No account of office staff in use: {names}.", names=SEPARATOR.join(unknown)))
    return text


def _read(declared: Declared, text: str | None) -> Any:
    value = declared.kind.parse(text)
    return declared.default if value is None else value


def text_of(declared: Declared, value: Any) -> str:
    """The stored text; flags as 1 and 0, because their words depend on the language, and roles by their names."""
    if isinstance(declared.kind, RoleNames):
        return declared.kind.stored(value)
    return str(int(value)) if isinstance(value, bool) else declared.kind.format(value)
