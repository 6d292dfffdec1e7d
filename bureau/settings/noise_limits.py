"""Noise limits at the boundary by noise zone, day and night (GB 22337), and their kinds.

Levels are judged as recorded: the officer makes the standard's correction for background noise before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation

from models import Conclusion, Period
from panel.i18n import _
from panel.kinds import ZONE, Invalid, Text, narrow, tidy


@dataclass(frozen=True, slots=True)
class NoiseLimits:
    """Pairs of limits by day and by night in dB(A), for the zones 0 to 4. Raises ValueError for any other number of
    zones and for limits outside 0 to 200."""

    zones: tuple[tuple[Decimal, Decimal], ...] = tuple(
        (Decimal(day), Decimal(night)) for day, night in ((50, 40), (55, 45), (60, 50), (65, 55), (70, 55))
    )

    def __post_init__(self) -> None:
        if len(self.zones) != 5 or any(not 0 < limit < 200 for pair in self.zones for limit in pair):
            raise ValueError(f"no limits of the zones 0 to 4: {self.zones}")

    def limit(self, zone: int, period: Period) -> Decimal:
        day, night = self.zones[zone]
        return night if period is Period.NIGHT else day


@dataclass(frozen=True, slots=True)
class NightHours:
    """The night in local time; it spans midnight. Raises ValueError if it doesn't."""

    begin: time = time(22)
    end: time = time(6)

    def __post_init__(self) -> None:
        if self.begin <= self.end:
            raise ValueError("a night begins in the evening and ends in the morning")

    def period(self, at: datetime) -> Period:
        clock = at.astimezone(ZONE).time()
        return Period.NIGHT if clock >= self.begin or clock < self.end else Period.DAY


def judge(value: Decimal, limit: Decimal) -> Conclusion:
    """The conclusion for a level; one equal to the limit is within it."""
    return Conclusion.WITHIN if value <= limit else Conclusion.OVER


@dataclass(frozen=True, slots=True)
class Limits(Text):
    """The kind of noise limits, written "50/40, 55/45, 60/50, 65/55, 70/55"."""

    length: int = 80

    def parse(self, raw: object) -> NoiseLimits | None:  # type: ignore[override]
        if isinstance(raw, NoiseLimits):
            return raw
        text = re.sub(r"\s", "", narrow(tidy(raw)))
        if not text:
            return None
        try:
            pairs = [pair.split("/") for pair in re.split(r"[,，、;；]", text)]
            return NoiseLimits(tuple((Decimal(day), Decimal(night)) for day, night in pairs))
        except (ValueError, InvalidOperation):
            raise Invalid(
                _("Day and night for each of the zones 0 to 4. Example: 50/40, 55/45, 60/50, 65/55, 70/55.")
            ) from None

    def format(self, value: NoiseLimits | None) -> str:
        return (
            ""
            if value is None
            else ", ".join(f"{day.normalize():f}/{night.normalize():f}" for day, night in value.zones)
        )


_NIGHT = re.compile(r"(\d{1,2})[:：](\d{2})[-–—~至到](\d{1,2})[:：](\d{2})")


@dataclass(frozen=True, slots=True)
class Night(Text):
    """The kind of the night's hours, written "22:00-06:00"."""

    length: int = 20

    def parse(self, raw: object) -> NightHours | None:  # type: ignore[override]
        if isinstance(raw, NightHours):
            return raw
        text = re.sub(r"\s", "", narrow(tidy(raw)))
        if not text:
            return None
        try:
            if (match := _NIGHT.fullmatch(text)) is None:
                raise ValueError(text)
            a, b, c, d = (int(part) for part in match.groups())
            return NightHours(time(a, b), time(c, d))
        except ValueError:
            raise Invalid(_("This is no night. Example: 22:00-06:00.")) from None

    def format(self, value: NightHours | None) -> str:
        return "" if value is None else f"{value.begin:%H:%M}-{value.end:%H:%M}"
