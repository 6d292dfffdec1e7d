"""Figures as text, for page, charts and workbook."""

from __future__ import annotations

from bureau.figures.figures import Figure, Form
from bureau.figures.sums import NO_VALUE, Value
from panel.i18n import Message, _


def number(figure: Figure, value: Value) -> str:
    """A value as text: "87.6%", "1.8", or "1.4 / 1" for mean and median; NO_VALUE for divisor 0."""
    if value.number is None:
        return NO_VALUE
    if figure.form is Form.SHARE:
        return f"{value.number:.1%}"
    if figure.form is Form.EACH:
        return f"{value.number:.1f}"
    assert value.median is not None
    return f"{value.number:.1f} / {value.median:g}"


def unit(figure: Figure) -> Message | str:
    """The unit of a figure; "" for a share."""
    if figure.form is Form.DAYS:
        return _("mean / median, working days")
    return _("times") if figure.form is Form.EACH else ""


def label(figure: Figure) -> Message:
    """The label of a figure with its unit."""
    figure_unit = unit(figure)
    return _("{label} ({unit})", label=figure.label, unit=figure_unit) if figure_unit else figure.label


def difference(figure: Figure, first: Value, second: Value) -> tuple[str, str]:
    """The difference of two values, in percentage points or the figure's unit, and its tone: "good", "bad" or ""."""
    if first.number is None or second.number is None:
        return NO_VALUE, ""
    gap = first.number - second.number
    shown = f"{gap * 100:+.1f}" if figure.form is Form.SHARE else f"{gap:+.1f}"
    if figure.good is None or float(shown) == 0:
        return shown, ""
    return shown, "good" if (gap > 0) is figure.good else "bad"
