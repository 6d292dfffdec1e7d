"""The deadline, item, community and handler that a step replaces: its event keeps the former ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import Case


def replaceable(case: Case) -> dict[str, Any]:
    """The values of a case that a step may replace, whose former ones its event keeps."""
    return {
        "due": case.due_at,
        "item": case.item_id if case.accepted_at is not None else None,
        "community": case.community_id,
        "handler": case.handler_id,
    }


def values_before(case: Case, before: Mapping[str, Any], *, restarted: bool) -> dict[str, Any]:
    """The deadline, item, community and handler that a step has replaced, for its event. A reopening keeps the old
    deadline even where the new one is equal, because later changes may move the new one."""
    after = replaceable(case)
    due = before["due"]
    found: dict[str, Any] = {}
    if due is not None and case.due_at is not None and (case.due_at != due or restarted):
        found |= {"due_before": due.isoformat(), "due_after": case.due_at.isoformat()}
    for name in ("item", "community", "handler"):
        if before[name] is not None and after[name] is not None and after[name] != before[name]:
            found[f"{name}_before"] = before[name]
    return found
