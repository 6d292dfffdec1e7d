"""The page that settles what the columns of a file mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from panel.i18n import Message, _, listed, n_
from panel.imports.layout.layout import Layout
from panel.imports.layout.mapping import targets
from panel.imports.layout.sections import Section, SectionColumn
from panel.imports.questions import letter
from panel.web.imports import left_out
from panel.web.imports.preview_state import pack
from panel.web.pages import Button, Chip, ColumnRow, ColumnsPage, ColumnsSection, Input

#: The posted value of the button that reads the file by another header row.
BY_HEADER = "header"


def build(view: Any, sections: Sequence[Section], layout: Layout, state: dict[str, Any]) -> ColumnsPage:
    """The page: each column of the file with samples and a choice of columns, in which the likely one is selected."""
    url, token = view.get_url, pack(state)
    columns = [column for section in sections for column in section.columns]
    asked = sum(column.doubt is not None for column in columns)
    page = ColumnsPage(
        title=_("Import {label} · columns", label=layout.model.__labels__),
        sub=_sub(sections, state),
        buttons=[Button(_("Another file"), url(".import_view"))],
        token=token,
        action_url=url(".columns_view"),
        needed=listed(str(f.label) for f in layout.rules.required()),
        notice=_notice(asked) if asked else "",
        submit=_("Next: preview {n} rows", n=sum(section.count for section in sections)),
    )
    shown = request.args.get("show", "")
    counts = [
        ("", _("All columns"), len(columns)),
        ("asked", _("In doubt"), asked),
        ("left", _("not imported"), sum(not column.name for column in columns)),
    ]
    page.chips = [
        Chip(label, url(".columns_view", token=token, show=name or None), count, active=name == shown)
        for name, label, count in counts
    ]
    choices = _choices(layout)
    for number, section in enumerate(sections):
        rows = [_row(number, column, choices, shown) for column in section.columns]
        page.sections.append(ColumnsSection(listed(section.sheets), rows))
    if len(sections) == 1:
        page.header_rows = Input("header_row", _("Header row"), "select", value=str(sections[0].rows[0]))
        page.header_rows.choices = [(str(rows[0]), _row_words(rows)) for rows in sections[0].header_rows]
    rows_left_out = [row for section in sections for row in section.left_out]

    def take(taken: list[str]) -> str:
        return str(url(".columns_view", token=pack({**state, "taken": sorted(taken)})))

    page.left_out = left_out.build(rows_left_out, state, take)
    return page


def _sub(sections: Sequence[Section], state: Mapping[str, Any]) -> Message:
    rows = _row_words(sections[0].rows) if sections else ""
    count = sum(section.count for section in sections)
    left = left_out.summary([row for section in sections for row in section.left_out])
    sheets = listed(sheet for section in sections for sheet in section.sheets)
    return _(
        "{file} · {sheets} · header in {rows} · {read}",
        file=state["name"],
        sheets=sheets,
        rows=rows,
        read=left_out.counts(count, left),
    )


def _row_words(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return str(_("row {row}", row=rows[0]))
    return str(_("rows {first}–{last}", first=rows[0], last=rows[-1]))


def _notice(asked: int) -> Message:
    return n_(
        "{n} column is in doubt; a proposal is made. Your answer is remembered for files with the same header.",
        "{n} columns are in doubt; a proposal is made for each. Your answers are remembered for files with the same "
        "header.",
        asked,
    )


def _choices(layout: Layout) -> list[tuple[str, str]]:
    offered = targets(layout.model, layout.rules)
    counts = Counter(str(label) for _name, label in offered)
    choices = [("", str(_("not imported")))]
    return [
        *choices,
        *((name, str(label) if counts[str(label)] == 1 else f"{label} ({name})") for name, label in offered),
    ]


def _row(number: int, column: SectionColumn, choices: list[tuple[str, str]], shown: str) -> ColumnRow:
    name = column.doubt.names[0] if column.doubt is not None else column.name
    label = f"{letter(column.index)} {column.label}"
    choice = Input(field_name(number, column.index), label, "select", value=name, choices=choices)
    return ColumnRow(
        letter(column.index),
        column.label,
        choice,
        group=column.group,
        samples=column.samples,
        why=column.doubt.why if column.doubt is not None else column.why or "",
        asked=column.doubt is not None,
        hidden=(shown == "asked" and column.doubt is None) or (shown == "left" and bool(name)),
    )


def field_name(section: int, index: int) -> str:
    """The name of the control of a column: its index alone in the first section."""
    return f"column.{index}" if section == 0 else f"column.{section}.{index}"


def posted(sections: Sequence[Section], form: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The answers in the posted form as Options.columns: for the columns that were asked about, and for those whose
    meaning was changed now or before (`given`)."""
    answers: dict[str, str] = {}
    for number, section in enumerate(sections):
        for column in section.columns:
            name = form.get(field_name(number, column.index), column.name)
            keys = section.keys(column.index, alone=len(sections) == 1)
            if name != column.name or column.doubt is not None or any(key in given for key in keys):
                answers |= dict.fromkeys(keys, name)
    return answers


def posted_error(
    sections: Sequence[Section], read: Sequence[Section], form: Mapping[str, str], layout: Layout
) -> Message | None:
    """The error of the posted form: an unknown column, or one that two columns of the file are said to be. `read` are
    the sections as they are read with the answers. None if there is no error."""
    labels = dict(targets(layout.model, layout.rules))
    for number, (section, after) in enumerate(zip(sections, read, strict=True)):
        names = {column.index: column.name for column in after.columns}
        for column in section.columns:
            name = form.get(field_name(number, column.index), column.name)
            if name and name not in labels:
                return _("There is no column “{name}”.", name=name[:40])
            if name and names.get(column.index) != name:
                return _("Two columns of the file can't both be {label}. Leave one of them out.", label=labels[name])
    return None
