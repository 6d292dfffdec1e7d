"""The export of many cases against its writer fed with the same rows ready in memory: processor time of a process of
its own, both in the same run by turns; and the peak of memory of the command `export` as it is typed.

Prints ratios, since times are those of a machine. Ends with 1 when an export through openpyxl takes more than 1.3 times
its writer, one through the faster writer or as CSV more than 1.7 times, or the command more memory than 120 MB."""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import models
from admin_app import create_app
from bench.ledger import fill
from bureau.upkeep.web.commands import migrate
from panel import sheets
from panel.config import Config
from panel.exports import table_rows, workbooks
from panel.sheets.write import fast
from seed import demo

COLUMNS = 22
FLASK = "import sys; from flask.cli import main; sys.argv[:1] = ['flask', '--app', 'admin_app']; main()"
#: `flask --app admin_app export …`; through openpyxl as where the faster writer isn't installed.
COMMAND = {
    "openpyxl": f"import sys; sys.modules['rustpy_xlsxwriter'] = None; {FLASK}",
    "faster": FLASK,
    "csv": FLASK,
}
ROUNDS = {"openpyxl": 1, "faster": 3, "csv": 3}
#: What an export may cost beyond its writer; the faster the writer, the more weighs the reading.
RATIOS = {"openpyxl": 1.3, "faster": 1.7, "csv": 1.7}
#: What the command may take, start and database included.
MEGABYTES = 120


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--child", nargs=3, metavar=("TASK", "WHAT", "FOLDER"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        task, what, folder = given.child
        print(json.dumps({"build": build, "ratio": ratio, "memory": memory}[task](what, Path(folder))))
        return 0
    worst = False
    with TemporaryDirectory() as folder:
        # A process begins with the peak of the one that began it: this one stays small.
        child("build", str(given.cases), folder)
        print(f"{'writer':9} {'rows':>7} {'ready rows':>11} {'export':>8} {'ratio':>6} {'peak of the command':>20}")
        for writer, most in RATIOS.items():
            if writer == "faster" and fast.rust is None:
                print(f"{writer:9} not installed")
                continue
            took = child("ratio", writer, folder)
            peak = child("memory", writer, folder)["peak"]
            found = took["export"] / took["ready"]
            worst |= found > most or peak > MEGABYTES
            took_words = f"{took['ready']:10.2f}s {took['export']:7.2f}s {found:6.2f}"
            print(f"{writer:9} {took['rows']:7} {took_words} {peak:17.0f} MB")
    wanted = ", ".join(f"{writer} {most}" for writer, most in RATIOS.items())
    print(f"at most {wanted} times the writer alone, and {MEGABYTES} MB: {'no' if worst else 'yes'}")
    return int(worst)


def child(task: str, what: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.exporting", "--child", task, what, folder]
    found = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this very program
    made: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return made


def application(folder: Path) -> Any:
    return create_app(
        Config(
            instance=folder,
            database_url=f"sqlite:///{folder / 'panel.db'}",
            secret_key="for this measurement only",  # noqa: S106 - of a database that is thrown away
            password_cost=1,
        )
    )


def build(cases: str, folder: Path) -> dict[str, float]:
    app = application(folder)
    with app.app_context():
        panel = app.extensions["panel"]
        migrate(panel)
        with panel.system_session() as session:
            demo.build(session, cases=0, password_hash="-", secret="-")  # noqa: S106
            fill(session, int(cases))
    return {}


def columns() -> list[table_rows.Column]:
    return table_rows.columns(models.Case)[:COLUMNS]


def ratio(writer: str, folder: Path) -> dict[str, float]:
    """The writer alone and the export, by turns."""
    panel = application(folder).extensions["panel"]
    with panel.app.app_context(), panel.system_session() as session:
        ready = list(table_rows.rows(session, models.Case, columns(), []))
        gc.collect()
        gc.freeze()
        theirs, ours = [], []
        for _round in range(ROUNDS[writer]):
            theirs.append(_seconds(partial(write_ready, writer, ready, folder / "ready")))
            ours.append(_seconds(partial(export, writer, session, folder / "export")))
    return {"rows": len(ready), "ready": statistics.median(theirs), "export": statistics.median(ours)}


def memory(writer: str, folder: Path) -> dict[str, float]:
    """The command as it is typed, in a process of its own whose peak is asked for."""
    names = ",".join(column.name for column in columns())
    out = folder / ("export.csv" if writer == "csv" else "export.xlsx")
    command = [sys.executable, "-c", COMMAND[writer], "export", "case", str(out), "--columns", names]
    found = os.environ | {"INSTANCE_PATH": str(folder), "SECRET_KEY": "for this measurement only"}
    subprocess.run(  # noqa: S603 - this very program
        [*command, *(["--csv"] if writer == "csv" else [])], check=True, env=found, stdout=subprocess.DEVNULL
    )
    return {"peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}


def export(writer: str, session: Any, target: Path) -> None:
    _choose(writer)
    workbooks.export(session, models.Case, [], target, shown=columns(), csv=writer == "csv")


def write_ready(writer: str, ready: list[tuple[Any, ...]], target: Path) -> None:
    _choose(writer)
    page = workbooks.page(models.Case, columns(), ready)
    if writer == "csv":
        sheets.write_csv(target, page)
    else:
        sheets.write(target, [page])


def _choose(writer: str) -> None:
    if writer == "openpyxl":
        fast.rust = None


def _seconds(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


if __name__ == "__main__":
    sys.exit(main())
