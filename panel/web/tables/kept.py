"""Parts of pages that are the same each time, such as the conditions beside each filter of a list: what a macro makes
of the same arguments in the same language is kept."""

from __future__ import annotations

from typing import Any

from panel.i18n import current_locale

#: Parts that are kept; then they are made anew.
MOST = 4096
_kept: dict[tuple[Any, ...], Any] = {}


def kept(macro: Any, *arguments: str | bool) -> Any:
    """What a macro makes of its arguments, which it may read alone: neither request nor reader. Its name is that of no
    other macro that is kept."""
    key = (macro.name, current_locale(), *arguments)
    if (markup := _kept.get(key)) is None:
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[key] = markup = macro(*arguments)
    return markup
