"""The files of deploy/ name what is there, and the shell runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from panel.config import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
#: Variables of Python itself.
OTHERS = {"PYTHONUTF8"}


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda file: file.name)
def test_a_service_names_files_and_settings_that_are_there(unit: Path) -> None:
    text = unit.read_text()
    for path in re.findall(r"/opt/casework/(?!\.venv)([\w./-]+)", text):
        assert (ROOT / path).exists(), path
    settings = " ".join(re.findall(r"^Environment=(.*)$", text, re.M))
    assert set(re.findall(r"([A-Z_0-9]+)=", settings)) <= {*VARIABLES.values(), *OTHERS}
    assert "WorkingDirectory=/opt/casework\n" in text
    assert "User=casework\n" in text


def test_the_readme_leads_to_each_file() -> None:
    text = (ROOT / "README.zh-CN.md").read_text()
    files = [file for file in DEPLOY.rglob("*") if file.is_file()]
    assert files
    assert [file.name for file in files if file.name not in text] == []
    assert [path for path in re.findall(r"\]\(((?:deploy|docs)/[\w./-]+)", text) if not (ROOT / path).exists()] == []


@pytest.mark.skipif(shutil.which("nginx") is None or shutil.which("openssl") is None, reason="needs nginx and openssl")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    pair = [tmp_path / "casework.key", tmp_path / "casework.crt"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=casework.example"]
    subprocess.run([*made, "-keyout", pair[0], "-out", pair[1]], check=True, capture_output=True)  # noqa: S603 - ours
    (tmp_path / "site.conf").write_text(text.replace("/etc/nginx/casework", str(tmp_path / "casework")))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}")
    command = ["nginx", "-t", "-c", whole, "-g", f"error_log {tmp_path}/error.log;"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert (done.returncode, "syntax is ok" in done.stderr) == (0, True), done.stderr


def test_windows_reads_its_files_with_its_own_ends_of_lines() -> None:
    for file in (DEPLOY / "windows").glob("*.bat"):
        assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n") > 5


@pytest.mark.parametrize("file", sorted((DEPLOY / "windows").glob("*.bat")), ids=lambda file: file.name)
def test_a_file_for_windows_goes_where_something_is(file: Path) -> None:
    """Labels, variables, commands and files; no Windows runs it here."""
    text = file.read_text()
    assert set(re.findall(r"goto (\w+)", text)) <= set(re.findall(r"^:(\w+)", text, re.M))
    assert {name for pair in re.findall(r"%([A-Z_]+)%|set ([A-Z_]+)=", text) for name in pair if name} <= {
        *VARIABLES.values(),
        *OTHERS,
    }
    listed = (ROOT / "docs" / "commands.md").read_text()
    assert [words for words in re.findall(r"--app admin_app (\w+)", text) if f"`{words}" not in listed] == []
    assert [name for name in re.findall(r"[\w.]+\.(?:lock|py)\b", text) if not (ROOT / name).exists()] == []


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_a_backup_is_made_into_the_folder_that_is_given(tmp_path: Path) -> None:
    """With a stand-in for the command, whose own tests are elsewhere."""
    project = tmp_path / "project"
    (project / "deploy").mkdir(parents=True)
    shutil.copy(DEPLOY / "backup.sh", project / "deploy")
    command = project / ".venv" / "bin" / "flask"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\necho "$* $BACKUP_FOLDER"\n')
    command.chmod(0o755)
    for arguments, folder in (([str(tmp_path / "the backups")], tmp_path / "the backups"), ([], Path("/set"))):
        done = subprocess.run(  # noqa: S603
            ["sh", project / "deploy" / "backup.sh", *arguments],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "BACKUP_FOLDER": "/set"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"--app admin_app backups make {folder}\n"
