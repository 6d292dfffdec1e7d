"""Several texts in one, with the marks of the reader's language: 甲、乙 in Chinese, A, B in English."""

from __future__ import annotations

from collections.abc import Iterable

from panel.i18n.text import Message, _

BETWEEN_NAMES, BETWEEN_CLAUSES = _(", "), _("; ")


def listed(parts: Iterable[object]) -> str:
    """Names in a row: 甲、乙."""
    return str(BETWEEN_NAMES).join(map(str, parts))


def clauses(parts: Iterable[object]) -> str:
    """Longer texts in a row: 状态：在办；社区：东栅社区."""
    return str(BETWEEN_CLAUSES).join(map(str, parts))


def labelled(label: object, text: object) -> Message:
    """A text behind its label: 状态：在办."""
    return _("{label}: {value}", label=label, value=text)


def bracketed(text: object, more: object) -> Message:
    """A text with another one behind it in brackets: 王芳（内勤）."""
    return _("{text} ({more})", text=text, more=more)
