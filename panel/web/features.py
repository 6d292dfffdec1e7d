"""A feature: everything that one part of an application adds to the panel, in one object. The application names its
features; this module wires them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from panel.base import Base
from panel.i18n import Message
from panel.imports.matching import Finder
from panel.imports.rules import Registry, Rules
from panel.jobs import periodic
from panel.web.panel import Link, Panel
from panel.web.views import SchemaView


@dataclass(frozen=True, slots=True)
class Screen:
    """A generated screen: its model, its group in the side bar, its icon, and the view where a page is different.
    Screens of a group stand in the order of their rank, then of their features."""

    model: type[Base]
    group: Message
    icon: str
    view: type[SchemaView] = SchemaView
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
class Feature:
    """Everything that a part of the application adds. What it has nothing of is left out."""

    screens: tuple[Screen, ...] = ()
    links: tuple[Link, ...] = ()
    routes: tuple[Route, ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    #: Each adds commands to the application.
    commands: tuple[Callable[[Flask, Panel], None], ...] = ()
    periodic: tuple[Periodic, ...] = ()
    #: By table: how it is imported, and how its records are found by what people call them.
    rules: Mapping[str, Callable[[type[Base]], Rules]] = field(default_factory=dict)
    finders: Mapping[str, Callable[[type[Base]], Finder]] = field(default_factory=dict)
    #: What else is to be set on the assembled panel.
    configure: Callable[[Panel], None] | None = None


def screens(features: Iterable[Feature]) -> tuple[Screen, ...]:
    """Every generated screen, in the order of the side bar."""
    return tuple(sorted((screen for one in features for screen in one.screens), key=lambda screen: screen.rank))


def views(features: Iterable[Feature], db: SQLAlchemy) -> list[SchemaView]:
    return [one.view(one.model, db, group=one.group, icon=one.icon) for one in screens(features)]


def registry(features: Iterable[Feature], keep_days: Callable[[Session], int]) -> Registry:
    """The rules of import of every feature."""
    found = Registry(keep_days=keep_days)
    for one in features:
        found.rules.update(one.rules)
        found.finders.update(one.finders)
    return found


def install(panel: Panel, features: Iterable[Feature]) -> None:
    """Add pages, links, commands and periodic work to an assembled panel."""
    features = tuple(features)
    panel.links += sorted((link for one in features for link in one.links), key=lambda link: link.rank)
    for one in features:
        for route in one.routes:
            panel.app.add_url_rule(
                route.address, route.endpoint, route.function, methods=list(route.methods), defaults=route.defaults
            )
        for blueprint in one.blueprints:
            panel.app.register_blueprint(blueprint)
        for add_commands in one.commands:
            add_commands(panel.app, panel)
        for work in one.periodic:
            periodic.register(panel, work.name, work.every, work.run)
        if one.configure:
            one.configure(panel)
