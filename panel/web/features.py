"""Features: everything that one part of an application adds to the panel, in one object.

The application lists its features; this module adds them to the panel in two stages, since commands load no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message
from panel.imports.matching import Finder
from panel.imports.rules import Registry, Rules
from panel.jobs import periodic
from panel.search import extra_columns
from panel.search.extra_columns import ExtraColumn
from panel.security.granted import Grant, granted_all
from panel.security.watches import Watch
from panel.web.context import current_panel
from panel.web.panel import Link, Panel

if TYPE_CHECKING:
    from panel.web.views import SchemaView


@dataclass(frozen=True, slots=True)
class Screen:
    """A generated screen: its model, its group in the side bar, its icon. The screens of a group are sorted by rank,
    then by the order of their features. `handbook` is the section about it, by default that of its
    feature; `empty` tells where the records come from, where it isn't from the buttons of the list."""

    model: type[Base]
    group: Message
    icon: str
    rank: int = 50
    handbook: str = ""
    empty: Message | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The route of a page that isn't generated. `handbook` is the section about it, by default that of its feature."""

    address: str
    endpoint: str
    function: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)
    defaults: Mapping[str, Any] | None = None
    handbook: str = ""
    #: The rights that the page needs: without a role that has them all 403, with some the session reaches what those
    #: roles reach.
    grants: tuple[Grant, ...] = ()
    #: Of a page that sends a file and declares no rights: which ones it asks for itself.
    asks: str = ""

    def guarded(self) -> Callable[..., Any]:
        """The function, behind the rights that it needs."""
        if not self.grants:
            return self.function

        @wraps(self.function)
        def page(**arguments: Any) -> Any:
            with granted_all(current_panel().session, self.grants):
                return self.function(**arguments)

        return page


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that the server does at most once in `every`, in a system session; see panel/jobs/periodic.py."""

    name: str
    every: timedelta
    run: Callable[[Session], Any]


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a feature adds to a server: pages and periodic work."""

    #: Views of the screens that aren't plain SchemaViews.
    views: Mapping[type[Base], type[SchemaView]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    routes: tuple[Route, ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    periodic: tuple[Periodic, ...] = ()
    #: Called with the panel for any other setting.
    configure: Callable[[Panel], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What one part of the application adds to the panel. `handbook` is the section of the handbook about it."""

    screens: tuple[Screen, ...] = ()
    #: The commands that the `install(app, panel)` of each module adds, by the module's name.
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Import rules, and finders of records by name, by table name.
    rules: Mapping[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: Mapping[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)
    handbook: str = ""
    #: Columns of lists that the tables don't have.
    extras: Mapping[type[Base], tuple[ExtraColumn, ...]] = field(default_factory=dict)
    #: Rules about changed records at the end of a transaction.
    watches: tuple[Watch, ...] = ()
    #: Imports the pages and returns them.
    site: Callable[[], Site] = Site


def screens(features: Iterable[Feature]) -> tuple[Screen, ...]:
    """All generated screens, in the order of the side bar."""
    return tuple(sorted((screen for feature in features for screen in feature.screens), key=lambda screen: screen.rank))


def commands(features: Iterable[Feature]) -> dict[str, Sequence[str]]:
    return {module: names for feature in features for module, names in feature.commands.items()}


def watches(features: Iterable[Feature]) -> tuple[Watch, ...]:
    return tuple(watch for feature in features for watch in feature.watches)


def declare_extras(features: Iterable[Feature]) -> None:
    """Declare the extra columns of all features."""
    for feature in features:
        for model, columns in feature.extras.items():
            extra_columns.declare(model, *columns)


def registry(features: Iterable[Feature], keep_days: Callable[[Session], int]) -> Registry:
    """The import rules and finders of all features."""
    result = Registry(keep_days=keep_days)
    for feature in features:
        result.rules.update(feature.rules)
        result.finders.update(feature.finders)
    return result


def sections(features: Sequence[Feature], sites: Sequence[Site]) -> dict[str, str]:
    """The sections of the handbook by endpoint, blueprint or view."""
    found: dict[str, str] = {}
    for feature, site in zip(features, sites, strict=True):
        found |= {screen.model.__tablename__: screen.handbook or feature.handbook for screen in feature.screens}
        found |= {route.endpoint: route.handbook or feature.handbook for route in site.routes}
        found |= {blueprint.name: feature.handbook for blueprint in site.blueprints}
    return {name: section for name, section in found.items() if section}


def views(panel: Panel, features: Iterable[Feature], sites: Iterable[Site]) -> list[SchemaView]:
    """The views of all screens."""
    from panel.web.views import SchemaView  # noqa: PLC0415 - a command loads no page

    panel.empty_words.update({s.model.__tablename__: s.empty for s in screens(features) if s.empty is not None})
    own = {model: view for site in sites for model, view in site.views.items()}
    return [
        own.get(screen.model, SchemaView)(screen.model, panel.db, group=screen.group, icon=screen.icon)
        for screen in screens(features)
    ]


def install(panel: Panel, sites: Sequence[Site]) -> None:
    """Add links, routes, blueprints and periodic work to a panel."""
    panel.links += sorted((link for site in sites for link in site.links), key=lambda link: link.rank)
    for site in sites:
        for route in site.routes:
            panel.app.add_url_rule(
                route.address, route.endpoint, route.guarded(), methods=list(route.methods), defaults=route.defaults
            )
        for blueprint in site.blueprints:
            panel.app.register_blueprint(blueprint)
        for work in site.periodic:
            periodic.register(panel, work.name, work.every, work.run)
        if site.configure:
            site.configure(panel)
