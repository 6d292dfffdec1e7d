"""A panel is assembled in two stages: what a command needs, and the pages when the first is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import Any

import click
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from admin_app import FEATURES, create_app
from panel.base import Base
from panel.config import Config
from panel.security.separation import SEPARATION
from panel.web import features
from panel.web.panel import Panel
from panel.web.prepare import PanelApp, prepare

ROOT = Path(__file__).resolve().parents[2]
#: Loaded to serve, to migrate or to handle a picture, and not for any command.
HEAVY = {
    "flask_admin",
    "flask_login",
    "flask_wtf",
    "flask_babel",
    "wtforms",
    "waitress",
    "alembic",
    "PIL",
    "panel.web.views",
    "panel.web.pages",
    "bureau.cases.web.case_views",
}


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["check", "--help"], set()),
        (["import", "--help"], set()),
        (["export", "--help"], set()),
        (["ledger", "--help"], set()),
        # What designs a workbook loads what would put a picture into it.
        (["template", "street", "out.xlsx"], {"PIL"}),
        (["db", "--help"], {"alembic"}),
    ],
)
def test_a_command_loads_no_page(arguments: list[str], needed: set[str], tmp_path: Path) -> None:
    code = f"""
import sys
from admin_app import create_app
answer = create_app().test_cli_runner().invoke(args={arguments!r})
assert not answer.exit_code, answer.output
print(*{HEAVY!r} & sys.modules.keys())
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "INSTANCE_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == needed


def test_each_command_stands_in_the_module_that_its_feature_names(app: Flask) -> None:
    for module, names in features.commands(FEATURES).items():
        fresh = create_app(Config(Path(app.instance_path), "sqlite://", "of no worth", password_cost=1))
        import_module(module).install(fresh, fresh.extensions["panel"])
        assert sorted(fresh.cli.commands) == sorted(names)
    context = click.Context(app.cli)
    assert all(app.cli.get_command(context, name) for name in app.cli.list_commands(context))
    assert app.cli.get_command(context, "nosuch") is None


def test_commands_know_the_tables_that_have_a_screen(app: Flask) -> None:
    panel = app.extensions["panel"]
    assert {name: view.model for name, view in panel.views.items()} == panel.tables


def test_addresses_are_there_when_they_are_listed_matched_or_built(config: Config) -> None:
    ways: list[Any] = [
        lambda app: {rule.endpoint for rule in app.url_map.iter_rules()} >= {"home", "case.index_view"},
        lambda app: app.url_map.bind("localhost").build("home") == "/",
        lambda app: app.test_client().get("/login").status_code == 302,  # to the page of the first accounts
    ]
    for way in ways:
        assert way(create_app(config))


@pytest.fixture(autouse=True)
def separated() -> Iterator[None]:
    """A panel without administrators has nobody kept apart, in its whole process: it holds for no other test."""
    roles = SEPARATION.roles
    yield
    SEPARATION.roles = roles


def small(add_pages: Any) -> Panel:
    app = PanelApp("small", static_folder=None)
    app.config.update(SECRET_KEY="of no worth", SQLALCHEMY_DATABASE_URI="sqlite://", PASSWORD_COST=1)
    return prepare(app, SQLAlchemy(model_class=Base), roles=[], tables=[], add_pages=add_pages)


def test_pages_are_added_once_however_many_ask_at_once() -> None:
    added: Counter[str] = Counter()

    def add_pages(panel: Panel) -> None:
        added["pages"] += 1
        panel.app.add_url_rule("/", "home", lambda: "here")
        assert panel.app.url_map.bind("localhost").build("home") == "/", "while they are added, they can be asked for"

    panel, together = small(add_pages), Barrier(8)

    def ask(_n: int) -> str:
        together.wait()
        return panel.app.test_client().get("/").text

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"here"}
    assert added["pages"] == 1


def test_a_panel_whose_pages_fail_serves_none() -> None:
    def add_pages(panel: Panel) -> None:
        panel.app.add_url_rule("/", "home", lambda: "without guards")
        raise TypeError("two screens of one table")

    panel = small(add_pages)
    for _again in range(2):
        with pytest.raises(TypeError, match="two screens"):
            panel.app.test_client().get("/")
