"""Figures in words: as the page, the charts and the workbook show them."""

from __future__ import annotations

from bureau.figures.figures import Figure, Form
from bureau.figures.sums import NO_VALUE, Value
from panel.i18n import Message, _


def number(figure: Figure, value: Value) -> str:
    """87.6%, 1.8, or 1.4 / 1 for mean and median; where there is nothing to divide by, a dash."""
    if value.number is None:
        return NO_VALUE
    if figure.form is Form.SHARE:
        return f"{value.number:.1%}"
    if figure.form is Form.EACH:
        return f"{value.number:.1f}"
    assert value.median is not None
    return f"{value.number:.1f} / {value.median:g}"


def unit(figure: Figure) -> Message | str:
    """What stands behind the name of a figure that is no share."""
    if figure.form is Form.DAYS:
        return _("mean / median, working days")
    return _("times") if figure.form is Form.EACH else ""


def label(figure: Figure) -> Message:
    """The name of a figure with its unit."""
    said = unit(figure)
    return _("{label} ({unit})", label=figure.label, unit=said) if said else figure.label


def difference(figure: Figure, one: Value, other: Value) -> tuple[str, str]:
    """How much one is above another, in percentage points or in the figure's unit, and whether that is good or bad:
    "good", "bad" or ""."""
    if one.number is None or other.number is None:
        return NO_VALUE, ""
    above = one.number - other.number
    shown = f"{above * 100:+.1f}" if figure.form is Form.SHARE else f"{above:+.1f}"
    if figure.good is None or float(shown) == 0:
        return shown, ""
    return shown, "good" if (above > 0) is figure.good else "bad"
