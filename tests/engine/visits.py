"""Modules of the tests that are run each in a process of its own, because there is one Base with one metadata."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

#: What every visit loads, and no table of which is the bureau's: the processes begin with it, as forks of one that has
#: this program's folders, and nothing else of this process.
LOADED = ["alembic.autogenerate", "openpyxl", "panel.web.assemble", "panel.web.features", "panel.exports.workbooks"]


def visit(module: str, place: Path) -> None:
    """Run a module with a place as its argument, far from the project's folder and from this process's clock."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    errors = (place if place.is_dir() else place.parent) / "errors.txt"
    process = context.Process(target=_run, args=(module, str(place), str(errors)))
    process.start()
    process.join(600)
    code = process.exitcode
    process.kill()
    process.join()
    process.close()
    assert code == 0, errors.read_text() if errors.exists() else f"{module} ended with {code} before it began"


def _run(module: str, place: str, errors: str) -> None:
    file = os.open(errors, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, sys.__stderr__.fileno())  # type: ignore[union-attr]
    os.chdir(Path(errors).parent)
    sys.argv = [module, place]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
