"""A feature: everything that one part of an application adds to the panel, in one object. The application names its
features; this module wires them, in the two stages of a panel: a command loads no page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message
from panel.imports.matching import Finder
from panel.imports.rules import Registry, Rules
from panel.jobs import periodic
from panel.web.panel import Link, Panel

if TYPE_CHECKING:
    from panel.web.views import SchemaView


@dataclass(frozen=True, slots=True)
class Screen:
    """A generated screen: its model, its group in the side bar, its icon. Screens of a group stand in the order of
    their rank, then of their features."""

    model: type[Base]
    group: Message
    icon: str
    rank: int = 50


@dataclass(frozen=True, slots=True)
class Route:
    """A page of the application's own."""

    address: str
    endpoint: str
    function: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)
    defaults: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that a running server does at most once in `every`, in a session of the system."""

    name: str
    every: timedelta
    run: Callable[[Session], Any]


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a part of the application adds to a running server: pages, and work that comes round."""

    #: Views of the screens whose pages are different.
    views: Mapping[type[Base], type[SchemaView]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    routes: tuple[Route, ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    periodic: tuple[Periodic, ...] = ()
    #: What else is to be set on the panel.
    configure: Callable[[Panel], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Everything that a part of the application adds. What it has nothing of is left out."""

    screens: tuple[Screen, ...] = ()
    #: The commands that the `install(app, panel)` of each module adds, by the module's name.
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: By table: how it is imported, and how its records are found by what people call them.
    rules: Mapping[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: Mapping[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)
    #: Loads its pages and gives them.
    site: Callable[[], Site] = Site


def screens(features: Iterable[Feature]) -> tuple[Screen, ...]:
    """Every generated screen, in the order of the side bar."""
    return tuple(sorted((screen for one in features for screen in one.screens), key=lambda screen: screen.rank))


def commands(features: Iterable[Feature]) -> dict[str, Sequence[str]]:
    return {module: names for one in features for module, names in one.commands.items()}


def registry(features: Iterable[Feature], keep_days: Callable[[Session], int]) -> Registry:
    """The rules of import of every feature."""
    found = Registry(keep_days=keep_days)
    for one in features:
        found.rules.update(one.rules)
        found.finders.update(one.finders)
    return found


def views(panel: Panel, features: Iterable[Feature], sites: Iterable[Site]) -> list[SchemaView]:
    """A view of every screen."""
    from panel.web.views import SchemaView  # noqa: PLC0415 - a command loads no page

    own = {model: view for one in sites for model, view in one.views.items()}
    return [
        own.get(one.model, SchemaView)(one.model, panel.db, group=one.group, icon=one.icon) for one in screens(features)
    ]


def install(panel: Panel, sites: Sequence[Site]) -> None:
    """Add links, pages and periodic work to a panel."""
    panel.links += sorted((link for one in sites for link in one.links), key=lambda link: link.rank)
    for one in sites:
        for route in one.routes:
            panel.app.add_url_rule(
                route.address, route.endpoint, route.function, methods=list(route.methods), defaults=route.defaults
            )
        for blueprint in one.blueprints:
            panel.app.register_blueprint(blueprint)
        for work in one.periodic:
            periodic.register(panel, work.name, work.every, work.run)
        if one.configure:
            one.configure(panel)
