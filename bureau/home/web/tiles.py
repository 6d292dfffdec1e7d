"""The tiles of the home page by role. Every count equals the list behind its link."""

from __future__ import annotations

from flask import url_for

from bureau.access.roles import ADMINISTRATOR, AUDITOR, LEADER, LIAISON, OFFICE, OFFICER, SECURITY, VIEWER
from panel.search import listing
from panel.security.policy import Actor, Permission
from panel.web.context import current_panel
from panel.web.pages import Tile, Words
from panel.web.views import SchemaView

#: Two rows of four.
MOST_TILES = 8

#: Tiles by role: (table, named filter, tone). The first role held that has tiles decides their order.
TILES: dict[str, tuple[tuple[str, str, str], ...]] = {
    OFFICE: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "reported", ""),
        ("case", "accepted", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("referral", "unsigned", "warn"),
    ),
    LEADER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("deadlinechange", "mine", "warn"),
        ("case", "accepted", ""),
        ("case", "handled", ""),
        ("referral", "late", "warn"),
        ("case", "unsatisfied", "warn"),
    ),
    OFFICER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "mine", ""),
        ("case", "reported", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("referral", "unsigned", "warn"),
    ),
    LIAISON: (("case", "open", ""), ("case", "verified", ""), ("case", "overdue", "warn")),
    VIEWER: (
        ("case", "overdue", "bad"),
        ("case", "today", "warn"),
        ("case", "stalled", "warn"),
        ("case", "open", ""),
        ("case", "reported", ""),
        ("case", "verified", ""),
        ("referral", "late", "warn"),
        ("case", "unsatisfied", "warn"),
    ),
    ADMINISTRATOR: (("user", "locked", "warn"), ("user", "unused", ""), ("user", "inactive", "")),
    SECURITY: (("user", "locked", "warn"), ("user", "unused", ""), ("user", "inactive", "")),
    AUDITOR: (("auditentry", "seen", ""), ("auditentry", "deleted", ""), ("auditentry", "accounts", "")),
}


def tiles(actor: Actor) -> list[Tile]:
    """The tiles of the actor's roles: counts of named filters, with links to the lists with the same filter."""
    role_tiles: list[tuple[str, str, str]] = []
    for role, entries in TILES.items():
        if role in actor.roles:
            role_tiles += [entry for entry in entries if entry not in role_tiles]
    panel = current_panel()
    visible = []
    for table, name, tone in role_tiles[:MOST_TILES]:
        view = panel.views[table]
        if panel.policy.may(actor, Permission.READ, view.model):
            visible.append((view, name, tone))
    numbers = listing.counts(
        panel.session, [(v.model, v.quick_filters()[name].condition(actor)) for v, name, _t in visible]
    )
    return [
        Tile(
            _label(view, name),
            count,
            url_for(f"{view.endpoint}.index_view") + f"?is={name}",
            tone if count else "",
        )
        for (view, name, tone), count in zip(visible, numbers, strict=True)
    ]


def _label(view: SchemaView, name: str) -> Words:
    return view.quick_filters()[name].label
