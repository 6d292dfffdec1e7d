"""The locks, the licences and the bill of materials agree with what is asked for and with what is installed."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from docs import packages

ROOT = Path(__file__).resolve().parents[2]


def pinned(name: str) -> dict[str, str]:
    """The versions that a file of requirements asks for, by name; with those of the files that it names."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("-r "):
            found |= pinned(line.removeprefix("-r "))
        elif match := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?==(\S+)", line):
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_a_lock_has_everything_that_is_asked_for_with_hashes(name: str) -> None:
    locked = packages.locked(ROOT / f"{name}.lock")
    versions = {package.name: package.version for package in locked}
    asked = pinned(f"{name}.txt")
    assert {one: versions.get(one) for one in asked} == asked
    assert [package.name for package in locked if not package.hashes] == []
    assert "://" not in (ROOT / f"{name}.lock").read_text()


def test_a_lock_has_what_the_packages_ask_for_themselves() -> None:
    """Every package that an installed one needs here is in the lock, by the version that is installed."""
    locked = {package.name: package.version for package in packages.locked()}
    missing = []
    for name in locked:
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system or Python
        plain = [one for one in asked if ";" not in one]
        needed = [re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", one)[0]).lower() for one in plain]
        missing += [f"{name} needs {one}" for one in needed if one not in locked]
    assert missing == []


def test_the_licences_are_those_of_the_lock() -> None:
    listed = dict(
        re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \|", packages.NOTICES.read_text().partition("What their")[0], re.M)
    )
    assert listed.pop("---") == "---"
    assert listed == {package.name: package.version for package in packages.locked()}
    assert "| ? |" not in packages.NOTICES.read_text()


def test_the_bill_of_materials_names_each_package_once() -> None:
    bill = packages.sbom()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    refs = [component["bom-ref"] for component in bill["components"]]
    assert len(refs) == len(set(refs)) == len(packages.locked())
    known = {*refs, bill["metadata"]["component"]["bom-ref"]}
    assert {entry["ref"] for entry in bill["dependencies"]} == known
    assert {ref for entry in bill["dependencies"] for ref in entry["dependsOn"]} <= known
    assert json.dumps(bill) == json.dumps(packages.sbom())


def test_the_install_script_refuses_a_bundle_that_was_changed(tmp_path: Path) -> None:
    """The rest of it is tried by hand, in a namespace without a network: it takes a minute."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "install.sh").write_bytes((ROOT / "deploy" / "install.sh").read_bytes())
    (tmp_path / "wheel").write_text("changed")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  ./wheel\n")
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", str(tmp_path / "deploy" / "install.sh")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "安装包不完整或被改动" in done.stderr
    assert not (tmp_path / ".venv").exists()
