"""Benchmark of the import of liaisons by the command: its processor time, with start-up and the process that opens the
file, compared with openpyxl only reading the file; measured alternately, each import into a fresh database. Also the
growth of the cost of a row, and the peak memory.

Prints ratios, because times depend on the machine. Exit status 1 if 10,000 rows take more than 4 times the reading, if
a row of 100,000 takes more than 1.25 times one of 10,000 (without start-up), or 50,000 rows more than 200 MB."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

#: Number of measurements by number of rows.
SIZES = {10_000: 3, 50_000: 1, 100_000: 1}
RATIO, GROWTH, MEGABYTES = 4.0, 1.25, 200
STREETS = 20
HEADER = ["街道", "社区", "姓名", "性别", "手机", "职务", "办公电话", "起始时间", "备注"]
READ = """
import sys
from openpyxl import load_workbook
for row in load_workbook(sys.argv[1], read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True):
    pass
"""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--child", nargs=2, metavar=("ROWS", "FOLDER"), help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.child:
        build(int(arguments.child[0]), Path(arguments.child[1]))
        return 0
    print(f"{'importing':>9} {'openpyxl':>9} {'command':>9} {'ratio':>6} {'a row':>9} {'peak':>7}")
    results: dict[int, tuple[float, float, float]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        # A child process inherits the peak memory of its parent: this process stays small, a child builds the file.
        for rows, rounds in SIZES.items():
            _run([sys.executable, "-m", "bench.importing", "--child", str(rows), str(folder)], os.environ)
            start = statistics.median(_started(folder) for _round in range(rounds))
            samples = [(_read(folder), *_imported(folder, rows)) for _round in range(rounds)]
            read_time, import_time, peak = (statistics.median(column) for column in zip(*samples, strict=True))
            results[rows] = (import_time / read_time, (import_time - start) / rows, peak)
            words = (
                f"{read_time:8.2f}s {import_time:8.2f}s {import_time / read_time:6.2f} {1e6 * results[rows][1]:6.0f} µs"
            )
            print(f"{rows:9} {words} {peak:4.0f} MB", flush=True)
    few, middle, many = (results[rows] for rows in SIZES)
    ratio, growth, peak = few[0], many[1] / few[1], middle[2]
    failed = ratio > RATIO or growth > GROWTH or peak > MEGABYTES
    print(f"a row of {max(SIZES)} costs {growth:.2f} times one of {min(SIZES)}")
    print(f"at most {RATIO} times the reading, {GROWTH} times a row, {MEGABYTES} MB: {'no' if failed else 'yes'}")
    return int(failed)


def build(rows: int, folder: Path) -> None:
    """Build the file, and a database with a community for each row, because a community has one active liaison."""
    from openpyxl import Workbook  # noqa: PLC0415 - not in the process that measures

    import models  # noqa: PLC0415
    from admin_app import create_app  # noqa: PLC0415
    from bureau.upkeep.web.commands import migrate  # noqa: PLC0415
    from panel.config import Config  # noqa: PLC0415
    from panel.store import bulk  # noqa: PLC0415

    book: Any = Workbook(write_only=True)
    sheet = book.create_sheet("花名册")
    sheet.append(HEADER)
    for i in range(rows):
        sex, post = ("男", "主任") if i % 2 else ("女", "网格员")
        start, note = date(2026, 1, 1) + timedelta(i % 300), "新任" if i % 5 == 0 else None
        where = (f"第{i % STREETS + 1}街道", f"东栅{i}社区")
        sheet.append([*where, person(i), sex, f"138{i:08}", post, f"0573-{82000000 + i}", start, note])
    book.save(folder / "花名册.xlsx")

    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    config = Config(
        instance=fresh,
        database_url=f"sqlite:///{fresh / 'panel.db'}",
        secret_key="for this measurement only",  # noqa: S106 - of a database that is thrown away
    )
    app = create_app(config)
    with app.app_context():
        panel = app.extensions["panel"]
        migrate(panel)
        with panel.system_session() as session:
            streets = bulk.add(session, models.Street, [{"name": f"第{n + 1}街道"} for n in range(STREETS)])
            places = [{"street_id": streets[i % STREETS], "name": f"东栅{i}社区"} for i in range(rows)]
            bulk.add(session, models.Community, places)
            session.commit()
        panel.db.engine.dispose()


def person(number: int) -> str:
    """A name for each of many people; names have no digits."""
    return f"李{chr(0x4E00 + number % 20_000)}{chr(0x4E00 + number // 20_000)}"


def _started(folder: Path) -> float:
    """Seconds of a command that does almost nothing: the start-up."""
    return _command(folder, "imports", "--json")[0]


def _read(folder: Path) -> float:
    return _run([sys.executable, "-c", READ, str(folder / "花名册.xlsx")], os.environ)[0]


def _imported(folder: Path, rows: int) -> tuple[float, float]:
    """Seconds and peak megabytes of the import."""
    seconds, peak, output = _command(folder, "import", "liaison", str(folder / "花名册.xlsx"), "--json")
    report = json.loads(output)
    assert report["applied"], report
    assert report["new"] == rows, report
    return seconds, peak


def _command(folder: Path, *words: str) -> tuple[float, float, str]:
    """Run a command on a fresh copy of the database."""
    instance = folder / "instance"
    shutil.rmtree(instance, ignore_errors=True)
    shutil.copytree(folder / "fresh", instance)
    settings = {"INSTANCE_PATH": str(instance), "DATABASE_URL": f"sqlite:///{instance / 'panel.db'}"}
    return _run([sys.executable, "-m", "flask", "--app", "admin_app", *words], {**os.environ, **settings})


def _run(command: list[str], environment: Any) -> tuple[float, float, str]:
    """Processor time of a command and its children in seconds, their highest peak memory in megabytes, and the
    output."""
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


if __name__ == "__main__":
    sys.exit(main())
