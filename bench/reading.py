"""Benchmark of reading a workbook: the panel, with its process that opens the file, compared with the reading library
alone, measured alternately; processor time and elapsed time.

Prints ratios, because times depend on the machine. Exit status 1 if the panel takes more than 1.5 times the library's
processor time."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from python_calamine import CalamineWorkbook

from panel import sheets

ROUNDS = 7
RATIO = 1.5
HEADER = ["街道", "社区", "姓名", "手机", "起始时间", "地址", "户数", "备注", "类别", "编号"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    arguments = options.parse_args()
    data = roster(arguments.rows)
    gc.collect()
    gc.freeze()
    panel_times, library_times = [], []
    for _round in range(ROUNDS):
        library_times.append(_seconds(partial(read_by_library, data)))
        panel_times.append(_seconds(partial(sheets.read, data)))
    print(f"{'reading':10} {'rows':>7} {'calamine':>9} {'ours':>7} {'ratio':>6}")
    ratios = []
    for index, name in enumerate(("processor", "clock")):
        panel_time, library_time = (
            statistics.median(times[index] for times in samples) for samples in (panel_times, library_times)
        )
        ratios.append(panel_time / library_time)
        print(f"{name:10} {arguments.rows:7} {library_time:8.2f}s {panel_time:6.2f}s {ratios[-1]:6.2f}")
    print(f"at most {RATIO} times the library's processor time: {'yes' if ratios[0] <= RATIO else 'no'}")
    return int(ratios[0] > RATIO)


def roster(count: int) -> bytes:
    """A workbook of `count` rows with ten cells: texts, numbers, days, some empty."""
    book: Any = Workbook(write_only=True)
    sheet = book.create_sheet("名单")
    sheet.append(HEADER)
    for i in range(count):
        sheet.append(
            [
                "城东街道",
                f"东栅社区{i % 300}",
                f"李四{i:05}",
                f"138{i:08}",
                date(2026, 1, 1) + timedelta(i % 300),
                f"东塔路 {i} 号",
                i % 500,
                "新任",
                "甲类" if i % 2 else None,
                float(i),
            ]
        )
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def read_by_library(data: bytes) -> None:
    """Read the sheet with the library alone."""
    CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0).to_python()


def _seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Processor time with children, and elapsed time, in seconds."""
    before, start = os.times(), time.perf_counter()
    action()
    clock, after = time.perf_counter() - start, os.times()
    return sum(after[:4]) - sum(before[:4]), clock


if __name__ == "__main__":
    sys.exit(main())
