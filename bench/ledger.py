"""Benchmark of the monthly ledger: its processor time compared with openpyxl writing the same rows in the same style,
measured alternately in one process.

Prints ratios, because times depend on the machine. Exit status 1 if the ledger takes more than 1.5 times as long, or
more than 15 statements."""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import sqlalchemy as sa
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy.orm import Session

import models
from admin_app import create_app
from bureau.calendar.month import Month
from bureau.cases import events
from bureau.ledger import rows as ledger
from bureau.ledger.web import files, workbook
from bureau.printing import pen
from bureau.upkeep.web.commands import migrate
from models import Basis, CaseStatus
from panel.config import Config
from panel.kinds import ZONE
from seed import demo

MONTH = Month(2026, 5)
ROUNDS = 5
RATIO, STATEMENTS = 1.5, 15
STEPS = (
    ("report", None, CaseStatus.REPORTED),
    ("accept", CaseStatus.REPORTED, CaseStatus.ACCEPTED),
    ("dispatch", CaseStatus.ACCEPTED, CaseStatus.DISPATCHED),
    ("start", CaseStatus.DISPATCHED, CaseStatus.HANDLING),
    ("handle", CaseStatus.HANDLING, CaseStatus.HANDLED),
    ("verify", CaseStatus.HANDLED, CaseStatus.VERIFIED),
    ("close", CaseStatus.VERIFIED, CaseStatus.CLOSED),
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=6_000)
    arguments = options.parse_args()
    with TemporaryDirectory() as folder:
        config = Config(
            instance=Path(folder),
            database_url=f"sqlite:///{Path(folder) / 'panel.db'}",
            secret_key="for this measurement only",  # noqa: S106 - of a database that is thrown away
            password_cost=1,
        )
        app = create_app(config)
        with app.app_context():
            panel = app.extensions["panel"]
            migrate(panel)
            with panel.system_session() as session:
                demo.build(session, cases=0, password_hash="-", secret="-")  # noqa: S106
                fill(session, arguments.cases)
            with panel.system_session() as session:
                return measure(session, panel.db.engine)


def measure(session: Session, engine: sa.Engine) -> int:
    failed = 0
    print(f"{'ledger':10} {'cases':>6} {'openpyxl':>9} {'ours':>7} {'ratio':>6} {'statements':>11}")
    for basis in Basis:
        params = files.LedgerRequest(MONTH, basis)
        rows = [row.cells() for row in ledger.rows(session, MONTH, basis)]
        statement_count = _statements(engine, partial(files.make, session, params))
        heights = _row_heights(session, params)
        ledger_times, plain_times = [], []
        # Objects of the measurement itself are left out of garbage collection.
        gc.collect()
        gc.freeze()
        for _round in range(ROUNDS):
            plain_times.append(_seconds(partial(write_plainly, rows, heights)))
            ledger_times.append(_seconds(partial(files.make, session, params)))
        ledger_time, plain_time = statistics.median(ledger_times), statistics.median(plain_times)
        ratio = ledger_time / plain_time
        failed |= ratio > RATIO or statement_count > STATEMENTS
        print(
            f"{basis.value:10} {len(rows):6} {plain_time:8.2f}s {ledger_time:6.2f}s {ratio:6.2f} {statement_count:11}"
        )
    print(f"at most {RATIO} times openpyxl alone, and {STATEMENTS} statements: {'no' if failed else 'yes'}")
    return int(failed)


def _row_heights(session: Session, params: files.LedgerRequest) -> list[float | None]:
    """The row heights in the ledger's file, so that both write the same."""
    sheet = load_workbook(BytesIO(files.make(session, params).content))[workbook.SHEET]
    return [sheet.row_dimensions[number].height for number in range(1, sheet.max_row + 1)]


def write_plainly(rows: list[tuple[Any, ...]], heights: list[float | None]) -> None:
    """Write the rows cell by cell with openpyxl: one sheet without totals and summary."""
    book: Any = Workbook(write_only=True)
    sheet = book.create_sheet(workbook.SHEET)
    looks = pen.looks(sheet)
    styles = [looks[style] for _width, style in workbook.LAYOUT]
    for number, row in enumerate(rows, 1):
        sheet.row_dimensions[number].height = heights[number + 2]
        cells = []
        for value, style in zip(row, styles, strict=True):
            cell: Any = WriteOnlyCell(sheet)
            cell._style = style
            cell.value = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            cells.append(cell)
        sheet.append(cells)
    book.save(BytesIO())


def _seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def _statements(engine: sa.Engine, action: Callable[[], object]) -> int:
    statements = []

    def record(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", record)
    action()
    sa.event.remove(engine, "before_cursor_execute", record)
    return len(statements)


def fill(session: Session, count: int) -> None:
    """Add `count` cases of MONTH, each with events, a complainant and feedback, every third with a referral."""
    communities = list(session.execute(sa.select(models.Community.id)).scalars())
    officers = list(session.execute(sa.select(models.Officer.id)).scalars())
    items = list(session.execute(sa.select(models.ChecklistItem)).scalars())
    liaisons = dict(session.execute(sa.select(models.Liaison.community_id, models.Liaison.id)).all())
    department = session.execute(sa.select(models.Department.id)).scalars().first()
    length = (MONTH.end - MONTH.start) * 0.8
    cases = []
    for i in range(count):
        at = MONTH.start + length * i / count
        item = items[i % len(items)]
        community = communities[i % len(communities)]
        cases.append(
            {
                "case_no": f"NH-2026-{i:06}",
                "status": CaseStatus.CLOSED,
                "source": list(models.Source)[i % 7],
                "community_id": community,
                "place": f"东塔路 {i % 300} 号 {i % 20} 幢 {i % 6 + 1}01 室",
                "item_id": item.id,
                "list_kind": item.list_kind,
                "item_snapshot": {"code": item.code, "name": item.name, "list_kind": str(item.list_kind)},
                "description": "居民反映楼下长期堆放杂物，占用消防通道，此前劝过一次，效果不好，希望尽快处理。",
                "liaison_id": liaisons.get(community),
                "lead_officer_id": officers[i % len(officers)],
                "handler_id": officers[i % len(officers)],
                "outcome": list(models.Outcome)[i % 11],
                "result": "当事人在队员和社区工作人员劝说下自行清理完毕，现场已恢复整洁。",
                "reported_at": at - timedelta(hours=1),
                "accepted_at": at,
                "due_at": at + timedelta(days=5),
                "handled_at": at + timedelta(days=3),
                "closed_at": at + timedelta(days=4),
            }
        )
    table = cast(sa.Table, models.Case.__table__)
    inserted = session.connection().execute(sa.insert(table).returning(table.c.id, sort_by_parameter_order=True), cases)
    ids = list(inserted.scalars())
    event_rows: list[dict[str, Any]] = []
    for id_, case in zip(ids, cases, strict=True):
        first = cast(datetime, case["reported_at"])
        event_rows += events.chain(
            id_,
            [
                {
                    "at": first + (timedelta(days=4, hours=1)) * number / (len(STEPS) - 1),
                    "step": step,
                    "from_status": before,
                    "to_status": after,
                    "actor_id": None,
                    "actor_name": "测量",
                    "opinion": case["result"] if step == "handle" else None,
                    "payload": {"outcome": str(case["outcome"])} if step == "handle" else {},
                }
                for number, (step, before, after) in enumerate(STEPS)
            ],
        )
    _insert(session, models.CaseEvent, event_rows)
    pairs = list(zip(ids, cases, strict=True))
    _insert(session, models.CaseParty, [{"case_id": id_, "name": "张三丰", "anonymous": False} for id_ in ids])
    _insert(
        session,
        models.Feedback,
        [
            {
                "case_id": id_,
                "target": models.FeedbackTarget.COMPLAINANT,
                "at": cast(datetime, case["closed_at"]) - timedelta(hours=1),
                "content": "已告知处理结果。",
                "satisfaction": models.Satisfaction.SATISFIED,
            }
            for id_, case in pairs
        ],
    )
    _insert(
        session,
        models.Referral,
        [
            {
                "case_id": id_,
                "department_id": department,
                "sent_at": cast(datetime, case["accepted_at"]).astimezone(ZONE) + timedelta(hours=5),
                "status": models.ReferralStatus.SENT,
            }
            for id_, case in pairs[::3]
        ],
    )


def _insert(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    session.connection().execute(sa.insert(model.__table__), rows)


if __name__ == "__main__":
    sys.exit(main())
