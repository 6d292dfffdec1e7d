"""The packages that the panel is made of: THIRD-PARTY.md and a bill of materials (CycloneDX), from requirements.lock
and the metadata of what is installed.

    python -m docs.packages notices            # writes THIRD-PARTY.md
    python -m docs.packages sbom > sbom.json
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK, NOTICES = ROOT / "requirements.lock", ROOT / "THIRD-PARTY.md"
#: What wheels bring along that isn't Python: name, version, licence, where it is.
CARRIED = (
    ("Bootstrap", "4", "MIT", "in flask-admin"),
    ("Font Awesome", "4.7.0", "OFL-1.1 (font), MIT (style sheet)", "in flask-admin"),
    ("libpq", "", "PostgreSQL", "in psycopg-binary"),
    ("OpenSSL", "", "Apache-2.0", "in psycopg-binary, cryptography"),
    ("libxml2, libxslt", "", "MIT", "in lxml"),
    ("libjpeg-turbo, libtiff, libwebp, zlib and others", "", "IJG, BSD-3-Clause, libtiff, Zlib", "in pillow"),
)
_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the lock. `hashes` are the SHA-256 of all its published files, `marker` says where it is needed."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(file: Path = LOCK) -> list[Package]:
    """The packages of a lock, sorted by name."""
    found = []
    for part in re.split(r"\n(?=[A-Za-z0-9])", file.read_text()):
        if match := _LINE.match(part):
            hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", part))
            found.append(Package(match["name"].lower(), match["version"], match["marker"] or "", hashes))
    return sorted(found, key=lambda package: package.name)


def licence(name: str) -> str:
    """The licence that an installed package states: its SPDX expression, else its classifiers, else the first line of
    its field. Empty if it isn't installed."""
    try:
        about: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := about.get("License-Expression"):
        return str(expression)
    classified = [
        value.rsplit(" :: ", 1)[-1]
        for value in about.get_all("Classifier") or []
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    stated = str(about.get("License") or "").strip().splitlines()
    return " AND ".join(classified) or (stated[0] if stated else "") or _by_text(name)


def _by_text(name: str) -> str:
    """The licence by the words of its file, for a package that states none."""
    for file in metadata.files(name) or []:
        if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            words = " ".join(file.read_text().split())
            if words and "Permission is hereby granted, free of charge" in words:
                return "MIT"
    return ""


def requires(name: str, among: set[str]) -> list[str]:
    """The packages of the lock that an installed one asks for."""
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    names = {re.sub(r"[-_.]+", "-", match[0]).lower() for one in asked if (match := re.match(r"[A-Za-z0-9._-]+", one))}
    return sorted(names & among)


def notices() -> str:
    """The text of THIRD-PARTY.md."""
    lines = [
        "# Third-party packages",
        "",
        "Written by `make licences` from the metadata of the packages of requirements.lock. Their full licence texts",
        "are in their wheels, in the folder `.venv/lib/python3.…/site-packages/NAME-VERSION.dist-info`.",
        "",
        "| Package | Version | Licence |",
        "| --- | --- | --- |",
        *(f"| {p.name} | {p.version} | {licence(p.name) or '?'} |" for p in locked()),
        "",
        "What their wheels bring along:",
        "",
        "| Part | Version | Licence | Where |",
        "| --- | --- | --- | --- |",
        *(f"| {name} | {version or '–'} | {words} | {where} |" for name, version, words, where in CARRIED),
    ]
    return "\n".join(lines) + "\n"


def sbom() -> dict[str, Any]:
    """A bill of materials as CycloneDX 1.5: each package of the lock with licence, hashes and what it asks for. The
    same lock gives the same bill."""
    packages = locked()
    names = {package.name for package in packages}
    refs = {package.name: package.purl for package in packages}
    version = re.findall(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.M)[0]
    own = f"pkg:generic/casework-panel@{version}"
    direct = set(_direct())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, LOCK.read_text())}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "casework-panel", "version": version, "bom-ref": own}
        },
        "components": [_component(package) for package in packages],
        "dependencies": [
            {"ref": own, "dependsOn": sorted(refs[name] for name in direct & names)},
            *({"ref": p.purl, "dependsOn": [refs[name] for name in requires(p.name, names)]} for p in packages),
        ],
    }


def _component(package: Package) -> dict[str, Any]:
    stated = licence(package.name)
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "hashes": [{"alg": "SHA-256", "content": content} for content in package.hashes],
        **({"licenses": [{"license": {"name": stated}}]} if stated else {}),
        **({"properties": [{"name": "marker", "value": package.marker}]} if package.marker else {}),
    }


def _direct() -> Iterator[str]:
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[|==)", line):
            yield re.sub(r"[-_.]+", "-", match[1]).lower()


if __name__ == "__main__":
    if sys.argv[1:] == ["notices"]:
        NOTICES.write_text(notices())
    elif sys.argv[1:] == ["sbom"]:
        print(json.dumps(sbom(), ensure_ascii=False, indent=1))
    else:
        sys.exit(__doc__)
