"""A hostile, damaged or locked file is refused in one sentence, soon and cheaply; whatever is done to a workbook, it
becomes a plan or a refusal."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panel import sheets
from panel.errors import UserError
from panel.i18n import using_locale
from panel.imports.plans import Plan
from panel.sheets import MAX_BYTES, UnreadableFile
from tests.engine.test_files_read import altered, document, line
from tests.factories import Stage
from tests.workbooks import ROSTER, Office, table

pytestmark = pytest.mark.usefixtures("reader_apart")
FILES = Path(__file__).parents[1] / "samples"
ROW = ("城东街道", "东栅社区", "李四", "13811112222", "2026-08-01")
PLAIN = table(ROSTER, ROW)
DIRTY = table(ROSTER, ROW, ("城东街道", "东栅社区", "=A1", 13811113333.0, "#N/A"), merged=("A2:A3",))
SHEET = "xl/worksheets/sheet1.xml"
#: What a refusal may take beyond start-up, in the process that opens the file.
SECONDS, MEMORY = 2.0, 300


def packed(parts: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return target.getvalue()


def bomb(size: int) -> bytes:
    """A workbook whose sheet unpacks to so many bytes of rows."""
    row = b'<row><c t="inlineStr"><is><t>a</t></is></c></row>'
    return altered(PLAIN, SHEET, lambda part: part.replace(b"</sheetData>", row * (size // len(row)) + b"</sheetData>"))


def lying() -> bytes:
    """A bomb that says it unpacks to a hundred bytes."""
    data = bytearray(bomb(250_000_000))
    with ZipFile(BytesIO(bytes(data))) as archive:
        size = archive.getinfo(SHEET).file_size
    said, true = struct.pack("<I", 100), struct.pack("<I", size)
    return bytes(data).replace(true, said)


def one_part_many_sheets() -> bytes:
    """Sheets that are all the same part, which would be read for each of them."""
    sheet = b'<sheet name="s%d" sheetId="1" r:id="rId1"/>'
    sheets_ = b"".join(sheet % number for number in range(20_000))
    return altered(PLAIN, "xl/workbook.xml", lambda part: part.replace(b"</sheets>", sheets_ + b"</sheets>"))


def countless_texts() -> bytes:
    """A list of empty texts, which takes little in the file and a hundred times as much when it is read; the noise
    beside it lets it unpack to that."""
    head = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    listed = head + b"<si/>" * 12_000_000 + b"</sst>"
    with ZipFile(BytesIO(PLAIN)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed({**parts, "xl/sharedStrings.xml": listed, "xl/media/image1.png": noise(2_000_000)})


def overlapping() -> bytes:
    """Many names for the same bytes."""
    data = bytearray(packed({"xl/workbook.xml": b"<workbook/>", **{f"xl/{n:05}.xml": b"x" for n in range(50)}}))
    start = data.index(b"PK\x01\x02")
    while start >= 0 and data[start : start + 4] == b"PK\x01\x02":
        name, extra, note = struct.unpack_from("<HHH", data, start + 28)
        struct.pack_into("<I", data, start + 42, 0)
        start += 46 + name + extra + note
    return bytes(data)


def laughing(part: bytes) -> bytes:
    """A hundred thousand million words out of nine lines."""
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{lines}<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return (
        head.encode() + part.replace("李四".encode(), b"&l9;&e;").partition(b"?>")[2 if b"<?xml" in part else 0] + part
    )


def locked() -> bytes:
    """A zipped workbook of which each part needs a password."""
    data = bytearray(PLAIN)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def compound(*names: str, content: bytes = b"\x00" * 5000) -> bytes:
    """A file of the old kind with streams of these names, all with one content."""
    size = 512
    sectors = -(-len(content) // size)
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\x00" * 16
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    )
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    folder = b""
    for name, kind in (("Root Entry", 5), *((name, 2) for name in names)):
        text = name.encode("utf-16-le")
        folder += text.ljust(64, b"\x00") + struct.pack(
            "<HBBIII36xIQ", len(text) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 2, len(content)
        )
    return (
        head + struct.pack("<128I", *fat) + folder.ljust(size, b"\x00")[:size] + content.ljust(sectors * size, b"\x00")
    )


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - nothing secret


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: bomb(300_000_000), "unpacks to far too much"),
    "lying bomb": (lying, "unpacks to far too much"),
    "overlapping parts": (overlapping, "damaged"),
    "too many parts": (lambda: packed({f"{n}.xml": b"" for n in range(3_000)}), "too many parts"),
    "one part for many sheets": (one_part_many_sheets, "damaged"),
    "countless texts": (countless_texts, "unpacks to far too much"),
    "merged on top of each other": (
        lambda: altered(
            PLAIN,
            SHEET,
            lambda p: p.replace(
                b"</sheetData>", b"</sheetData><mergeCells>" + b'<mergeCell ref="A1:A200000"/>' * 100 + b"</mergeCells>"
            ),
        ),
        "damaged",
    ),
    "tags without end": (
        lambda: altered(PLAIN, SHEET, lambda p: p.replace(b"</sheetData>", b"<f></f><c " * 1_500_000)),
        "damaged",
    ),
    "cells far away": (
        lambda: altered(PLAIN, SHEET, lambda part: part.replace(b'r="E2"', b'r="XFD1048576"')),
        "damaged",
    ),
    "too many rows": (
        lambda: altered(
            PLAIN,
            SHEET,
            lambda p: p.replace(b"</sheetData>", b'<row r="300000"><c r="A300000"><v>1</v></c></row></sheetData>'),
        ),
        "too large",
    ),
    "repeated rows": (lambda: document(line("街道", given='table:number-rows-repeated="1000000000"') * 50), ""),
    "entities in a sheet": (lambda: altered(PLAIN, SHEET, laughing), "damaged"),
    "entities beside": (lambda: altered(PLAIN, "xl/styles.xml", laughing), "damaged"),
    "entities in a document": (lambda: altered(document(line("李四")), "content.xml", laughing), "damaged"),
    "zip with a password": (locked, "password"),
    "workbook with a password": (lambda: compound("EncryptionInfo", "EncryptedPackage"), "password"),
    "another office's file": (lambda: compound("WordDocument"), "no table that can be read"),
    "old workbook of zeros": (lambda: compound("Workbook"), "damaged"),
    "random zip": (lambda: b"PK\x03\x04" + noise(100_000), "damaged"),
    "random ole": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise(100_000), "damaged"),
    "random": (lambda: noise(1_000_000), "no table that can be read"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + noise(1000), "no table that can be read"),
    "cut short": (lambda: PLAIN[: len(PLAIN) // 2], "damaged"),
    "50 MB": (lambda: b"PK\x03\x04" + bytes(50_000_000), "too large"),
    "one line": (lambda: b"x" * 19_000_000, "damaged"),
    "a million columns": (lambda: b"a,b\n" + b"," * 1_000_000, "too large"),
    "a million rows": (lambda: b"a,b\n" * 1_000_000, "too large"),
    "open quote": (lambda: b'a,b\n"' + b"x,y\n" * 1_000_000, "damaged"),
    "deep page": (lambda: b"<html>" + b"<div>" * 3_000_000, "damaged"),
    "wide page": (lambda: b"<table><tr>" + b"<td>a" * 1_000_000, "too large"),
    "wide cells": (lambda: b"<table>" + b"<tr><td colspan=300 rowspan=99999>a" * 100_000, "too large"),
    "page without a table": (lambda: b"<html><body>" + b"<p>x" * 500_000, "no table that can be read"),
    "nothing": (lambda: b"", "empty"),
}


@cache
def made(kind: str) -> bytes:
    return HOSTILE[kind][0]()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_soon_and_cheaply(kind: str) -> None:
    data, sentence = made(kind), HOSTILE[kind][1]
    begun = time.perf_counter()
    with using_locale("en"), pytest.raises(UnreadableFile) as problem:
        sheets.read(data)
    taken = time.perf_counter() - begun
    with using_locale("en"):
        assert sentence in str(problem.value.message)
    assert taken < 2 * SECONDS, "and twice that where others are at work on this machine"


MEASURE = """
import resource, sys, time
from panel import sheets
data = open(sys.argv[1], "rb").read()
begun = time.process_time()
try:
    sheets.read(data)
except sheets.UnreadableFile:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(time.process_time() - begun + found.ru_utime + found.ru_stime, found.ru_maxrss // 1024)
"""


MEASURED = ["bomb", "lying bomb", "countless texts", "cells far away", "repeated rows", "one line", "deep page"]


@pytest.mark.parametrize("kind", MEASURED)
def test_a_refusal_takes_little_time_and_memory(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(made(kind))
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, check=True, cwd=Path(__file__).parents[2]
    )
    seconds, memory = done.stdout.split()
    assert float(seconds) < SECONDS
    assert int(memory) < MEMORY


def test_an_upload_is_refused_by_its_size_alone() -> None:
    with using_locale("en"), pytest.raises(UnreadableFile, match="too large"):
        sheets.read(b"PK\x03\x04" + bytes(MAX_BYTES))


@pytest.fixture
def office(standing: Stage) -> Office:
    return Office(standing)


def _flip(data: bytes, draw: Any) -> bytes:
    found = bytearray(data)
    for _n in range(draw(st.integers(1, 8))):
        found[draw(st.integers(0, len(found) - 1))] = draw(st.integers(0, 255))
    return bytes(found)


def _cut(data: bytes, draw: Any) -> bytes:
    first = draw(st.integers(0, len(data)))
    return data[:first] + data[draw(st.integers(first, len(data))) :]


def _part(data: bytes, draw: Any) -> bytes:
    """A part of a zipped workbook changed, with its sum put right."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if archive.getinfo(name).file_size]
            parts = {name: archive.read(name) for name in names}
    except Exception:
        return data
    chosen = draw(st.sampled_from(names))
    parts[chosen] = draw(st.sampled_from([_flip, _cut]))(parts[chosen], draw)
    return packed(parts)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = draw(
        st.sampled_from(
            [
                DIRTY,
                (FILES / "communities.xls").read_bytes(),
                document(line(*ROSTER) + line(*ROW)),
                ",".join(ROSTER).encode() + b"\n" + ",".join(ROW).encode(),
                b"<table><tr><td>" + "<td rowspan=2>".join(ROSTER).encode() + b"<tr><td>" + "<td>".join(ROW).encode(),
            ]
        )
    )
    for _n in range(draw(st.integers(1, 2))):
        data = draw(st.sampled_from([_flip, _cut, _part]))(data, draw)
    return data


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=mutated())
def test_whatever_is_done_to_a_workbook_it_is_planned_or_refused(office: Office, data: bytes) -> None:
    try:
        plan = office.plan("liaison", data)
    except UserError:
        pass
    else:
        assert isinstance(plan, Plan)
        assert plan.digest()
