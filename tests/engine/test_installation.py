"""A server of its own in a folder with spaces: its keys, and its end in order."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from flask import Flask

from admin_app import create_app
from bench.site import Server, Site
from panel.config import Config
from panel.store import fingerprints

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(config: Config, backend: str, tmp_path: Path) -> Path:
    """The instance folder of an installation: its database is a copy of the template's."""
    if backend != "sqlite":
        pytest.skip("a folder holds no server's database")
    made = tmp_path / "城管 office"
    made.mkdir()
    shutil.copy(tmp_path / "panel.db", made / "panel.db")
    return made


@pytest.mark.served
def test_a_server_that_is_stopped_answers_what_is_under_way(folder: Path, plain_config: Config) -> None:
    """Somebody waits for the write lock as the signal comes; the next one isn't let in."""
    site = Site(replace(plain_config, instance=folder, database_url=f"sqlite:///{folder / 'panel.db'}"), None)
    server = Server(site).wait()
    address = f"http://127.0.0.1:{server.port}/login"
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    with opener.open(f"http://127.0.0.1:{server.port}/roles", timeout=10) as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token is not None
    other, answers = sqlite3.connect(folder / "panel.db", check_same_thread=False), list[Any]()
    other.execute("BEGIN IMMEDIATE")

    def log_in() -> None:
        form = {"csrf_token": token[1], "username": "nobody", "password": "wrong"}
        try:
            opener.open(address, urlencode(form).encode(), timeout=20)
        except HTTPError as answer:
            answers.append((answer.code, "</html>" in answer.read().decode()))

    person = threading.Thread(target=log_in)
    person.start()
    time.sleep(1)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    other.rollback()
    person.join(20)
    other.close()
    assert answers == [(401, True)], site.log.read_text()
    assert server.process.wait(20) == 0
    server.kill()
    assert "Traceback" not in site.log.read_text()


def test_make_takes_an_instance_folder_with_spaces(tmp_path: Path) -> None:
    """With stand-ins for the environment, whose own tests are elsewhere."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    venv, folder = tmp_path / "venv", tmp_path / "城管 office it's"
    (venv / "bin").mkdir(parents=True)
    for name in ("flask", "python"):
        (venv / "bin" / name).write_text(f'#!/bin/sh\necho "{name} $* in $INSTANCE_PATH"\n')
        (venv / "bin" / name).chmod(0o755)
    for mark in (".made", ".run"):
        (venv / mark).touch()
    made = subprocess.run(  # noqa: S603
        ["make", "run", f"VENV={venv}", f"INSTANCE_PATH={folder}", "CASES=1"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"python admin_app.py in {folder}" in made.stdout
    assert (folder / "holds-demo-data").exists()
    refused = subprocess.run(  # noqa: S603
        ["make", "serve", f"VENV={venv}"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "INSTANCE_PATH": str(folder)},
    )
    assert refused.returncode != 0
    assert f"{folder} 存放的是演示数据" in refused.stderr


def run(config: Config, *arguments: str) -> Any:
    return create_app(config).test_cli_runner().invoke(args=list(arguments))


def test_a_key_that_is_missing_or_another_one_is_refused_and_accepted_by_command_alone(
    folder: Path, plain_config: Config
) -> None:
    given = {"INSTANCE_PATH": str(folder), "PASSWORD_COST": "1"}
    key = "the first key of this installation"
    set_up = Config.read(given | {"SECRET_KEY": key})
    assert run(set_up, "setup").exit_code == 0
    missing = Config.read(given)
    assert (missing.secret_key, (folder / "secret_key").exists()) == ("", False), "nothing is made in silence"
    (folder / "secret_key").write_text(" \n")
    empty = Config.read(given)
    other = Config.read(given | {"SECRET_KEY": "another key of somebody else"})
    for config, words in ((missing, "缺失或为空"), (empty, "缺失或为空"), (other, "不一致")):
        for command in ("setup", "check", "tick"):
            refused = run(config, command)
            assert (refused.exit_code, len(refused.output.strip().splitlines())) == (1, 1), refused.output
            assert words in refused.output
            assert "SECRET_KEY" in refused.output
    started = subprocess.run(
        [sys.executable, "admin_app.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **given, "SECRET_KEY": "another key of somebody else"},
    )
    assert started.returncode == 1
    assert len(started.stderr.strip().splitlines()) == 1
    assert run(other, "keys", "list").output.splitlines()[0].endswith("与数据库不一致")
    assert run(other, "keys", "accept", "SECRET_KEY").exit_code == 0
    assert run(other, "check").exit_code == 0
    assert "不一致" in run(set_up, "check").output


def test_a_new_installation_makes_its_key(tmp_path: Path) -> None:
    config = Config.read({"INSTANCE_PATH": str(tmp_path / "new one")})
    assert len(config.secret_key) == 64
    assert Config.read({"INSTANCE_PATH": str(tmp_path / "new one")}).secret_key == config.secret_key


def test_a_key_that_would_recognise_no_caller_is_not_accepted(stage: Any) -> None:
    app: Flask = stage.app
    with stage.session() as session:
        session.info["secret"] = "another one"
        with pytest.raises(Exception, match="散列值"):
            fingerprints.remember(session, {"HASH_KEY": "another one"})
    assert app is not None
