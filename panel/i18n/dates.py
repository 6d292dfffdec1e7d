"""Months and periods as the reader's language writes them on pages. Papers and files are Chinese: bureau/calendar."""

from __future__ import annotations

from datetime import date

from panel.i18n.text import current_locale


def month_name(month: int) -> str:
    """7月, Jul."""
    from babel.dates import get_month_names  # noqa: PLC0415 - loads the names of a language

    return str(get_month_names("abbreviated", "stand-alone", current_locale())[month])


def year_month(day: date) -> str:
    """2026年5月, May 2026."""
    from babel.dates import format_skeleton  # noqa: PLC0415 - as above

    return str(format_skeleton("yMMM", day, locale=current_locale()))


def interval(first: date, last: date, skeleton: str = "yMMMd") -> str:
    """May 3 - 20, 2026."""
    from babel.dates import format_interval  # noqa: PLC0415 - as above

    return str(format_interval(first, last, skeleton, locale=current_locale()))
