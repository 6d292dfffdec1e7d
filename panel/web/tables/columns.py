"""The choice of the columns of a list. It stands in the address, and drives the export too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from panel.fields import field_named
from panel.i18n import Message, _
from panel.search import columns, listing
from panel.search.columns import Layout
from panel.web.context import current_panel
from panel.web.pages import ColumnOption

#: Prefix of the controls of widths.
WIDTH = "width."


def options(model: type[Any], layout: Layout, widths: Mapping[str, int]) -> list[ColumnOption]:
    """The columns to choose from: those shown in their order, then the others in that of their declaration."""
    choosable = {f.name: f for f in columns.choosable(current_panel().session, model)}
    shown = [name for name in layout.names if name in choosable]
    others = [name for name in choosable if name not in shown]
    result = []
    for name in (*shown, *others):
        above = field_named(model, choosable[name].below or "") if choosable[name] not in layout.columns else None
        note: Message | str = _("below {label}", label=above.label) if above is not None else ""
        result.append(ColumnOption(name, choosable[name].label, name in shown, note, widths.get(name, 0)))
    return result


def asked() -> dict[str, str] | None:
    """The columns that the form of the choice asks for, in their order, and their widths, as arguments of an address;
    None if it wasn't sent. A browser without a script moves one column by a button, which names it."""
    if "column" not in request.args:
        return None
    names = list(dict.fromkeys(request.args.getlist("column")))
    for button, by in (("up", -1), ("down", 1)):
        moved = request.args.get(button)
        if moved in names:
            place = names.index(moved)
            names.insert(min(max(place + by, 0), len(names)), names.pop(place))
    widths = {name: width for name in names if (width := listing.width(request.args.get(f"{WIDTH}{name}")))}
    return {"columns": ",".join(names), "widths": listing.widths_text(widths)}
