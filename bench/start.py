"""Benchmark of the start-up of commands, compared with importing Flask and SQLAlchemy alone.

python -m bench.start [--rounds 10]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
FLASK = ("-m", "flask", "--app", "admin_app")
LIBRARIES = ("-c", "import flask, sqlalchemy")
COMMANDS: tuple[tuple[str, ...], ...] = (
    (*FLASK, "check", "--help"),
    (*FLASK, "import", "--help"),
    (*FLASK, "export", "--help"),
    (*FLASK, "ledger", "--help"),
    (*FLASK, "template", "street", "out.xlsx"),
)


def processor_time(arguments: tuple[str, ...], folder: str) -> float:
    """The processor time of a process, user and system, in seconds."""
    environment = {**os.environ, "INSTANCE_PATH": folder, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    best: dict[tuple[str, ...], float] = {}
    with TemporaryDirectory() as folder:
        for _round in range(rounds):
            # Alternately, so that other load affects all alike.
            for arguments in (LIBRARIES, *COMMANDS):
                best[arguments] = min(processor_time(arguments, folder), best.get(arguments, float("inf")))
    for arguments in COMMANDS:
        ratio = best[arguments] / best[LIBRARIES]
        print(f"{' '.join(arguments[len(FLASK) :]):26} {best[arguments]:5.2f} s  {ratio:4.1f} times the libraries")


if __name__ == "__main__":
    main()
