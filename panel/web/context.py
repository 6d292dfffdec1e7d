"""The panel and the actor of this request."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g

from panel.security.policy import NOBODY, Actor

if TYPE_CHECKING:
    from panel.web.panel import Panel


def current_panel() -> Panel:
    return cast("Panel", current_app.extensions["panel"])


def current_actor() -> Actor:
    actor = g.get("actor", NOBODY)
    assert isinstance(actor, Actor)
    return actor
