"""Benchmark of the export: its processor time compared with the writer alone on rows in memory, measured alternately in
one process; and the peak memory of the command `export`.

Prints ratios, because times depend on the machine. Exit status 1 if an export takes more than 1.3 times its writer with
openpyxl, 1.7 times with the faster writer or CSV, or if the command takes more than 120 MB."""

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
#: `flask --app admin_app export …` by writer; "openpyxl" hides the faster writer.
COMMAND = {
    "openpyxl": f"import sys; sys.modules['rustpy_xlsxwriter'] = None; {FLASK}",
    "faster": FLASK,
    "csv": FLASK,
}
ROUNDS = {"openpyxl": 1, "faster": 3, "csv": 3}
#: Most time of an export as a multiple of its writer's. A faster writer leaves more weight to reading.
RATIOS = {"openpyxl": 1.3, "faster": 1.7, "csv": 1.7}
#: Most memory of the command, with start-up and database.
MEGABYTES = 120


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--child", nargs=3, metavar=("TASK", "WHAT", "FOLDER"), help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        task, argument, folder = arguments.child
        print(json.dumps({"build": build, "ratio": ratio, "memory": memory}[task](argument, Path(folder))))
        return 0
    failed = False
    with TemporaryDirectory() as folder:
        # A child process inherits the peak memory of its parent: this process stays small.
        child("build", str(arguments.cases), folder)
        print(f"{'writer':9} {'rows':>7} {'ready rows':>11} {'export':>8} {'ratio':>6} {'peak of the command':>20}")
        for writer, limit in RATIOS.items():
            if writer == "faster" and fast.rust is None:
                print(f"{writer:9} not installed")
                continue
            times = child("ratio", writer, folder)
            peak = child("memory", writer, folder)["peak"]
            factor = times["export"] / times["ready"]
            failed |= factor > limit or peak > MEGABYTES
            took_words = f"{times['ready']:10.2f}s {times['export']:7.2f}s {factor:6.2f}"
            print(f"{writer:9} {times['rows']:7} {took_words} {peak:17.0f} MB")
    limits = ", ".join(f"{writer} {limit}" for writer, limit in RATIOS.items())
    print(f"at most {limits} times the writer alone, and {MEGABYTES} MB: {'no' if failed else 'yes'}")
    return int(failed)


def child(task: str, argument: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.exporting", "--child", task, argument, folder]
    process = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this very program
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return result


def create_application(folder: Path) -> Any:
    return create_app(
        Config(
            instance=folder,
            database_url=f"sqlite:///{folder / 'panel.db'}",
            secret_key="for this measurement only",  # noqa: S106 - of a database that is thrown away
            password_cost=1,
        )
    )


def build(cases: str, folder: Path) -> dict[str, float]:
    app = create_application(folder)
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
    """Median seconds of the writer alone and of the export, measured alternately."""
    panel = create_application(folder).extensions["panel"]
    with panel.app.app_context(), panel.system_session() as session:
        rows = list(table_rows.rows(session, models.Case, columns(), []))
        gc.collect()
        gc.freeze()
        writer_times, export_times = [], []
        for _round in range(ROUNDS[writer]):
            writer_times.append(_seconds(partial(write_ready, writer, rows, folder / "ready")))
            export_times.append(_seconds(partial(export, writer, session, folder / "export")))
    return {"rows": len(rows), "ready": statistics.median(writer_times), "export": statistics.median(export_times)}


def memory(writer: str, folder: Path) -> dict[str, float]:
    """The peak memory of the command in MB."""
    names = ",".join(column.name for column in columns())
    out = folder / ("export.csv" if writer == "csv" else "export.xlsx")
    command = [sys.executable, "-c", COMMAND[writer], "export", "case", str(out), "--columns", names]
    environment = os.environ | {"INSTANCE_PATH": str(folder), "SECRET_KEY": "for this measurement only"}
    subprocess.run(  # noqa: S603 - this very program
        [*command, *(["--csv"] if writer == "csv" else [])], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    return {"peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}


def export(writer: str, session: Any, target: Path) -> None:
    _choose(writer)
    workbooks.export(session, models.Case, [], target, shown=columns(), csv=writer == "csv")


def write_ready(writer: str, rows: list[tuple[Any, ...]], target: Path) -> None:
    _choose(writer)
    page = workbooks.page(models.Case, columns(), rows)
    if writer == "csv":
        sheets.write_csv(target, page)
    else:
        sheets.write(target, [page])


def _choose(writer: str) -> None:
    if writer == "openpyxl":
        fast.rust = None


def _seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
