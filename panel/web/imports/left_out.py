"""The rows of a file that are not read as data: how many, why, and links that take them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from panel.i18n import Message, _, listed, n_
from panel.imports.questions import LeftOut, row_key
from panel.imports.stored_plan import StoredLeftOut
from panel.web.pages import Button, LeftOutRow, LeftOutRows

#: Rows that a page names.
NAMED, LISTED = 8, 200

Rows = Sequence[LeftOut | StoredLeftOut]


def summary(rows: Rows) -> Message | None:
    """How many rows are left out, which and why: 3 行未读取（2、15、24：合计、签字）."""
    if not rows:
        return None
    numbers = listed(str(row.row) for row in rows[:NAMED])
    return n_(
        "{n} not read ({rows}: {why})",
        "{n} not read ({rows}: {why})",
        len(rows),
        rows=numbers if len(rows) <= NAMED else f"{numbers} …",
        why=listed(dict.fromkeys(str(row.why) for row in rows)),
    )


def counts(read: int, left: Message | None) -> Message:
    """How many rows a file has, and how many of them are read."""
    if left is None:
        return n_("{n} row of data", "{n} rows of data", read)
    total = read + int(str(left.values["n"]))
    return _("{total} rows: {read} read, {left}", total=total, read=read, left=left)


def build(rows: Rows, state: Mapping[str, Any], link: Callable[[list[str]], str]) -> LeftOutRows:
    """The rows for the page, each with a link that takes it in; and those that were taken in, with a link that leaves
    them out again. `link` gives the address of the page with the taken rows."""
    taken = list(state.get("taken") or ())
    sheets = {row.sheet for row in rows}
    shown = LeftOutRows(len(rows))
    for row in rows[:LISTED]:
        button = Button(_("Read this row"), link([*taken, row_key(row.sheet, row.row)]))
        shown.rows.append(LeftOutRow(row.row, row.sheet if len(sheets) > 1 else "", str(row.why), row.text, button))
    for key in taken:
        button = Button(_("Leave it out"), link([other for other in taken if other != key]))
        shown.taken.append((key.rpartition("!")[2], button))
    return shown
