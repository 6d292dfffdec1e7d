"""Benchmark of pages against another version of the panel: `python -m bench.versions FOLDER`, the folder being a work
tree of that version (`git worktree add --detach FOLDER COMMIT`).

Each version serves the same demo district to each of its roles from a process of its own. A page is asked for once of
one, once of the other, in turn, and the least processor time of many repeats counts: what else the machine does only
adds. Prints ratios, because times depend on the machine. Exit status 1 if a page takes more than 1.05 times as much."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

HERE = Path(__file__).resolve().parent.parent
PASSWORD = "Bench-pass-1"  # noqa: S105 - of a database that is thrown away
ROLES = ("office", "leader", "officer", "liaison")
LIMIT = 1.05
#: What is measured, by name; {last} is the number of the last page, {id} the first case of the role's list.
PAGES = {
    "list of cases": "/admin/case/",
    "its last page": "/admin/case/?page={last}",
    "filtered": "/admin/case/?status=closed",
    "search": "/admin/case/?q=电动车",
    "details": "/admin/case/details/?id={id}",
    "edit form": "/admin/case/edit/?id={id}",
    "liaisons": "/admin/liaison/",
    "home": "/",
    "figures": "/figures",
    "ledger": "/ledgers",
    "ledgers": "/admin/ledger/",
}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path, help="a work tree of the other version")
    options.add_argument("--cases", type=int, default=1200)
    options.add_argument("--repeats", type=int, default=40)
    options.add_argument("--roles", default=",".join(ROLES))
    options.add_argument("--only", default="", help="pages by name, joined by commas")
    options.add_argument("--child", nargs=2, metavar=("FOLDER", "CASES"), help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        return serve(Path(arguments.child[0]), int(arguments.child[1]))
    wanted = [name for name in arguments.only.split(",") if name] or list(PAGES)
    with TemporaryDirectory() as folder:
        versions = [
            Version(tree, Path(folder) / name, arguments.cases)
            for name, tree in (("before", arguments.folder), ("now", HERE))
        ]
        for one in versions:
            one.ask({})
        try:
            return compare(versions, wanted, arguments.roles.split(","), arguments.repeats)
        finally:
            for one in versions:
                one.end()


def compare(versions: list[Version], wanted: list[str], roles: list[str], repeats: int) -> int:
    """Ask for every page in turn, again and again: a slow minute of the machine is one of every page."""
    least = dict[tuple[str, str], list[dict[str, Any]]]()
    for _repeat in range(repeats):
        for name, role in [(name, role) for name in wanted for role in roles]:
            answers = [version.ask({"role": role, "address": PAGES[name]}) for version in versions]
            known = least.setdefault((name, role), answers)
            least[name, role] = [min(pair, key=lambda one: one["seconds"]) for pair in zip(known, answers, strict=True)]
    slower = 0
    print(f"{'':16}{'role':10}{'before':>10}{'now':>10}{'ratio':>8}   statements")
    for (name, role), (before, now) in least.items():
        if any(one["status"] != 200 for one in (before, now)):
            print(f"{name:16}{role:10}{before['status']:>10}{now['status']:>10}")
            continue
        ratio = now["seconds"] / before["seconds"]
        slower += ratio > LIMIT
        times = f"{before['seconds'] * 1000:8.1f}ms{now['seconds'] * 1000:8.1f}ms"
        print(f"{name:16}{role:10}{times}{ratio:8.2f}   {before['statements']} → {now['statements']}")
    print(f"at most {LIMIT} times: {f'no, {slower} take more' if slower else 'yes'}")
    return int(slower > 0)


class Version:
    """A process that serves one version and answers a line of JSON with another."""

    def __init__(self, tree: Path, folder: Path, cases: int) -> None:
        folder.mkdir()
        # -P: the folder of this file has modules named like others.
        command = [sys.executable, "-P", __file__, "--child", str(folder), str(cases)]
        environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            command, cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict[str, str]) -> dict[str, Any]:
        given, got = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        given.write(json.dumps(question) + "\n")
        given.flush()
        for line in got:
            if line.startswith("{"):
                return cast(dict[str, Any], json.loads(line))
        raise RuntimeError(f"the process ended: {self._process.wait()}")

    def end(self) -> None:
        cast(IO[str], self._process.stdin).close()
        self._process.wait()


def serve(folder: Path, cases: int) -> int:
    """Answer questions for pages with the version in the present folder."""
    config, demo, listing = (import_module(name) for name in ("panel.config", "seed.demo", "panel.search.listing"))
    database = f"sqlite:///{folder / 'panel.db'}"
    secret = "of no worth"  # noqa: S105
    settings = config.Config(instance=folder, database_url=database, secret_key=secret, password_cost=1)
    app = import_module("admin_app").create_app(settings)
    panel = app.extensions["panel"]
    event, models = import_module("sqlalchemy.event"), import_module("models")
    with app.app_context():
        import_module("bureau.upkeep.web.commands").migrate(panel)
        with panel.system_session() as session:
            demo.build(session, cases=cases, password_hash=panel.passwords.hash(PASSWORD), secret=secret)
        with panel.system_session() as session:
            every = [id_ for (id_,) in session.query(models.Case.id)]
        engine = panel.db.engine
    marks = {"last": -(-len(every) // listing.PAGE_SIZE)}
    sent: list[None] = []
    event.listen(engine, "before_cursor_execute", lambda *_given: sent.append(None))
    clients: dict[str, Any] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if not question:
            print("{}", flush=True)
            continue
        if question["role"] not in clients:
            clients[question["role"]] = log_in(app, question["role"])
        client = clients[question["role"]]
        if "{id}" in question["address"]:
            listed = re.search(r"/details/\?id=(\d+)", client.get("/admin/case/").text)
            marks["id"] = int(listed[1]) if listed else 0
        address = question["address"].format(**marks)
        sent.clear()
        start = time.process_time()
        response = client.get(address, headers={"Accept-Encoding": "gzip"})
        seconds = time.process_time() - start
        print(json.dumps({"status": response.status_code, "seconds": seconds, "statements": len(sent)}), flush=True)
    return 0


def log_in(app: Any, name: str) -> Any:
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert token
    response = client.post("/login", data={"csrf_token": token[1], "username": name, "password": PASSWORD})
    assert response.status_code == 302, response.status
    return client


if __name__ == "__main__":
    sys.exit(main())
