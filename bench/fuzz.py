"""Fuzz: every route with hostile values in each parameter of its address and each field of its forms; `make fuzz`. Exit
status 1 if anything answers with a defect, a traceback, or words of a library.

The parameters are those that the code reads anywhere, and the fields those of the forms on the page."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from bench.forms import form_values
from bench.walk import CLOSED, FOREIGN, LEFT_OUT, stage_in

ROOT = Path(__file__).resolve().parent.parent
#: Values that some library or database stumbles over.
HOSTILE = (
    "",
    " ",
    "'\"><script>alert(1)</script>",
    "\x00",
    "9" * 40,
    "-1",
    "1e999",
    "NaN",
    "١٢",
    "2026-13-45",
    "0000-00-00T99:99",
    "𠮷🙂" * 400,
    "\u202e\ufeff\u0301",
    "{{7*7}}{% x %}%s%n{0}",
    "../../etc/passwd",
    "[]",
    "a,b;c|d",
    "%",
    "\\",
)


def parameters() -> list[str]:
    """The names of parameters that pages read."""
    text = "".join(
        file.read_text() for folder in ("panel/web", "bureau") for file in sorted((ROOT / folder).rglob("*.py"))
    )
    read = re.findall(r"request\.(?:args|form|values)(?:\.get|\.getlist|\.pop)?[(\[]\"(\w+)\"", text)
    return sorted({*read, "id", "page", "sort", "q", "is"})


def addresses(stage: Any, share: int = 1) -> list[tuple[str, str]]:
    """Every address that answers GET, or one in `share`, with the role that opens it, if one does."""
    adapter = stage.app.url_map.bind("localhost")
    found = []
    rules = sorted(stage.app.url_map.iter_rules(), key=str)
    for rule in rules[::share]:
        if rule.endpoint in LEFT_OUT or "GET" not in (rule.methods or ()):
            continue
        table = rule.endpoint.partition(".")[0]
        id_ = stage.district.inside.get(table, 1)
        address = adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, id_))
        address += "" if rule.arguments else f"?id={id_}"
        for role in ("office", *sorted(stage.panel.policy.roles)):
            if stage.browse(role).get(address).status_code not in CLOSED:
                found.append((role, address))
                break
        else:
            found.append(("office", address))
    return found


def problem(answer: Any) -> str:
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    text = answer.text if answer.mimetype in ("text/html", "application/json") else ""
    word = FOREIGN.search(text)
    if word is None and "<script>alert(1)</script>" in text:
        return "lets a script through"
    return f"says {word[0]!r}" if word else ""


def fuzz(stage: Any, keep: Callable[[int], bool] = lambda _n: True, share: int = 1) -> Iterator[str]:
    """Problems as sentences. `keep` chooses requests by their number; of the addresses one in `share` is asked."""
    number = 0

    def chosen() -> bool:
        nonlocal number
        number += 1
        return keep(number)

    for role, address in addresses(stage, share):
        browser = stage.browse(role)
        place, _mark, query = address.partition("?")
        own = dict(part.split("=", 1) for part in query.split("&") if part)
        opened = browser.get(address)
        fields = form_values(opened.text) if opened.mimetype == "text/html" and "<form" in opened.text else {}
        for name in parameters():
            for value in HOSTILE:
                if chosen() and (wrong := problem(browser.get(f"{place}?{urlencode({**own, name: value})}"))):
                    yield f"{role}: GET {place} {name}={value[:30]!r}: {wrong}"
        for name in fields:
            for value in HOSTILE:
                if name in ("csrf_token", "form_token") or not chosen():
                    continue
                given = {**fields, name: value, "csrf_token": browser.token()}
                given.pop("form_token", None)
                if wrong := problem(browser.client.post(address, data=given)):
                    yield f"{role}: POST {address} {name}={value[:30]!r}: {wrong}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--every", type=int, default=1, help="only each so-manieth request")
    every = options.parse_args().every
    with TemporaryDirectory() as folder:
        stage, problems = stage_in(Path(folder)), []
        for found in fuzz(stage, lambda n: n % every == 0):
            print(found, flush=True)
            problems.append(found)
    print(f"{len(problems)} problems")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
