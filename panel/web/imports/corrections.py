"""Controls in the preview that correct the cells of failed rows, and what they post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from panel.base import name_in_files
from panel.fields import Field, field_named
from panel.imports.stored_plan import StoredError, StoredRow
from panel.kinds import Flag, tidy
from panel.web import forms
from panel.web.imports.preview_state import answers_of
from panel.web.lookups import visible
from panel.web.pages import Input

PREFIX, WAS = "cell.", "was.cell."


def control(view: Any, row: StoredRow, error: StoredError, typed: Mapping[str, Mapping[str, str]]) -> Input | None:
    """The control that corrects a cell: that of its column's kind. `typed` are the corrections so far. None for an
    error of the whole row."""
    if not error.name:
        return None
    place = row.place
    declared = _field(view, error.name)
    input_ = forms.control(declared.kind, declared, view.endpoint) if declared else Input("", error.column, "text")
    input_.name = f"{PREFIX}{place}.{error.name}"
    if input_.control not in ("select", "lookup", "flag"):
        # A browser's own control for days and numbers would not show what stands in the cell.
        input_.control = "textarea" if input_.control == "textarea" else "text"
        input_.value = input_.was = typed.get(place, {}).get(error.name, error.value)
    return input_


def _field(view: Any, name: str) -> Field | None:
    declared = field_named(view.model, name)
    return None if declared is None or declared.many else declared


def corrected(view: Any, state: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The state of a preview with the posted corrections; controls that were left as they were change nothing."""
    cells = answers_of(state, "cells")
    for key, posted in form.items():
        place, _dot, name = key.removeprefix(PREFIX).rpartition(".")
        if not key.startswith(PREFIX) or posted == form.get(f"{WAS}{place}.{name}", ""):
            continue
        if (text := _text(_field(view, name), posted)) is not None:
            cells.setdefault(place, {})[name] = text
    return {**state, "cells": cells}


def _text(declared: Field | None, posted: str) -> str | None:
    """A posted value as a cell would hold it: a record by its name. None for a record that isn't there."""
    if declared is None:
        return tidy(posted)
    if declared.reference:
        record = visible(declared.reference.table, posted)
        return None if record is None else name_in_files(record)
    if isinstance(declared.kind, Flag):
        return declared.kind.format(posted == "1")
    return tidy(posted)
