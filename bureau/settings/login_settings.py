"""Settings of log-in and sessions, which the engine reads: panel/store/login/limits.py."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bureau.settings.declared import Declared
from panel.i18n import _
from panel.kinds import Invalid, Text, Whole, tidy
from panel.security.accounts import RoleName
from panel.store.login.limits import DEFAULTS, FACTOR_ROLES

SEPARATOR = "、"


@dataclass(frozen=True, slots=True)
class RoleNames(Text):
    """Roles as text, typed and shown by their labels, kept by their names."""

    length: int = 200

    def parse(self, raw: object) -> str | None:
        by_label = {str(label): name for name, label in RoleName.labels.items()}
        typed = re.split(r"[、，,;；\s]+", tidy(raw))
        names = [by_label.get(part, part) for part in typed if part]
        if unknown := [name for name in names if name not in RoleName.labels]:
            raise Invalid(
                _(
                    "There is no role {names}. The roles are: {roles}.",
                    names=SEPARATOR.join(unknown),
                    roles=SEPARATOR.join(by_label),
                )
            )
        return SEPARATOR.join(dict.fromkeys(names)) or None

    def format(self, value: str | None) -> str:
        return SEPARATOR.join(str(RoleName.labels.get(name, name)) for name in (value or "").split(SEPARATOR) if name)

    def stored(self, value: str | None) -> str:
        return value or ""


LOGIN_SETTINGS = (
    Declared(
        "idle_minutes",
        _("A session ends without use after (minutes)"),
        _("Pages that ask by themselves, such as the progress of a task, don't count as use."),
        DEFAULTS.idle_minutes,
        Whole(5, 240),
        administrator=True,
    ),
    Declared(
        "session_hours",
        _("A session lasts at most (hours)"),
        _("Also for those who work in it all the time."),
        DEFAULTS.session_hours,
        Whole(1, 24),
        administrator=True,
    ),
    Declared(
        "password_days",
        _("A password must be changed after (days)"),
        _("At the next log-in; told a week before. 90 by default, as GB/T 22239 asks for regular changes. 0: never."),
        DEFAULTS.password_days,
        Whole(0, 3650),
        administrator=True,
    ),
    Declared(
        "address_tries",
        _("Failed log-ins from an IP address"),
        _(
            "In 15 minutes; then it waits. Browsers that a person has logged in with before aren't held up. More, if "
            "everybody comes by one address."
        ),
        DEFAULTS.address_tries,
        Whole(5, 10_000),
        administrator=True,
    ),
    Declared(
        "account_tries",
        _("Failed log-ins of an account from unknown places"),
        _("In 15 minutes, from all addresses where it hasn't logged in for 30 days, together."),
        DEFAULTS.account_tries,
        Whole(5, 10_000),
        administrator=True,
    ),
    Declared(
        FACTOR_ROLES,
        _("Roles that need a second factor"),
        _(
            "Their accounts type a code from their telephone at log-in, which needs no network; it is set up at the "
            "next log-in. Labels of roles, separated by commas. Empty: nobody."
        ),
        "",
        RoleNames(200),
        administrator=True,
    ),
)
