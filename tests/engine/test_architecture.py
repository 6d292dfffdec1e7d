"""The house as it is meant to stand, where the import linter can't see it, and the docs that must keep up with it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import click
import pytest
from flask import Flask

from bureau.settings import settings
from docs import generate
from panel.config import VARIABLES, Config

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("panel", "schema", "bureau", "seed")
CODE = [
    *(file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))),
    ROOT / "admin_app.py",
    ROOT / "models.py",
]
LONGEST = 350
FULLEST = 26
LARGE = {"openpyxl", "pygal", "pypinyin", "huey", "chinese_calendar", "seed.demo"}


@cache
def imported(file: Path) -> frozenset[str]:
    """Whole names of the modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return frozenset(found)


def test_the_schema_rests_on_declarations_alone() -> None:
    allowed = {f"panel.{name}" for name in ("base", "fields", "i18n", "kinds", "security.accounts")}
    foreign = {
        name
        for file in (ROOT / "models.py", *(ROOT / "schema").glob("*.py"))
        for name in imported(file)
        if name not in allowed and name.split(".")[0] not in {"schema", "sqlalchemy", *sys.stdlib_module_names}
    }
    assert not foreign


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("openpyxl", ("panel/sheets", "bureau/printing/pen.py", "bureau/printing/charts.py")),
        ("python_calamine", ("panel/sheets",)),
        ("huey", ("panel/jobs/queue.py",)),
        ("PIL", ("panel/store/files.py", "seed/pictures.py")),
    ],
)
def test_a_library_stays_where_it_belongs(library: str, places: tuple[str, ...]) -> None:
    """Excel libraries are named where workbooks are read and written, and nowhere else."""
    users = {
        str(file.relative_to(ROOT)) for file in CODE if any(name.split(".")[0] == library for name in imported(file))
    }
    assert {user for user in users if not user.startswith(places)} == set()


#: What only a page or a command may know.
WEB = {"flask", "flask_admin", "flask_login", "flask_sqlalchemy", "flask_wtf", "wtforms", "click"}


def test_flask_stays_in_the_web_folders() -> None:
    users = {str(file.relative_to(ROOT)) for file in CODE if WEB & {name.split(".")[0] for name in imported(file)}} - {
        "admin_app.py"
    }
    assert {user for user in users if not re.match(r"panel/web/|bureau/\w+/web/", user)} == set()


def test_no_folder_holds_too_many_files() -> None:
    """Some 25 modules a folder: one more and nobody sees what the folder is about."""
    folders = {file.parent for file in CODE} - {ROOT}
    crowded = {
        str(folder.relative_to(ROOT)): n for folder in folders if (n := len(list(folder.glob("*.py")))) > FULLEST
    }
    assert not crowded


def test_what_is_large_is_loaded_when_it_is_needed(tmp_path: Path) -> None:
    """A starting server does without what designs workbooks or draws charts, the dictionary
    of sounds, the queue and the made-up district."""
    complete = "admin_app.create_app().extensions['panel'].complete()"
    code = f"import sys, admin_app; {complete}; print(*({LARGE!r} & sys.modules.keys()))"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"INSTANCE_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stdout.split()


def test_no_file_holds_two_ideas() -> None:
    long = {str(file.relative_to(ROOT)): n for file in CODE if (n := len(file.read_text().splitlines())) > LONGEST}
    assert not long


def test_nothing_is_loaded_from_outside() -> None:
    """No page names another host; the name of SVG's standard is no address."""
    wrong = [
        f"{file.relative_to(ROOT)}: {address}"
        for folder in ("templates", "static")
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in {".html", ".css", ".js", ".svg"}
        for address in re.findall(r"""(?:https?:)?//[\w.-]+\.\w+[^\s"')]*""", file.read_text())
        if "www.w3.org" not in address
    ]
    assert not wrong


def documented(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_the_tour_names_every_package() -> None:
    text = documented("architecture.md")
    packages = [folder.name for top in ("panel", "bureau") for folder in (ROOT / top).iterdir() if folder.is_dir()]
    assert not [name for name in packages if name != "__pycache__" and f"{name}/" not in text]


def test_every_file_that_the_docs_name_is_there() -> None:
    named = {
        path
        for page in (ROOT / "docs").glob("*.md")
        for path in re.findall(r"`((?:panel|bureau|schema|seed|tests|bench|docs)/[\w/.]+)`", page.read_text())
    }
    assert len(named) > 30
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


def test_every_variable_is_documented_with_its_default() -> None:
    assert set(VARIABLES) == {field.name for field in fields(Config)}
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", documented("configuration.md"), re.M))
    default = {field.name: field.default for field in fields(Config)}
    for name, variable in VARIABLES.items():
        assert variable in rows, f"{variable} is missing in docs/configuration.md"
        if isinstance(default[name], bool):
            assert rows[variable] == ("on" if default[name] else "off")
        elif isinstance(default[name], int | str):
            assert rows[variable] == (f"`{default[name]}`" if default[name] != "" else "empty")


def test_every_setting_on_screen_is_documented() -> None:
    text = documented("configuration.md")
    for declared in settings.DECLARED.values():
        if declared.editable:
            assert declared.label.msgid in text, declared.key


def test_every_command_is_documented(app: Flask) -> None:
    text = documented("commands.md")
    context = click.Context(app.cli)
    ours = {name: app.cli.get_command(context, name) for name in app.cli.list_commands(context) if name != "db"}
    assert ours
    for name, command in ours.items():
        for inner in getattr(command, "commands", {"": command}):
            assert f"`{' '.join(filter(None, (name, inner)))}" in text, f"{name} {inner}"


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert documented(name) == generate.PAGES[name](), "run make docs"
