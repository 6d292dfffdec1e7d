"""Opens a workbook in a process of its own: a damaged or hostile one makes the reading library panic or ask for all
the memory there is, and the panel must outlive that. Run with the bytes on stdin; needs nothing of the panel.

Answers with a pickle on stdout: ("sheets", [(name, visible, rows, merged ranges)]), or the name of a refusal with
what it is about. Dying counts as "damaged"."""

from __future__ import annotations

import pickle
import sys
from datetime import time, timedelta
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MAX_ROWS = 200_000
MAX_COLUMNS = 300
MAX_CELLS = 4_000_000
#: What a small workbook may take, and what each byte of a larger one adds.
MEMORY = 256 * 1024 * 1024
MEMORY_PER_BYTE = 80
CPU_SECONDS = 60


def limit(size: int) -> None:
    """Take no more memory and time than a workbook of this size needs, where the system can hold us to it."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    memory = MEMORY + MEMORY_PER_BYTE * size
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(data: bytes) -> tuple[str, Any]:
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(data))
        found: list[tuple[str, bool, list[Any], list[Any]]] = []
        for meta in workbook.sheets_metadata:
            if meta.typ != SheetTypeEnum.WorkSheet:
                continue
            if meta.visible != SheetVisibleEnum.Visible:
                # What only a program can show again holds nothing that a person put there.
                if meta.visible == SheetVisibleEnum.Hidden:
                    found.append((meta.name, False, [], []))
                continue
            sheet = workbook.get_sheet_by_name(meta.name)
            height, width = sheet.height, sheet.width
            if sheet.start:
                height, width = height + sheet.start[0], width + sheet.start[1]
            if height > MAX_ROWS or width > MAX_COLUMNS or height * width > MAX_CELLS:
                return "large", meta.name
            rows = [[plain(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            found.append((meta.name, True, rows, sheet.merged_cell_ranges or []))
    except PasswordError:
        return "protected", ""
    except CalamineError as error:
        locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
        return ("protected" if locked else "damaged"), ""
    return "sheets", found


def plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    if isinstance(value, timedelta):
        return str(value)
    return value


if __name__ == "__main__":
    given = sys.stdin.buffer.read()
    limit(len(given))
    sys.stdout.buffer.write(pickle.dumps(opened(given), protocol=5))
